"""Positions in the order of the elements: sorted tiles, the best few, and their use."""

from __future__ import annotations

from typing import Final

from tiledsl.ir.dtypes import INDEX, DType
from tiledsl.ir.nodes import (
    Allocate,
    Buffer,
    Cast,
    Const,
    Expr,
    Load,
    Parallel,
    Range,
    Region,
    Sort,
    Statement,
    Store,
    Var,
    index,
    whole,
)
from tiledsl.testing.generator.expressions import subscript
from tiledsl.testing.generator.scope import Scope, fitting

_POSITIONS: Final = tuple(
    map(DType, ("int32", "int32", "int32", "int64", "uint8", "int8", "uint16"))
)


def sort(scope: Scope) -> list[Statement]:
    """A new tile of positions, all of them or the first few; mostly also the elements."""
    choice = scope.choice
    sources = [part for part in scope.readable if part.rank]
    if not sources:
        return []
    buffer = choice.pick(sources)
    operand = _operand(scope, buffer)
    axis = choice.integer(0, len(operand.shape) - 1)
    extents = [
        int(extent.value) for extent in operand.shape if isinstance(extent, Const)
    ]
    if choice.chance(40):
        extents[axis] = choice.integer(1, extents[axis])
    shape = tuple(map(index, extents))
    positions = Buffer(
        scope.names.fresh("t"),
        shape,
        choice.pick(_POSITIONS),
        choice.pick(("fragment", "shared")),
    )
    found: list[Statement] = [
        Allocate(positions),
        Sort(operand, whole(positions), axis, choice.chance(50)),
    ]
    scope.tiles.append(positions)
    if choice.chance(70):
        found += _gathered(scope, operand, positions, axis)
    return found


def _operand(scope: Scope, buffer: Buffer) -> Region:
    """All of a tile, or a box of static extents; it may reach outside."""
    choice = scope.choice
    if buffer.scope != "global" and choice.chance(60):
        return whole(buffer)
    dims = tuple(
        Range(
            index(0) if choice.chance(60) else subscript(scope), index(scope.extent())
        )
        for _ in buffer.shape
    )
    return Region(buffer, dims)


def _gathered(
    scope: Scope, operand: Region, positions: Buffer, axis: int
) -> list[Statement]:
    """The elements at the positions, as ``sort`` and ``topk`` of the language give them."""
    lanes = tuple(Var(scope.names.fresh("i"), INDEX) for _ in positions.shape)
    at: list[Expr] = list(lanes)
    at[axis] = Cast(Load(positions, lanes), INDEX)
    source = operand.buffer
    dtype = fitting(source.dtype, positions.shape)
    target = Buffer(scope.names.fresh("t"), positions.shape, dtype, "fragment")
    scope.tiles.append(target)
    element: Expr = Load(source, tuple(at), operand.fill)
    if dtype != source.dtype:
        element = Cast(element, dtype)
    loop = Parallel(lanes, target.shape, (Store(target, lanes, element),))
    return [Allocate(target), loop]
