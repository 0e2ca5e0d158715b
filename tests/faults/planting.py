"""Planting a fault: a named piece of a module's source is replaced while it is in force.

Nothing is written to disk.  A changed function gets the code object that its changed
source compiles to, so that every reference to it, wherever imported, is faulty too; a
changed table is evaluated again and takes the old one's place in every module.
"""

from __future__ import annotations

import ast
import functools
import gc
import importlib
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

_ENTRY = re.compile(r"(?P<table>\w+)\[(?P<key>\w+)\]")


@dataclass(frozen=True)
class Fault:
    """One mistake that a compiler writer could make.

    ``place``: ``module:qualified name`` of a function, class or table, or
    ``module:TABLE[key]`` for a text in a table.  ``old`` occurs there exactly once.
    ``derived``: tables, as ``module:NAME``, that have to be computed again afterwards.
    """

    name: str
    meaning: str
    place: str
    old: str
    new: str
    derived: tuple[str, ...] = ()

    @property
    def layer(self) -> str:
        """The part of the compiler that the fault is in."""
        module = self.place.partition(":")[0].split(".")
        if module[0] != "tiledsl":
            return module[0].removeprefix("tiledsl_")
        return "frontend" if module[1] == "language" else module[1]


class NotThere(Exception):
    """The text that a fault replaces is no longer in the source: update the row."""


@contextmanager
def planted(fault: Fault) -> Iterator[None]:
    """Inside, the compiler has the fault."""
    module_name, _, name = fault.place.partition(":")
    module = importlib.import_module(module_name)
    entry = _ENTRY.fullmatch(name)
    with ExitStack() as undo:
        undo.callback(_forget)
        if entry:
            _change_text(undo, module, entry["table"], entry["key"], fault)
        else:
            source, start, end, node = _segment(module, name)
            changed = (
                source[:start] + _replaced(source[start:end], fault) + source[end:]
            )
            if isinstance(node, ast.Assign | ast.AnnAssign):
                _rebind(undo, module, name, _value_of(changed, name))
            else:
                _recompile(undo, module, source, changed)
        for table in fault.derived:
            evaluate_again(undo, table)
        _forget()
        yield


def _replaced(text: str, fault: Fault) -> str:
    if text.count(fault.old) != 1:
        raise NotThere(
            f"{fault.name}: {fault.old!r} occurs {text.count(fault.old)} times"
            f" in {fault.place}"
        )
    return text.replace(fault.old, fault.new)


def _forget() -> None:
    """Empties the caches of what was computed with other code."""
    for found in gc.get_objects():
        if isinstance(found, functools._lru_cache_wrapper):
            owner = str(getattr(found, "__module__", ""))
            if owner.startswith(("tiledsl.frontend", "tiledsl.ir")):
                found.cache_clear()


# ----------------------------------------------------------------- finding


def _segment(module: ModuleType, name: str) -> tuple[str, int, int, ast.stmt]:
    """The module's source, and where the statement that defines a name is in it."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    body: list[ast.stmt] = ast.parse(source).body
    node: ast.stmt | None = None
    for part in name.split("."):
        node = next((s for s in body if part in _names(s)), None)
        if node is None:
            raise NotThere(f"{module.__name__} has no {name}")
        body = getattr(node, "body", [])
    assert node is not None
    lines = source.splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1]))
    end = sum(map(len, lines[: node.end_lineno]))
    return source, start, end, node


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _value_of(source: str, name: str) -> str:
    """The text of the expression that a table is assigned."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and name in _names(node):
            assert node.value is not None
            return ast.unparse(node.value)
    raise NotThere(name)


# ---------------------------------------------------------------- changing


def functions_of(module: ModuleType) -> list[FunctionType]:
    """Every function of a module that is alive, wherever it is kept."""
    return [
        function
        for function in gc.get_objects()
        if isinstance(function, FunctionType) and function.__module__ == module.__name__
    ]


def _recompile(undo: ExitStack, module: ModuleType, old: str, new: str) -> None:
    recompile(undo, module, functions_of(module), old, new)


def recompile(
    undo: ExitStack,
    module: ModuleType,
    functions: Iterable[FunctionType],
    old: str,
    new: str,
) -> None:
    """Gives every function that differs between two sources its new code."""
    before = _codes(compile(old, str(module.__file__), "exec", dont_inherit=True))
    after = _codes(compile(new, str(module.__file__), "exec", dont_inherit=True))
    if [code.co_qualname for code in before] != [code.co_qualname for code in after]:
        raise NotThere(f"a fault in {module.__name__} adds or removes a function")
    codes = {b: a for b, a in zip(before, after, strict=True) if b != a}
    found = False
    for function in functions:
        if function.__code__ in codes:
            undo.callback(setattr, function, "__code__", function.__code__)
            function.__code__ = codes[function.__code__]
            found = True
    if not found:
        raise NotThere(f"no function of {module.__name__} has that code")


def _codes(code: CodeType) -> list[CodeType]:
    found = [code]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found += _codes(constant)
    return found


def evaluate_again(undo: ExitStack, table: str) -> None:
    """A table, as ``module:NAME``, made again from its own text."""
    module, _, name = table.partition(":")
    owner = importlib.import_module(module)
    text = Path(str(owner.__file__)).read_text(encoding="utf-8")
    _rebind(undo, owner, name, _value_of(text, name))


def _rebind(undo: ExitStack, module: ModuleType, name: str, text: str) -> None:
    """Evaluates a table and puts it where the old one is, in all modules."""
    old, new = getattr(module, name), eval(text, vars(module))
    for other in list(sys.modules.values()):
        if not getattr(other, "__name__", "").startswith("tiledsl"):
            continue
        if vars(other).get(name) is old:
            undo.callback(setattr, other, name, old)
            setattr(other, name, new)


def _change_text(
    undo: ExitStack, module: ModuleType, table: str, key: str, fault: Fault
) -> None:
    texts: dict[str, Any] = getattr(module, table)
    undo.callback(texts.__setitem__, key, texts[key])
    texts[key] = _replaced(texts[key], fault)
