"""Where a function gets its outside names from: cells, globals, attributes of modules."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Final

# packages whose content belongs to the installation, not to the user's program
INSTALLED: Final = frozenset(
    ("tiledsl", "numpy", "torch", "math", "builtins", "ml_dtypes", "functools")
)
MISSING: Final = object()


@dataclass(slots=True)
class Places:
    """The places that were read, and what was there: a quick test for changes."""

    cells: list[tuple[CellType, object]] = field(default_factory=list)
    names: list[tuple[dict[str, object], str, object]] = field(default_factory=list)
    codes: list[tuple[FunctionType, CodeType, object, object]] = field(
        default_factory=list
    )

    def unchanged(self) -> bool:
        """Whether every place holds the very object that it held."""
        try:
            for cell, content in self.cells:
                if cell.cell_contents is not content:
                    return False
        except ValueError:  # a cell was emptied
            return False
        for names, name, value in self.names:
            if names.get(name, MISSING) is not value:
                return False
        for function, code, defaults, options in self.codes:
            if function.__code__ is not code or function.__defaults__ is not defaults:
                return False
            if function.__kwdefaults__ is not options:
                return False
        return True


def enclosing_names(function: FunctionType) -> dict[str, object]:
    """The names that the function takes from enclosing functions, where they are bound."""
    found: dict[str, object] = {}
    cells = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
        with suppress(ValueError):  # not bound yet
            found[name] = cell.cell_contents
    return found


def captured(function: FunctionType, places: Places) -> Iterator[tuple[str, object]]:
    """Names that the code and the functions inside it load from outside, with values."""
    places.codes.append(
        (function, function.__code__, function.__defaults__, function.__kwdefaults__)
    )
    cells = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
        try:
            places.cells.append((cell, cell.cell_contents))
            yield name, cell.cell_contents
        except ValueError:
            places.cells.append((cell, MISSING))  # not bound yet: looked at again
    yield from _globals(function, places)


def _globals(function: FunctionType, places: Places) -> Iterator[tuple[str, object]]:
    known: dict[str, object] = function.__globals__
    loaded = sorted(set(_loaded_names(function.__code__)))
    for name in loaded:
        if not name.isidentifier():
            continue  # what tools such as pytest insert
        if name not in known:
            if hasattr(builtins, name):
                places.names.append((known, name, MISSING))
            continue
        value = known[name]
        places.names.append((known, name, value))
        if isinstance(value, ModuleType):
            yield from _module_parts(name, value, loaded, places)
        else:
            yield name, value


def _module_parts(
    name: str, module: ModuleType, loaded: list[str], places: Places
) -> Iterator[tuple[str, object]]:
    """A user's module stands for those of its attributes that the code names."""
    yield name, module
    if is_installed(module.__name__):
        return
    for attribute in loaded:
        value = vars(module).get(attribute, MISSING)
        if value is not MISSING and not isinstance(value, ModuleType):
            places.names.append((vars(module), attribute, value))
            yield f"{name}.{attribute}", value


def is_installed(module: str | None) -> bool:
    """Whether a module of this name cannot change while a program runs."""
    return module is not None and module.partition(".")[0] in INSTALLED


def _loaded_names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _loaded_names(constant)
