"""Values that threads give each other: through a tile with one element per thread."""

from __future__ import annotations

import math

from tiledsl.frontend.threads.masks import always
from tiledsl.frontend.threads.statements import Combine, Exchange
from tiledsl.frontend.threads.structure import Lines, Structure
from tiledsl.ir.dtypes import INDEX, DType
from tiledsl.ir.nodes import (
    Allocate,
    Buffer,
    Cast,
    Const,
    Expr,
    Fill,
    If,
    Let,
    Load,
    Reduce,
    Scope,
    Statement,
    Store,
    index,
    whole,
)
from tiledsl.ir.ops import identity
from tiledsl.ir.spans import Span

_INT64 = DType("int64")


class Collectives(Structure):
    """Exchanges and reductions among threads."""

    def exchange(self, lines: Lines, exchange: Exchange, mask: Expr | None) -> None:
        value, span = exchange.value, exchange.span
        lanes = self.tile(lines, "lanes", (self.axis.count,), value.dtype, span)
        own = (self.axis.number,)
        self.add_for_threads(lines, _kept(lanes, own, value, span), mask)
        read = _loaded(lanes, (exchange.source,), value.dtype, span)
        self.add_for_threads(lines, Let(exchange.var, read, span=span), mask)

    def combine(self, lines: Lines, combine: Combine, mask: Expr | None) -> None:
        value, span, shape = combine.value, combine.span, combine.shape
        lanes = self.tile(lines, "lanes", shape, value.dtype, span)
        partly = self.taking_part(mask) is not None
        if partly or math.prod(shape) != self.axis.count:
            start = identity(combine.reduction, lanes.dtype)
            fill = Fill(whole(lanes), Const(start, lanes.dtype), span=span)
            lines.done.append(fill)
        self.add_for_threads(lines, _kept(lanes, combine.place, value, span), mask)
        axis = combine.axis
        result = self.tile(
            lines, "reduced", shape[:axis] + shape[axis + 1 :], lanes.dtype, span
        )
        regions = (whole(lanes), whole(result))
        self.add_for_block(lines, Reduce(combine.reduction, *regions, axis, span=span))
        place = combine.place[:axis] + combine.place[axis + 1 :]
        read = _loaded(result, place, value.dtype, span)
        self.add_for_threads(lines, Let(combine.var, read, span=span), mask)

    def of_all(self, lines: Lines, reduction: str, value: Expr) -> Expr:
        """A value of every thread, whoever takes part, reduced for the block."""
        span = value.span
        votes = self.tile(lines, "votes", (self.axis.count,), value.dtype, span)
        store = _kept(votes, (self.axis.number,), value, span)
        self.join(lines, store)
        lines.region.append(store)
        result = self.tile(lines, "result", (), votes.dtype, span)
        axes = (whole(votes), whole(result))
        self.add_for_block(lines, Reduce(reduction, *axes, 0, span=span))
        return _loaded(result, (), value.dtype, span)

    def guarded(self, lines: Lines, statement: Statement, mask: Expr | None) -> None:
        """A statement of the block, run if any thread takes part (rule L79)."""
        values = None if mask is None else self.values(mask)
        certain = values is not None and any(values) and self.exits.flag is None
        if certain or self.taking_part(mask) is None:
            self.add_for_block(lines, statement)
            return
        taking_part = always(self.taking_part(mask))
        anyone = self.of_all(lines, "or", taking_part)
        lines.close()
        lines.done.append(If(anyone, (statement,), span=statement.span))

    def tile(
        self, lines: Lines, name: str, shape: tuple[int, ...], dtype: DType, span: Span
    ) -> Buffer:
        """A new tile of the block, or a scalar if it has no dimension."""
        scope: Scope = "fragment" if shape else "local"
        kept = _INT64 if dtype == INDEX else dtype
        extents = tuple(map(index, shape))
        buffer = Buffer(self.builder.unique(name), extents, kept, scope, span=span)
        lines.done.append(Allocate(buffer, span=span))
        return buffer


def _kept(
    buffer: Buffer, indices: tuple[Expr, ...], value: Expr, span: Span
) -> Statement:
    if value.dtype != buffer.dtype:
        value = Cast(value, buffer.dtype, span=span)
    return Store(buffer, indices, value, span=span)


def _loaded(
    buffer: Buffer, indices: tuple[Expr, ...], dtype: DType, span: Span
) -> Expr:
    load = Load(buffer, indices, span=span)
    return load if buffer.dtype == dtype else Cast(load, dtype, span=span)
