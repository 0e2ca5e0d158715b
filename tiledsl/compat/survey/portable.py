"""Which names of one device's hardware a program uses, by its text alone.

A program is portable if it uses none.  A name counts if the language has no meaning for
it on every device (``HARDWARE``), or if the alias refuses it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from tiledsl import language
from tiledsl.compat.names import MODULES
from tiledsl.language.names import HARDWARE, UNAVAILABLE

_LANGUAGE: Final = "tilelang.language"
_ROOTS: Final = ("tilelang", "tvm")
# tests that look at the text for one device, and folders of tests for one
_TEXTS: Final = frozenset(
    ("get_kernel_source", "get_host_source", "kernel_source", "script", "get_tir")
)
# ... or at what the other system refuses, or at its own objects
_OWN: Final = frozenset(
    (
        "_",
        "adapter",
        "attrs",
        "caplog",
        "capfd",
        "func",
        "monkeypatch",
        "raises",
        "warns",
    )
)
_KERNELS: Final = frozenset(("jit", "prim_func", "macro"))
_DEVICES: Final = frozenset(("amd", "cuda", "metal", "webgpu"))


def hardware_names(file: Path) -> tuple[str, ...]:
    """The names that tie a program to one device, with those of files it imports."""
    return tuple(sorted(set(_of_file(file.resolve(), ()))))


def hardware_names_of_test(file: Path, function: str) -> tuple[str, ...]:
    """Those of one test function and of all it refers to in its file.

    Being in a folder of tests for one device counts too, and reading the text that a
    device's compiler gets, the other system's objects and its messages of refusal.
    """
    parsed = _parsed(file.resolve())
    names = set(_DEVICES.intersection(file.parts))
    for node in _reachable(parsed.tree, function):
        names.update(parsed.used(node))
        names.update(
            word for part in ast.walk(node) for word in _words(part) & (_TEXTS | _OWN)
        )
    return tuple(sorted(names))


def test_functions(file: Path) -> tuple[str, ...]:
    """The test functions at the top of a file; kernels are none, whatever their name."""
    return tuple(
        node.name
        for node in _parsed(file.resolve()).tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test")
        if not any(_name(part) in _KERNELS for part in node.decorator_list)
    )


class _Parsed:
    """A syntax tree, and what the names bound by its imports mean."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.meaning: dict[str, str] = {}
        self.modules: list[str] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for name in node.names:
                    root = name.name if name.asname else name.name.partition(".")[0]
                    self.meaning[name.asname or root] = root
                    self.modules.append(name.name)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                self.modules.append(node.module)
                for name in node.names:
                    bound = name.asname or name.name
                    self.meaning[bound] = f"{node.module}.{name.name}"

    def used(self, node: ast.AST) -> Iterator[str]:
        """The hardware names that a part of the tree uses."""
        for path in _paths(node):
            root, _, rest = path.partition(".")
            full = ".".join(filter(None, (self.meaning.get(root), rest)))
            if root in self.meaning and full.split(".")[0] in _ROOTS:
                name = _refused_part(full)
                if name:
                    yield name


@lru_cache(maxsize=64)
def _parsed(file: Path) -> _Parsed:
    try:
        tree = ast.parse(file.read_text(encoding="utf-8", errors="replace"))
    except SyntaxError:
        tree = ast.Module([], [])
    return _Parsed(tree)


def _of_file(file: Path, seen: Sequence[Path]) -> Iterator[str]:
    parsed = _parsed(file)
    yield from parsed.used(parsed.tree)
    for module in parsed.modules:
        beside = file.parent / f"{module.replace('.', '/')}.py"
        if beside.is_file() and beside not in seen:
            yield from _of_file(beside, (*seen, file))


def _paths(node: ast.AST) -> Iterator[str]:
    """The longest dotted names that are read in a part of the tree."""
    if isinstance(node, ast.Attribute | ast.Name):
        path = _dotted(node)
        if path:
            yield path
            return
    for child in ast.iter_child_nodes(node):
        yield from _paths(child)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def _refused_part(path: str) -> str:
    """The shortest beginning of a dotted path that has no meaning here, or ""."""
    if any(part.startswith("_") and part[:2] != "__" for part in path.split(".")):
        return path
    if path.startswith(f"{_LANGUAGE}."):
        name = path.removeprefix(f"{_LANGUAGE}.").partition(".")[0]
        here = name in UNAVAILABLE or hasattr(language, name)
        return "" if here and name not in HARDWARE else f"T.{name}"
    parts = path.split(".")
    module = parts[0]
    for position, part in enumerate(parts[1:], 2):
        inner = f"{module}.{part}"
        known = part in MODULES[module] or part.startswith("__")
        if known and (inner not in MODULES or position == len(parts)):
            return ""
        module = inner
        if module == _LANGUAGE:
            return ""
        if module not in MODULES:
            return module
    return ""


def _words(node: ast.AST) -> frozenset[str]:
    """The attribute or parameter that a node is; one that is private counts as ``_``."""
    if isinstance(node, ast.Attribute):
        private = node.attr.startswith("_") and not node.attr.startswith("__")
        return frozenset(("_",) if private else (node.attr,))
    return frozenset((node.arg,)) if isinstance(node, ast.arg) else frozenset()


def _reachable(tree: ast.Module, start: str) -> Iterator[ast.stmt]:
    """The top-level definition ``start``, those its names refer to, and other lines.

    With what holds for all tests of the file: its marks and automatic fixtures.
    """
    defined: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.Expr | ast.With | ast.Try):
            yield node
        for name in _bound(node):
            defined.setdefault(name, []).append(node)
    waiting = [start, "pytestmark", *_always_used(tree)]
    seen = set(waiting)
    while waiting:
        for node in defined.get(waiting.pop(), ()):
            yield node
            for name in _named(node):
                if name not in seen:
                    seen.add(name)
                    waiting.append(name)


def _always_used(tree: ast.Module) -> Iterator[str]:
    """Fixtures that every test of the file uses."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            for part in node.decorator_list:
                options = part.keywords if isinstance(part, ast.Call) else []
                if any(option.arg == "autouse" for option in options):
                    yield node.name


def _named(node: ast.AST) -> Iterator[str]:
    """The names that a definition reads, and its parameters: fixtures, perhaps."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.arg):
            yield part.arg


def _name(decorator: ast.expr) -> str:
    """The last word of a decorator, without what it is called with."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return _dotted(called).rpartition(".")[2]


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (name.id for name in node.targets if isinstance(name, ast.Name))
