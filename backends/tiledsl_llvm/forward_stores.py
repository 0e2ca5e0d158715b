"""What an iteration stores and then loads again stays in a register.

    p[i, j] = exp(x[i, j])                 let stored = exp(x[i, j])
    s[i] += p[i, j]                  =>    p[i, j] = stored
                                           s[i] += stored

A tile of the block that is stored to but never read is not needed at all.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tiledsl.analysis.effects import written
from tiledsl.ir.nodes import (
    Allocate,
    Block,
    Buffer,
    Expr,
    Function,
    Let,
    Load,
    Node,
    Parallel,
    Statement,
    Store,
    Var,
)
from tiledsl.ir.visitor import rebuild, transform, walk


def forward_stores(function: Function) -> Function:
    """The function without loads of what the same iteration stored."""
    numbers = itertools.count(1)

    def change(node: Node) -> Node:
        if not isinstance(node, Parallel):
            return rebuild(node, change)
        return replace(node, body=_Forwarder(numbers).block(node.body))

    return _without_unread_tiles(rebuild(function, change))


@dataclass
class _Forwarder:
    numbers: Iterator[int]
    # by buffer and subscripts: the value, and whether it certainly was stored
    known: dict[tuple[Buffer, tuple[Expr, ...]], tuple[Var, bool]] = field(
        default_factory=dict
    )

    def block(self, body: Block) -> Block:
        result: list[Statement] = []
        for place, old in enumerate(body):
            roots = written([old])
            if not isinstance(old, Store):
                self.forget(roots)
            statement = transform(old, self.loaded)
            if isinstance(statement, Store):
                self.forget(roots)
                statement = self.stored(statement, body[place + 1 :], result)
            result.append(statement)
        return tuple(result)

    def forget(self, roots: set[str]) -> None:
        self.known = {k: v for k, v in self.known.items() if k[0].root not in roots}

    def loaded(self, part: Node) -> Node:
        if not isinstance(part, Load):
            return part
        value = self.known.get((part.buffer, part.indices))
        if value is None or not (value[1] or _certain(part)):
            return part
        return value[0]

    def stored(self, store: Store, rest: Block, result: list[Statement]) -> Store:
        """The store of a named value, if what follows reads it."""
        if any(
            isinstance(part, Load) for index in store.indices for part in walk(index)
        ):
            return store
        if not any(
            isinstance(part, Load)
            and part.buffer == store.buffer
            and part.indices == store.indices
            for statement in rest
            for part in walk(statement)
        ):
            return store
        var = Var(f"stored.{next(self.numbers)}", store.buffer.dtype)
        result.append(Let(var, store.value, span=store.span))
        self.known[store.buffer, store.indices] = (var, _certain(store))
        return replace(store, value=var)


def _certain(access: Load | Store) -> bool:
    return len(access.proved) == len(access.indices) and all(access.proved)


def _without_unread_tiles(function: Function) -> Function:
    """Drops stores to tiles of a block that nothing looks at."""
    seen: set[str] = set()
    tiles: set[str] = set()
    for part in walk(function):
        if isinstance(part, Allocate):
            buffer = part.buffer
            (seen if buffer.of or buffer.scope == "global" else tiles).add(buffer.root)
        elif not isinstance(part, Store):
            touched = getattr(part, "buffer", None)
            if isinstance(touched, Buffer):
                seen.add(touched.root)
    unread = tiles - seen
    if not unread:
        return function

    def change(node: Node) -> Node | tuple[Node, ...]:
        if isinstance(node, Allocate | Store) and node.buffer.name in unread:
            return ()
        node = rebuild(node, change)
        return () if isinstance(node, Parallel) and not node.body else node

    return rebuild(function, change)
