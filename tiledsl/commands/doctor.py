"""``tiledsl doctor``: is everything in place to run kernels here?"""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import click
import numpy as np

from tiledsl import settings
from tiledsl.commands.backends import target_rows
from tiledsl.commands.output import json_option, print_json, print_table
from tiledsl.diagnostics import Error
from tiledsl.ir.dtypes import FLOAT32, INDEX
from tiledsl.ir.nodes import (
    Apply,
    Buffer,
    Function,
    Launch,
    Load,
    Parallel,
    Store,
    Var,
    index,
)
from tiledsl.runtime.cache import cache_directory, cache_enabled
from tiledsl.runtime.disk_cache import DiskCache
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing.registry import discover_kernels

_REQUIRED = ("numpy", "ml_dtypes", "lark", "platformdirs", "filelock")
_OPTIONAL = ("llvmlite", "triton", "torch", "click", "rich")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``bad`` ones make the command fail."""

    subject: str
    ok: bool
    detail: str
    bad: bool = False


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check the installation and run a small kernel on every backend."""
    findings = list(examine())
    if as_json:
        print_json(findings)
    else:
        rows = [(f.subject, _word(f), f.detail) for f in findings]
        print_table(("subject", "status", "detail"), rows)
    if any(finding.bad for finding in findings):
        sys.exit(1)


def examine() -> Iterator[Finding]:
    """All findings, in the order in which they matter."""
    yield Finding("python", True, platform.python_version())
    for name in (*_REQUIRED, *_OPTIONAL):
        yield _package(name)
    for setting in settings.SETTINGS:
        yield _guarded(setting.name, partial(_value, setting))
    yield _guarded("cache", _cache)
    working = False
    for row in target_rows():
        subject = f"backend {row.backend} {row.target}".rstrip()
        if not row.runnable:
            reason = "; ".join(filter(None, (row.reason, row.remedy)))
            yield Finding(subject, False, reason)
        elif row.device == "cpu":
            finding = _guarded(subject, partial(_run_kernel, row.backend))
            working = working or finding.ok
            yield finding
        else:
            yield Finding(subject, True, f"takes {row.device} memory; not tried")
    detail = (
        "some backend runs kernels on host memory" if working else "no backend works"
    )
    yield Finding("calls", working, detail, bad=not working)
    yield _guarded("kernels", lambda: f"{len(discover_kernels())} registered")


def _value(setting: settings.AnySetting) -> str:
    return str(setting.value)


def _word(finding: Finding) -> str:
    if finding.ok:
        return "ok"
    return "failed" if finding.bad else "no"


def _package(name: str) -> Finding:
    try:
        return Finding(name, True, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, False, "not installed", bad=name in _REQUIRED)


def _guarded(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, look())
    except Error as error:
        return Finding(subject, False, error.summary, bad=True)
    except Exception as error:  # the doctor reports what would stop others
        return Finding(subject, False, f"{type(error).__name__}: {error}", bad=True)


def _cache() -> str:
    directory = cache_directory()
    if directory is None:
        return f"no place; set {settings.CACHE_DIR.name}"
    if not cache_enabled():
        return f"{directory} (off)"
    entries = DiskCache(directory, settings.CACHE_MEGABYTES.value << 20).entries()
    return f"{directory}, {len(entries)} entries"


def _run_kernel(backend: str) -> str:
    """Doubles seven numbers on a backend."""
    n, i, b = Var("n", INDEX), Var("i", INDEX), Var("b", INDEX)
    source, target = (Buffer(name, (n,), FLOAT32) for name in ("X", "Y"))
    value = Load(source, (i,))
    store = Store(target, (i,), Apply("add", (value, value)))
    body = Launch((b,), (index(1),), (32,), (Parallel((i,), (n,), (store,)),))
    kernel = JITKernel(Function("double", (source, target), (n,), (body,), (1,)))
    given = np.arange(7, dtype=np.float32)
    result = kernel(given, backend=backend)
    if not np.array_equal(np.asarray(result), given + given):
        raise RuntimeError(f"a doubled {given.tolist()} came out as {result}")
    return "ran a kernel"
