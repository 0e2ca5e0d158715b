"""Sort by repeated reductions: the least remaining key, then its first position.

for t in 0 .. count
best = min(key[j] for the remaining j);  first = min(j: key[j] == best, remaining)
order[t] = first;  first no longer remains
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tiledsl.ir.dtypes import BOOL, INDEX, INT32, DType
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Apply,
    Block,
    Buffer,
    Cast,
    Const,
    Copy,
    Expr,
    Fill,
    For,
    Function,
    Load,
    Node,
    Parallel,
    Select,
    Sort,
    Statement,
    Store,
    Var,
    index,
    whole,
)
from tiledsl.ir.ops import identity
from tiledsl.ir.order_keys import order_key
from tiledsl.ir.visitor import transform
from tiledsl_triton.naming import Names

_LAST: Final = Const(2**31 - 1, INT32)
Points = tuple[Var, ...]


def expand_sorts(function: Function, names: Names) -> Function:
    """The function with copies, fills and reductions in place of every Sort."""

    def change(node: Node) -> Node | tuple[Node, ...]:
        if isinstance(node, Sort):
            return _Selection(node, names).statements()
        return node

    return transform(function, change)


@dataclass(frozen=True)
class _Selection:
    node: Sort
    names: Names

    def statements(self) -> tuple[Statement, ...]:
        node, axis = self.node, self.node.axis
        shape = node.source.shape
        raw = self.tile("unsorted", shape, node.source.buffer.dtype)
        word = DType("uint64" if raw.dtype.bits == 64 else "uint32")
        keys, left = self.tile("keys", shape, word), self.tile("left", shape, BOOL)
        lines = shape[:axis] + shape[axis + 1 :] or (index(1),)
        best, first = self.tile("best", lines, word), self.tile("first", lines, INT32)
        order = self.tile("order", node.target.shape, INT32)

        def prepare(at: Points) -> Block:
            key = order_key(_load(raw, at), descending=node.descending)
            return (
                _store(keys, at, key if key.dtype == word else Cast(key, word)),
                _store(left, at, Const(True, BOOL)),
            )

        step = Var(self.names.fresh("step"), INDEX)
        count = node.target.shape[axis]
        body = self.select(keys, left, best, first, order, step)
        buffers = (raw, keys, left, best, first, order)
        return (
            *(Allocate(buffer, span=node.span) for buffer in buffers),
            Copy(node.source, whole(raw), shape, span=node.span),
            self.each(shape, prepare),
            For(step, index(0), count, index(1), body, span=node.span),
            Copy(whole(order), node.target, order.shape, span=node.span),
        )

    def select(
        self,
        keys: Buffer,
        left: Buffer,
        best: Buffer,
        first: Buffer,
        order: Buffer,
        step: Var,
    ) -> Block:
        """Finds one more position of every line."""
        axis, word = self.node.axis, keys.dtype
        most = Const(identity("min", word), word)

        def of_line(at: Points) -> tuple[Expr, ...]:
            return at[:axis] + at[axis + 1 :] or (index(0),)

        def least(at: Points) -> Block:
            key = Select(_load(left, at), _load(keys, at), most, lazy=False)
            return (_combine(best, of_line(at), key),)

        def earliest(at: Points) -> Block:
            same = Apply("eq", (_load(keys, at), _load(best, of_line(at))))
            counts = Apply("and", (same, _load(left, at)))
            position = Cast(at[axis], INT32)
            chosen = Select(counts, position, _LAST, lazy=False)
            return (_combine(first, of_line(at), chosen),)

        def remove(at: Points) -> Block:
            other = Apply("ne", (Cast(at[axis], INT32), _load(first, of_line(at))))
            return (_store(left, at, Apply("and", (_load(left, at), other))),)

        def record(at: Points) -> Block:
            now = Apply("eq", (at[axis], step))
            old = _load(order, at)
            value = Select(now, _load(first, of_line(at)), old, lazy=False)
            return (_store(order, at, value),)

        return (
            Fill(whole(best), most, span=self.node.span),
            self.each(keys.shape, least),
            Fill(whole(first), _LAST, span=self.node.span),
            self.each(keys.shape, earliest),
            self.each(keys.shape, remove),
            self.each(order.shape, record),
        )

    def each(
        self, shape: tuple[Expr, ...], body: Callable[[Points], Block]
    ) -> Parallel:
        at = tuple(Var(self.names.fresh("s"), INDEX) for _ in shape)
        return Parallel(at, shape, body(at), span=self.node.span)

    def tile(self, hint: str, shape: tuple[Expr, ...], dtype: DType) -> Buffer:
        return Buffer(self.names.fresh(hint), shape, dtype, "fragment")


def _load(buffer: Buffer, at: tuple[Expr, ...]) -> Load:
    return Load(buffer, at, None, (True,) * len(at))


def _store(buffer: Buffer, at: tuple[Expr, ...], value: Expr) -> Store:
    return Store(buffer, at, value, (True,) * len(at))


def _combine(buffer: Buffer, at: tuple[Expr, ...], value: Expr) -> Accumulate:
    return Accumulate("min", buffer, at, value, (True,) * len(at))
