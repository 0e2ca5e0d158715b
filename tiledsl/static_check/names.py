"""Which dotted names of a program mean something of tiledsl, by its imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LANGUAGE: Final = "tiledsl.language"
_ALIAS: Final = "tilelang"


@dataclass(frozen=True, slots=True)
class Named:
    """A dotted name as it is read in a program, and what it means, fully spelled."""

    node: ast.expr
    meaning: str

    @property
    def in_language(self) -> str | None:
        """The name in the language that this begins with, if any."""
        for root in (LANGUAGE, f"{_ALIAS}.language"):
            if self.meaning.startswith(f"{root}."):
                return self.meaning.removeprefix(f"{root}.").partition(".")[0]
        return None


def named_things(tree: ast.Module) -> Iterator[Named]:
    """Every longest dotted name of the program that begins with an imported one."""
    bound = dict(_imported(tree))
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        path = _dotted(node)
        root, _, rest = path.partition(".")
        if isinstance(node, ast.expr) and root in bound:
            yield Named(node, ".".join(filter(None, (bound[root], rest))))
        elif not path:
            waiting.extend(ast.iter_child_nodes(node))


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                root = name.name.partition(".")[0]
                if root in ("tiledsl", _ALIAS):
                    yield name.asname or root, name.name if name.asname else root
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            module = node.module or ""
            if module.partition(".")[0] in ("tiledsl", _ALIAS):
                for name in node.names:
                    yield name.asname or name.name, f"{module}.{name.name}"


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""
