"""The host names of TileLang under ``tiledsl`` itself: ``tiledsl.utils.tensor`` and so on.

They are the names of the alias (``compat.names``), found without installing it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Final

from tiledsl.compat.names import MODULES
from tiledsl.compat.refused import refused

_OWN: Final = "tiledsl"
_THEIRS: Final = "tilelang"


class HostModule(ModuleType):
    """A module of host names.  What it does not know is refused when it is used."""

    def __getattr__(self, name: str) -> object:
        known = MODULES[_twin(self.__name__)]
        if name == "__all__":
            return sorted(known)
        if name in known:
            module, _, attribute = known[name].partition(":")
            return getattr(import_module(module), attribute)
        path = f"{self.__name__}.{name}"
        if _twin(path) in MODULES:
            return host_module(path)
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return refused(path, list(known))

    def __dir__(self) -> list[str]:
        return sorted(MODULES[_twin(self.__name__)])


@cache
def host_module(path: str) -> HostModule:
    """The module of host names that ``tiledsl.<...>`` means."""
    return HostModule(path)


def _twin(path: str) -> str:
    return path.replace(_OWN, _THEIRS, 1)
