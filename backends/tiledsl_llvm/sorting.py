"""Sort as loops: ranks of short lines are counted, long lines are sorted by digits.

keys[i], ids[i] = key(S[i]), i
short   rank = count of j: keys[j] < keys[i] or equal and j < i;  order[rank] = i
long    for each byte, the lowest first: count its values, sum the counts up, move
every (key, id) behind those of smaller bytes (stable)
T[k] = order[k]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tiledsl.ir.dtypes import INDEX, INT32, DType
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    Block,
    Buffer,
    Cast,
    Const,
    Expr,
    For,
    Let,
    Load,
    Parallel,
    Select,
    Sort,
    Statement,
    Store,
    Var,
    index,
)
from tiledsl.ir.order_keys import order_key
from tiledsl_llvm.regions import cast, read, write

_SHORT: Final = 64  # elements; above, the histograms pay
_DIGITS: Final = 256
_ONE: Final = Const(1, INT32)
_NONE: Final = Const(0, INT32)


def sort(node: Sort, name: Callable[[str], str]) -> tuple[Statement, ...]:
    """The loops; ``name`` makes unused names."""
    return _Sorter(node, name).statements()


def _load(buffer: Buffer, at: Expr) -> Load:
    """An element that is there: positions are permutations and digits are bytes."""
    return Load(buffer, (at,), None, (True,))


def _store(buffer: Buffer, at: Expr, value: Expr) -> Store:
    return Store(buffer, (at,), value, (True,))


# which buffer holds the order at the end; scratch; the steps
_Ordered = tuple[Buffer, tuple[Allocate, ...], Block]


@dataclass(frozen=True)
class _Sorter:
    node: Sort
    name: Callable[[str], str]

    def statements(self) -> tuple[Statement, ...]:
        """One line after the other, through the same scratch buffers."""
        node = self.node
        extent = node.source.shape[node.axis]
        at = tuple(self.var("p") for _ in node.source.shape)
        key = order_key(
            read(node.source, at, node.source.shape), descending=node.descending
        )
        keys, ids = (
            self.tile("keys", key.dtype, extent),
            self.tile("ids", INT32, extent),
        )
        here = at[node.axis]
        fetch = (_store(keys, here, key), _store(ids, here, cast(here, INT32)))
        short = isinstance(extent, Const) and int(extent.value) <= _SHORT
        ordered, made, steps = (self.ranks if short else self.digits)(keys, ids, extent)
        loop: Block = (
            Parallel((here,), (extent,), fetch, span=node.span),
            *steps,
            self.results(ordered, at),
        )
        for number, var in reversed(list(enumerate(at))):
            if number != node.axis:
                loop = (self.each(var, node.source.shape[number], loop),)
        return (Allocate(keys), Allocate(ids), *made, *loop)

    def results(self, order: Buffer, at: tuple[Var, ...]) -> Statement:
        target, axis = self.node.target, self.node.axis
        value = cast(_load(order, at[axis]), target.buffer.dtype)
        body = write(target, at, target.shape, value)
        return Parallel((at[axis],), (target.shape[axis],), body, span=self.node.span)

    def ranks(self, keys: Buffer, ids: Buffer, extent: Expr) -> _Ordered:
        """``ids[rank of i] = i``."""
        i, j, mine = self.var("i"), self.var("j"), self.var("key", keys.dtype)
        rank = Buffer(self.name("rank"), (), INT32, "local")
        other = _load(keys, j)
        equal = Apply("and", (Apply("eq", (other, mine)), Apply("lt", (j, i))))
        before = Apply("or", (Apply("lt", (other, mine)), equal))
        counted = Apply(
            "add", (Load(rank, ()), Select(before, _ONE, _NONE, lazy=False))
        )
        body: Block = (
            Allocate(rank),
            Store(rank, (), _NONE),
            Let(mine, _load(keys, i)),
            self.each(j, extent, (Store(rank, (), counted),)),
            _store(ids, cast(Load(rank, ()), INDEX), cast(i, INT32)),
        )
        return ids, (), (Parallel((i,), (extent,), body, span=self.node.span),)

    def digits(self, keys: Buffer, ids: Buffer, extent: Expr) -> _Ordered:
        """One pass a byte, back and forth between two pairs of buffers."""
        spare = self.tile("keys", keys.dtype, extent), self.tile("ids", INT32, extent)
        starts = self.tile("starts", INT32, index(_DIGITS))
        total = Buffer(self.name("total"), (), INT32, "local")
        made = tuple(Allocate(buffer) for buffer in (*spare, starts, total))
        source, target = (keys, ids), spare
        passes: list[Statement] = []
        for shift in range(0, keys.dtype.bits, 8):
            passes += self.move(source, target, starts, total, shift, extent)
            source, target = target, source
        return source[1], made, tuple(passes)

    def move(
        self,
        source: tuple[Buffer, Buffer],
        target: tuple[Buffer, Buffer],
        starts: Buffer,
        total: Buffer,
        shift: int,
        extent: Expr,
    ) -> Iterator[Statement]:
        b, i, digit = self.var("b"), self.var("i"), self.var("digit")
        yield Parallel((b,), (index(_DIGITS),), (_store(starts, b, _NONE),))
        more = Apply("add", (_load(starts, digit), _ONE))
        find = Let(digit, _digit(_load(source[0], i), shift))
        yield self.each(i, extent, (find, _store(starts, digit, more)))
        b, count = self.var("b"), self.var("count", INT32)
        yield Store(total, (), _NONE)
        sums: Block = (
            Let(count, _load(starts, b)),
            _store(starts, b, Load(total, ())),
            Store(total, (), Apply("add", (Load(total, ()), count))),
        )
        yield self.each(b, index(_DIGITS), sums)
        i, digit, place = self.var("i"), self.var("digit"), self.var("place", INT32)
        key = self.var("key", source[0].dtype)
        to = cast(place, INDEX)
        moves: Block = (
            Let(key, _load(source[0], i)),
            Let(digit, _digit(key, shift)),
            Let(place, _load(starts, digit)),
            _store(starts, digit, Apply("add", (place, _ONE))),
            _store(target[0], to, key),
            _store(target[1], to, _load(source[1], i)),
        )
        yield self.each(i, extent, moves)

    def each(self, var: Var, extent: Expr, body: Block) -> For:
        return For(var, index(0), extent, index(1), body, span=self.node.span)

    def var(self, hint: str, dtype: DType = INDEX) -> Var:
        return Var(self.name(hint), dtype)

    def tile(self, hint: str, dtype: DType, extent: Expr) -> Buffer:
        return Buffer(self.name(hint), (extent,), dtype, "fragment")


def _digit(key: Expr, shift: int) -> Expr:
    """A byte of the key, as a position."""
    if shift:
        key = Apply("shr", (key, Const(shift, key.dtype)))
    return Cast(Apply("and", (key, Const(_DIGITS - 1, key.dtype))), INDEX)
