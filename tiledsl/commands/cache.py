"""``tiledsl cache``: the store of compiled code."""

from __future__ import annotations

import sys

import click

from tiledsl import settings
from tiledsl.commands.output import json_option, print_json
from tiledsl.diagnostics import CacheError
from tiledsl.runtime.cache import cache_directory, cache_enabled
from tiledsl.runtime.disk_cache import DiskCache


@click.group()
def cache() -> None:
    """Look at, check or empty the store of compiled code."""


@cache.command()
@json_option
def info(as_json: bool) -> None:
    """Say where the cache is and how large."""
    found = _cache()
    entries = found.entries() if found else []
    facts = {
        "directory": found.directory if found else None,
        "enabled": cache_enabled() and found is not None,
        "entries": len(entries),
        "bytes": sum(entry.size for entry in entries),
        "limit": settings.CACHE_MEGABYTES.value << 20,
    }
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        click.echo(f"{name:<10} {value}")


@cache.command("verify")
@json_option
def verify_cache(as_json: bool) -> None:
    """Read every entry and remove the damaged ones."""
    found = _cache()
    try:
        intact, damaged = found.verify() if found else (0, [])
    except OSError as error:
        raise _cannot("verify", error) from None
    if as_json:
        print_json({"intact": intact, "damaged": damaged})
    else:
        click.echo(f"{intact} intact, {len(damaged)} damaged and removed")
    if damaged:
        sys.exit(1)


@cache.command()
@json_option
def clear(as_json: bool) -> None:
    """Remove every entry."""
    found = _cache()
    try:
        removed = found.clear() if found else 0
    except OSError as error:
        raise _cannot("clear", error) from None
    if as_json:
        print_json({"removed": removed})
    else:
        click.echo(f"{removed} removed")


def _cache() -> DiskCache | None:
    """The store, whether or not kernels use it; None without a place for it."""
    directory = cache_directory()
    if directory is None:
        return None
    return DiskCache(directory, settings.CACHE_MEGABYTES.value << 20)


def _cannot(verb: str, error: OSError) -> CacheError:
    return CacheError("E4002", f"cannot {verb} the cache: {error}")
