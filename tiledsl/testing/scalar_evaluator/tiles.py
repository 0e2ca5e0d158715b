"""Copy, Fill, Gemm, Reduce and Sort, element by element."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tiledsl.ir import nodes as ir
from tiledsl.ir.ops import REDUCTIONS, identity
from tiledsl.testing.scalar_evaluator.conversion import (
    Value,
    convert,
    from_bits,
    to_bits,
)
from tiledsl.testing.scalar_evaluator.expressions import (
    evaluate,
    integer,
    read_bits,
    recode,
    write_bits,
)
from tiledsl.testing.scalar_evaluator.memory import Position, points
from tiledsl.testing.scalar_evaluator.operations import apply
from tiledsl.testing.scalar_evaluator.scope import Scope


class Window:
    """A region whose origin and extents are evaluated: points to positions."""

    def __init__(self, region: ir.Region, scope: Scope) -> None:
        self.memory = scope.memory(region.buffer)
        self.dtype, self._fill = region.buffer.dtype, region.fill
        # (first position, extent); the extent of a single position is None
        self._dims: list[tuple[int, int | None]] = [
            (integer(dim.index, scope), None)
            if isinstance(dim, ir.At)
            else (integer(dim.start, scope), integer(dim.extent, scope))
            for dim in region.dims
        ]

    @property
    def shape(self) -> Position:
        return tuple(extent for _, extent in self._dims if extent is not None)

    def read(self, point: Position) -> int:
        """The code at a point; the fill outside the ranges or the buffer."""
        position = self._position(point)
        return read_bits(self.memory, position, self._fill)

    def write(self, point: Position, bits: int) -> None:
        write_bits(self.memory, self._position(point), bits)

    def value(self, point: Position) -> Value:
        """The element in its evaluation format."""
        return from_bits(self.read(point), self.dtype)

    def _position(self, point: Position) -> Position:
        """A position outside every buffer (-1) where the point leaves its range."""
        along: Iterator[int] = iter(point)
        position = []
        for start, extent in self._dims:
            offset = 0 if extent is None else next(along)
            inside = extent is None or offset < extent
            position.append(start + offset if inside else -1)
        return tuple(position)


def copy(statement: ir.Copy, scope: Scope) -> None:
    """Every element is read before the first is written."""
    source, target = Window(statement.source, scope), Window(statement.target, scope)
    shape = tuple(integer(extent, scope) for extent in statement.shape)
    codes = [(point, source.read(point)) for point in points(shape)]
    for point, bits in codes:
        target.write(point, recode(bits, source.dtype, target.dtype))


def fill(statement: ir.Fill, scope: Scope) -> None:
    target = Window(statement.target, scope)
    bits = to_bits(evaluate(statement.value, scope), target.dtype)
    for point in points(target.shape):
        target.write(point, bits)


def gemm(statement: ir.Gemm, scope: Scope) -> None:
    """Every result is computed, in order of k, before the first is written."""
    a, b, c = (Window(part, scope) for part in (statement.a, statement.b, statement.c))
    carry = c.dtype.evaluation
    depth = a.shape[0 if statement.transpose_a else 1]
    clear = evaluate(statement.clear, scope)
    results = []
    for row, column in points(c.shape):
        total = convert(0, carry) if clear else c.value((row, column))
        for k in range(depth):
            left = a.value((k, row) if statement.transpose_a else (row, k))
            right = b.value((column, k) if statement.transpose_b else (k, column))
            if carry.is_float:
                total = apply("fma", (left, right, total), carry)
            else:
                product = apply("mul", (left, right), carry)
                total = apply("add", (total, product), carry)
        results.append(((row, column), to_bits(convert(total, c.dtype), c.dtype)))
    for point, bits in results:
        c.write(point, bits)


def reduce(statement: ir.Reduce, scope: Scope) -> None:
    """Every result is computed before the first is written."""
    source, target = Window(statement.source, scope), Window(statement.target, scope)
    carry, axis = target.dtype.evaluation, statement.axis
    shape = source.shape
    operation = REDUCTIONS[statement.reduction]
    if statement.nan_propagate and operation in ("max", "min") and carry.is_float:
        operation += "_nan"
    results = []
    for point in points(shape[:axis] + shape[axis + 1 :]):
        start = identity(statement.reduction, carry)
        total: Value = start if statement.clear else target.value(point)
        for k in range(shape[axis]):
            element = convert(source.value((*point[:axis], k, *point[axis:])), carry)
            if statement.reduction in ("abssum", "absmax"):
                element = apply("abs", (element,), carry)
            total = apply(operation, (total, element), carry)
        results.append((point, to_bits(convert(total, target.dtype), target.dtype)))
    for point, bits in results:
        target.write(point, bits)


def sort(statement: ir.Sort, scope: Scope) -> None:
    """Every line is ordered by Python, which is stable too, before one is written."""
    source, target = Window(statement.source, scope), Window(statement.target, scope)
    axis, sign = statement.axis, -1 if statement.descending else 1
    shape, count = source.shape, target.shape[statement.axis]

    def line(point: Position) -> list[int]:
        def key(at: int) -> tuple[bool, Value, float]:
            value = source.value((*point[:axis], at, *point[axis:]))
            if isinstance(value, float) and math.isnan(value):
                return True, 0, 0.0
            zero = math.copysign(1.0, value) if isinstance(value, float) else 0.0
            return False, sign * value, sign * zero

        return sorted(range(shape[axis]), key=key)[:count]

    lines = [(at, line(at)) for at in points(shape[:axis] + shape[axis + 1 :])]
    for point, order in lines:
        for number, at in enumerate(order):
            bits = to_bits(convert(at, target.dtype), target.dtype)
            target.write((*point[:axis], number, *point[axis:]), bits)
