"""Atomic updates of a tile: one of each element, paired as in a copy (rule L73).

atomic_add(C[i, j], tile)   =>   parallel (p: m, q: n): atomic C[i + p, j + q] += tile[p, q]
"""

from __future__ import annotations

from dataclasses import replace

from tiledsl.frontend.atomic_updates import as_reductions, emit_atomic
from tiledsl.frontend.buffers import BufferRef, RegionRef
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.conversion import convert, warn_truncation
from tiledsl.frontend.index_bounds import normal_form
from tiledsl.frontend.operands import (
    check_tile_statement,
    place,
    subscripts,
    unit_dropped,
)
from tiledsl.frontend.pairing import pair
from tiledsl.frontend.scalars import scalar
from tiledsl.frontend.values import operand
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import (
    Apply,
    At,
    Const,
    Expr,
    If,
    Load,
    Parallel,
    Range,
    Region,
    Select,
    Var,
    index,
)
from tiledsl.ir.visitor import walk


def update_tile(
    operation: str, op: str, dst: object, value: object, order: str
) -> None:
    """Updates every element of ``dst`` with that of ``value``, a tile or a scalar."""
    builder = check_tile_statement(operation)
    target = place(dst, operation, "dst")
    dtype = target.buffer.dtype
    if isinstance(value, BufferRef | RegionRef):
        pairing = pair(place(value, operation, "value"), target, operation)
        source: Region | Const | Var = _settled(builder, pairing.source)
        region, shape = pairing.target, pairing.shape
        warn_truncation(value.dtype, dtype)
    else:
        stored = convert(operand(value), dtype, implicit=True)
        source = stored if isinstance(stored, Const) else builder.let("value", stored)
        region = unit_dropped(target.region)
        shape = region.shape
    _loop(builder, op, _settled(builder, region), source, shape, order)


def _loop(
    builder: Builder,
    op: str,
    target: Region,
    source: Region | Const | Var,
    shape: tuple[Expr, ...],
    order: str,
) -> None:
    """The update of every point of ``shape``; of one element if that is all."""
    if not shape:
        _update(builder, op, target, source, (), shape, order)
        return
    with builder.block("parallel") as collected:
        points = tuple(builder.declare_index("p", index(0), size) for size in shape)
        _update(builder, op, target, source, points, shape, order)
    loop = Parallel(points, shape, collected.statements, span=here())
    builder.emit(as_reductions(loop))


def _update(
    builder: Builder,
    op: str,
    target: Region,
    source: Region | Const | Var,
    points: tuple[Var, ...],
    shape: tuple[Expr, ...],
    order: str,
) -> None:
    buffer = target.buffer
    value = _value(source, points, shape, buffer.dtype)
    at = subscripts(target, points)
    inside = _inside(target, points, shape)
    if inside is None:
        emit_atomic(builder, op, buffer, at, value, previous=False, order=order)
        return
    with builder.block("arm") as arm:
        emit_atomic(builder, op, buffer, at, value, previous=False, order=order)
    builder.emit(If(inside, arm.statements, span=here()))


def _value(
    source: Region | Const | Var,
    points: tuple[Var, ...],
    shape: tuple[Expr, ...],
    dtype: DType,
) -> Expr:
    if not isinstance(source, Region):
        return source
    indices = subscripts(source, points)
    inside = _inside(source, points, shape)
    if inside is not None:
        # past its own end a slice reads as past the buffer's: position -1 does
        indices = tuple(Select(inside, at, index(-1)) for at in indices)
    element = Load(source.buffer, indices, source.fill, span=source.span)
    return convert(scalar(element), dtype, implicit=False)


def _inside(
    region: Region, points: tuple[Var, ...], shape: tuple[Expr, ...]
) -> Expr | None:
    """Whether the points are inside the ranges; None if the shape says so."""
    result: Expr | None = None
    for point, extent, size in zip(points, region.shape, shape, strict=True):
        surplus = (normal_form(size) - normal_form(extent)).static
        if surplus is not None and surplus <= 0:
            continue
        test = Apply("lt", (point, extent), span=here())
        result = test if result is None else Apply("and", (result, test), span=here())
    return result


def _settled(builder: Builder, region: Region) -> Region:
    """The region with positions that are read from memory evaluated now."""

    def fixed(expr: Expr) -> Expr:
        reads = any(isinstance(part, Load) for part in walk(expr))
        return builder.let("start", expr) if reads else expr

    dims: list[At | Range] = []
    for dim in region.dims:
        if isinstance(dim, At):
            dims.append(replace(dim, index=fixed(dim.index)))
        else:
            dims.append(replace(dim, start=fixed(dim.start), extent=fixed(dim.extent)))
    return replace(region, dims=tuple(dims))
