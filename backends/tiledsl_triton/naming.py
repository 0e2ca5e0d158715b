"""Unique names: for IR made by rewrites, and for identifiers of generated source."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

from tiledsl.ir.nodes import Buffer, Function, Var
from tiledsl.ir.visitor import walk

# words that generated source uses itself
_RESERVED = frozenset(
    {"tl", "triton", "libdevice", "float", "min", "max", "range", "tuple"}
)


class Names:
    """Hands out names that were not handed out before."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken) | _RESERVED
        self._next: dict[str, int] = {}

    def fresh(self, hint: str) -> str:
        """A new identifier that resembles ``hint``."""
        base = re.sub(r"[^A-Za-z0-9_]", "_", hint).lstrip("_") or "value"
        if base[0].isdigit() or keyword.iskeyword(base):
            base = f"v{base}"
        name = base
        while name in self._taken:
            self._next[base] = self._next.get(base, 0) + 1
            name = f"{base}_{self._next[base]}"
        self._taken.add(name)
        return name


def names_of(function: Function) -> Names:
    """Names free of everything that the function declares."""
    return Names(node.name for node in walk(function) if isinstance(node, Var | Buffer))
