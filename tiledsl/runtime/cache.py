"""Where compiled code is kept between processes, and whether (rule L111)."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import platformdirs

from tiledsl import settings
from tiledsl.diagnostics import TileWarning
from tiledsl.runtime.disk_cache import DiskCache


class _Switch:
    """What the program said; None leaves it to the environment."""

    enabled: bool | None = None


def enable_cache() -> None:
    """Keeps compiled code between processes, whatever the environment says."""
    _Switch.enabled = True


def disable_cache() -> None:
    """Neither reads nor writes compiled code of other processes from now on."""
    _Switch.enabled = False


def cache_enabled() -> bool:
    """Whether compiled code is kept between processes."""
    if _Switch.enabled is not None:
        return _Switch.enabled
    return not settings.DISABLE_CACHE.value


def cache_directory() -> Path | None:
    """Where entries are; None if the user has no directory for caches."""
    chosen = settings.CACHE_DIR.value
    if chosen is not None:
        return chosen.absolute() / "objects"
    directory = Path(platformdirs.user_cache_dir("tiledsl", appauthor=False))
    # without a home directory the path starts with a literal ~
    return directory / "objects" if directory.is_absolute() else None


def open_cache() -> DiskCache | None:
    """The cache, or None if it is off or has no place."""
    if not cache_enabled():
        return None
    directory = cache_directory()
    if directory is None:
        _warn_homeless()
        return None
    return _opened(directory, settings.CACHE_MEGABYTES.value << 20)


@cache
def _opened(directory: Path, limit: int) -> DiskCache:
    # one object for each place, so that it warns once in a process
    return DiskCache(directory, limit)


@cache
def _warn_homeless() -> None:
    code = "W4003"
    warnings.warn(
        TileWarning(
            f"{code} compiled code is not kept: there is no home directory; "
            f"set {settings.CACHE_DIR.name}"
        ),
        stacklevel=4,
    )
