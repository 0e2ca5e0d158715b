"""Elements of a region, as loads and stores that keep to its ranges and its buffer."""

from __future__ import annotations

from tiledsl.ir.dtypes import BOOL, DType
from tiledsl.ir.nodes import (
    Apply,
    Block,
    Cast,
    Const,
    Expr,
    If,
    Load,
    Range,
    Region,
    Select,
    Store,
    Var,
    index,
)


def read(region: Region, points: tuple[Var, ...], shape: tuple[Expr, ...]) -> Expr:
    """The element at ``points``: fill outside the region's ranges and its buffer."""
    indices, proved = subscripts(region, points)
    value: Expr = Load(region.buffer, indices, region.fill, proved, span=region.span)
    beyond = _clip(region, points, shape)
    if beyond is None:
        return value
    fill = region.fill or _zero(region.buffer.dtype)
    return Select(beyond, value, fill)


def write(
    region: Region, points: tuple[Var, ...], shape: tuple[Expr, ...], value: Expr
) -> Block:
    """Stores to the element at ``points`` if it is in the region's ranges and buffer."""
    indices, proved = subscripts(region, points)
    store = Store(region.buffer, indices, value, proved, span=region.span)
    inside = _clip(region, points, shape)
    return (store,) if inside is None else (If(inside, (store,)),)


def subscripts(
    region: Region, points: tuple[Var, ...]
) -> tuple[tuple[Expr, ...], tuple[bool, ...]]:
    remaining = iter(points)
    indices: list[Expr] = []
    for dim in region.dims:
        if not isinstance(dim, Range):
            indices.append(dim.index)
            continue
        point = next(remaining)
        start = dim.start
        zero = isinstance(start, Const) and start.value == 0
        indices.append(point if zero else Apply("add", (start, point)))
    return tuple(indices), tuple(dim.proved for dim in region.dims)


def inside(region: Region) -> Expr:
    """Whether all of the region is inside its buffer, as far as that is not proved."""
    result: Expr = Const(True, BOOL)
    for dim, size in zip(region.dims, region.buffer.shape, strict=True):
        if dim.proved:
            continue
        first = dim.start if isinstance(dim, Range) else dim.index
        extent = dim.extent if isinstance(dim, Range) else index(1)
        last = Apply("sub", (size, extent))
        for test in (Apply("le", (index(0), first)), Apply("le", (first, last))):
            result = test if isinstance(result, Const) else Apply("and", (result, test))
    return result


def _clip(
    region: Region, points: tuple[Var, ...], shape: tuple[Expr, ...]
) -> Expr | None:
    """Whether the points are inside the ranges; None if the shape says so."""
    tests = [
        Apply("lt", (point, extent))
        for point, extent, size in zip(points, region.shape, shape, strict=True)
        if extent != size and not _at_most(size, extent)
    ]
    result: Expr | None = None
    for test in tests:
        result = test if result is None else Apply("and", (result, test))
    return result


def _at_most(size: Expr, extent: Expr) -> bool:
    if isinstance(size, Const) and isinstance(extent, Const):
        return int(size.value) <= int(extent.value)
    return False


def cast(value: Expr, dtype: DType) -> Expr:
    return value if value.dtype == dtype else Cast(value, dtype)


def _zero(dtype: DType) -> Const:
    if dtype.is_float:
        return Const(dtype.minimum if dtype == "float8_e8m0fnu" else 0.0, dtype)
    return Const(False if dtype.kind == "bool" else 0, dtype)
