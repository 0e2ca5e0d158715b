"""``from tiledsl.utils.tensor import ...``: host names as modules that can be imported.

The finder stands at the end of ``sys.meta_path``: it is asked only for what no file of
tiledsl gives, and answers for the modules that ``tiledsl`` offers as attributes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_PACKAGE = "tiledsl"


class HostAlias(ModuleType):
    """Another name of a module."""

    def __init__(self, name: str, module: object) -> None:
        super().__init__(name)
        self._module = module

    def __getattr__(self, name: str) -> object:
        return getattr(self._module, name)


class HostFinder(MetaPathFinder, Loader):
    """Finds what ``lookup`` gives for a dotted path below the package."""

    def __init__(self, lookup: Callable[[str], object]) -> None:
        self._lookup = lookup

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """The spec of a host module, None for all others."""
        package, _, rest = fullname.partition(".")
        if package != _PACKAGE or not rest:
            return None
        if not isinstance(self._lookup(rest), ModuleType):
            return None
        return ModuleSpec(fullname, self, origin=__file__, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module under the name that was asked for."""
        return HostAlias(spec.name, self._lookup(spec.name.partition(".")[2]))

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run: names are looked up when they are asked for."""


def install(lookup: Callable[[str], object]) -> None:
    """Lets imports find host modules."""
    sys.meta_path.append(HostFinder(lookup))
