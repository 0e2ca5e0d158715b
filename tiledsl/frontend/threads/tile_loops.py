"""Tile statements on memory of one thread, as loops that each thread runs (rule L79)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.frontend.builder import Builder
from tiledsl.ir.dtypes import INDEX, DType
from tiledsl.ir.nodes import (
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
    Gemm,
    If,
    Let,
    Load,
    Node,
    Print,
    Range,
    Reduce,
    Region,
    Select,
    Statement,
    Store,
    Var,
    index,
)
from tiledsl.ir.ops import REDUCTIONS, identity
from tiledsl.ir.spans import Span


def as_loops(builder: Builder, statement: Node) -> Block:
    """The scalar statements with the meaning of a tile statement."""
    match statement:
        case Copy():
            return _copy(builder, statement)
        case Fill():
            return _fill(builder, statement)
        case Reduce():
            return _reduce(builder, statement)
        case Print(value=Region() as region):
            point = _point(builder, region.shape, statement.span)
            one = replace(statement, value=_element(region, point, region.shape))
            return _nest(point, region.shape, (one,))
    name = "gemm" if isinstance(statement, Gemm) else "sort or T.topk"
    raise UnsupportedByTarget(
        "E2001",
        f"T.{name} on memory of one thread is not available",
        span=statement.span,
        hint="use shared tiles, or loops over the elements",
    )


def _copy(builder: Builder, copy: Copy) -> Block:
    point = _point(builder, copy.shape, copy.span)
    dtype = copy.target.buffer.dtype
    value = converted(_element(copy.source, point, copy.shape), dtype)
    return _nest(point, copy.shape, _stored(copy.target, point, copy.shape, value))


def _fill(builder: Builder, fill: Fill) -> Block:
    target, span = fill.target, fill.span
    value = Var(builder.unique("fill"), fill.value.dtype, span=span)
    point = _point(builder, target.shape, span)
    if isinstance(fill.value, Const):
        return _nest(point, target.shape, (_store(target, point, fill.value),))
    body = _nest(point, target.shape, (_store(target, point, value),))
    return (Let(value, fill.value, span=span), *body)


def _reduce(builder: Builder, reduce: Reduce) -> Block:
    source, target, axis, span = reduce.source, reduce.target, reduce.axis, reduce.span
    carried = target.buffer.dtype.evaluation
    total = Buffer(builder.unique("total"), (), carried, "local", span=span)
    point = _point(builder, source.shape, span)
    kept = point[:axis] + point[axis + 1 :]
    start: Expr = Const(identity(reduce.reduction, carried), carried, span=span)
    if not reduce.clear:
        start = converted(_element(target, kept, target.shape), carried)
    element = converted(_element(source, point, source.shape), carried)
    if reduce.reduction.startswith("abs"):
        element = Apply("abs", (element,), span=span)
    op = REDUCTIONS[reduce.reduction]
    if reduce.nan_propagate and carried.is_float and op in ("max", "min"):
        op = f"{op}_nan"
    combined = Apply(op, (Load(total, (), span=span), element), span=span)
    step: Block = (Store(total, (), combined, span=span),)
    result = converted(Load(total, (), span=span), target.buffer.dtype)
    return _nest(
        kept,
        target.shape,
        (
            Allocate(total, span=span),
            Store(total, (), start, span=span),
            *_nest(point[axis : axis + 1], source.shape[axis : axis + 1], step),
            _store(target, kept, result),
        ),
    )


def _point(builder: Builder, shape: Sequence[Expr], span: Span) -> tuple[Var, ...]:
    """An index variable for each extent."""
    point = tuple(Var(builder.unique("p"), INDEX, span=span) for _ in shape)
    for var, extent in zip(point, shape, strict=True):
        if isinstance(extent, Const) and extent.value > 0:
            builder.ranges[var.name] = (0, int(extent.value) - 1)
    return point


def _nest(point: Sequence[Var], shape: Sequence[Expr], body: Block) -> Block:
    for var, extent in zip(reversed(point), reversed(shape), strict=True):
        body = (For(var, index(0), extent, index(1), body, span=var.span),)
    return body


def _indices(region: Region, point: Sequence[Var]) -> tuple[Expr, ...]:
    rest = iter(point)
    return tuple(
        _sum(dim.start, next(rest)) if isinstance(dim, Range) else dim.index
        for dim in region.dims
    )


def _sum(start: Expr, offset: Expr) -> Expr:
    return offset if start == index(0) else Apply("add", (start, offset))


def _element(region: Region, point: Sequence[Var], shape: Sequence[Expr]) -> Expr:
    """The element of a source; the fill outside the region's own ranges."""
    load = Load(region.buffer, _indices(region, point), region.fill, span=region.span)
    inside = _inside(region, point, shape)
    if inside is None:
        return load
    fill = region.fill or zero_of(region.buffer.dtype)
    return Select(inside, load, fill, span=region.span)


def _stored(
    region: Region, point: Sequence[Var], shape: Sequence[Expr], value: Expr
) -> Block:
    """A store that does nothing outside the region's own ranges."""
    inside = _inside(region, point, shape)
    store = _store(region, point, value)
    return (store,) if inside is None else (If(inside, (store,), span=region.span),)


def _store(region: Region, point: Sequence[Var], value: Expr) -> Statement:
    return Store(region.buffer, _indices(region, point), value, span=region.span)


def _inside(region: Region, point: Sequence[Var], shape: Sequence[Expr]) -> Expr | None:
    tests: list[Expr] = [
        Apply("lt", (at, extent))
        for at, extent, whole in zip(point, region.shape, shape, strict=True)
        if extent != whole
    ]
    result: Expr | None = None
    for test in tests:
        result = test if result is None else Apply("and", (result, test))
    return result


def zero_of(dtype: DType) -> Const:
    """All bits zero."""
    if dtype.is_float:
        return Const(0.0, dtype)
    return Const(False, dtype) if dtype.kind == "bool" else Const(0, dtype)


def converted(value: Expr, dtype: DType) -> Expr:
    return value if value.dtype == dtype else Cast(value, dtype, span=value.span)
