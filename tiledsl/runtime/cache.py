"""The store of compiled code between processes, and turning it on and off (rule L111)."""

from __future__ import annotations

from tiledsl.backend import ObjectCache


def open_cache() -> ObjectCache | None:
    """The store, or None if it is turned off."""
    return None
