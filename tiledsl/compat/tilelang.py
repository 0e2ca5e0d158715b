"""The alias ``tilelang``: ``install()``, then ``import tilelang`` finds tiledsl (L112)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

from tiledsl.compat.argument_names import ARGUMENTS, with_their_names
from tiledsl.compat.names import MODULES
from tiledsl.compat.refused import refused
from tiledsl.diagnostics import ArgumentError, KernelError
from tiledsl.runtime.arrays import prefer_kind

NAME: Final = "tilelang"
BUNDLED: Final = "tvm"  # the package that TileLang brings along
_LANGUAGE: Final = f"{NAME}.language"


class AliasModule(ModuleType):
    """One module of the alias.  What it does not know is refused when it is used."""

    def __setattr__(self, name: str, value: object) -> None:
        # the import of tilelang.jit would put that module over the function of its name
        if name not in MODULES.get(self.__name__, {}) or not isinstance(
            value, ModuleType
        ):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> object:
        if name == "__all__":
            return sorted(MODULES.get(self.__name__, ()))
        home = MODULES.get(self.__name__, {}).get(name)
        if home is not None:
            module, _, attribute = home.partition(":")
            return getattr(import_module(module), attribute)
        path = f"{self.__name__}.{name}"
        if path in MODULES or path == _LANGUAGE:
            return import_module(path)
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return refused(path, list(MODULES.get(self.__name__, ())))


class LanguageModule(ModuleType):
    """``tilelang.language`` and what is below it: the language of tiledsl."""

    def __getattr__(self, name: str) -> object:
        twin = import_module(self.__name__.replace(NAME, "tiledsl", 1))
        if name in vars(twin):
            return self._known(name, vars(twin)[name])
        try:
            return self._known(name, getattr(twin, name))
        except (AttributeError, KernelError):  # the latter while a kernel is traced
            if name.startswith("__"):
                raise
            return refused(f"{self.__name__}.{name}", list(vars(twin)))

    def _known(self, name: str, value: object) -> object:
        """The value, kept: it is the same object whenever it is asked for."""
        if self.__name__ == _LANGUAGE and name in ARGUMENTS:
            value = with_their_names(name, value)
            setattr(self, name, value)
        return value


class AliasFinder(MetaPathFinder, Loader):
    """Finds one package of the alias and every module below it."""

    def __init__(self, root: str) -> None:
        self._root = root

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """The spec of a module of the alias, None for all others."""
        if fullname != self._root and not fullname.startswith(f"{self._root}."):
            return None
        spec = ModuleSpec(fullname, self, origin=__file__, is_package=True)
        spec.has_location = True  # programs look for tilelang.__file__
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module without content: names are looked up when they are asked for."""
        if spec.name == _LANGUAGE or spec.name in _language_modules():
            return LanguageModule(spec.name)
        return AliasModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run.  Names that are also submodules mean the object."""


def _language_modules() -> tuple[str, ...]:
    return (f"{_LANGUAGE}.dtypes", f"{_LANGUAGE}.fp8")


def install() -> None:
    """Makes ``import tilelang`` mean tiledsl in this process.  Again: no effect.

    Raises ArgumentError E0702 if the package tilelang itself is imported already.
    """
    loaded = sys.modules.get(NAME)
    if loaded is not None and not isinstance(loaded, AliasModule):
        raise ArgumentError(
            "E0702",
            "the alias 'tilelang'",
            expected="a process that has not imported the package tilelang",
            got=f"tilelang from {getattr(loaded, '__file__', None)}",
            hint="call tiledsl.compat.tilelang.install() before anything imports it",
        )
    if not any(isinstance(finder, AliasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, AliasFinder(NAME))
        sys.meta_path.append(AliasFinder(BUNDLED))  # a real one is found before
        prefer_kind("torch")


def uninstall() -> None:
    """Undoes ``install``; modules that were imported keep what they imported."""
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if not isinstance(finder, AliasFinder)
    ]
    for name in [name for name in sys.modules if name.split(".")[0] in (NAME, BUNDLED)]:
        if isinstance(sys.modules[name], AliasModule | LanguageModule):
            del sys.modules[name]
    prefer_kind("numpy")
