"""``tilelang.env``: where compiled code is kept (rules L111, L112)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tiledsl import settings
from tiledsl.compat.refused import refused
from tiledsl.runtime import cache

_CACHE_DIR: Final = ("TILELANG_CACHE_DIR", "CACHE_DIR")
_SWITCHES: Final = ("is_cache_enabled", "enable_cache", "disable_cache")


def _directory() -> str:
    found = cache.cache_directory()
    return "" if found is None else str(found.parent)


class Environment:
    """The settings as attributes; assigning the cache directory moves the cache."""

    def __getattr__(self, name: str) -> object:
        if name in _CACHE_DIR:
            return _directory()
        if name in _SWITCHES:
            return getattr(
                cache, "cache_enabled" if name == "is_cache_enabled" else name
            )
        if name.startswith("__"):
            raise AttributeError(name)
        return refused(f"tilelang.env.{name}", list(_CACHE_DIR))

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _CACHE_DIR:
            refused(f"tilelang.env.{name}", list(_CACHE_DIR))()
        os.environ[settings.CACHE_DIR.name] = str(Path(str(value)).expanduser())


env: Final = Environment()
TILELANG_CACHE_DIR: Final = _directory()


def adopt_cache_variable() -> None:
    """Reads TILELANG_CACHE_DIR where tiledsl's own variable is not set."""
    theirs = os.environ.get("TILELANG_CACHE_DIR")
    if theirs and not os.environ.get(settings.CACHE_DIR.name):
        os.environ[settings.CACHE_DIR.name] = theirs
