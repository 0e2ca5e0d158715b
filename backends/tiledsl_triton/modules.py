"""Generated source as Python functions whose text Triton can read back."""

from __future__ import annotations

import hashlib
import linecache
from typing import Any


def source_name(source: str) -> str:
    """A file name made from the content, as Triton's own cache keys contain it."""
    return f"<tiledsl-{hashlib.sha256(source.encode()).hexdigest()[:16]}>"


def load_module(source: str) -> dict[str, Any]:
    """Runs the source; ``linecache`` keeps its text for ``inspect``."""
    name = source_name(source)
    lines = source.splitlines(keepends=True)
    linecache.cache[name] = (len(source), None, lines, name)
    namespace: dict[str, Any] = {"__name__": "tiledsl_generated", "__file__": name}
    exec(compile(source, name, "exec"), namespace)
    return namespace
