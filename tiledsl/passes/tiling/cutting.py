"""A tile's part of a region, and tiles loaded from one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tiledsl.ir.dtypes import INDEX, DType
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    At,
    Buffer,
    Cast,
    Const,
    Copy,
    Expr,
    Load,
    Parallel,
    Range,
    Region,
    Select,
    Statement,
    Store,
    index,
    whole,
)
from tiledsl.ir.spans import Span
from tiledsl.passes.tiling.grid import Names, least, minus, plus, static


def cut(
    region: Region,
    origins: Sequence[Expr],
    sizes: Sequence[int],
    space: Sequence[Expr] | None = None,
) -> Region:
    """The part of a region in the box of these origins and sizes.

    ``space``: extents that clip the region's own, as the space of a copy clips its target.
    """
    extents = region.shape if space is None else space
    boxes = iter(zip(origins, sizes, extents, strict=True))
    dims: list[At | Range] = []
    for dim, length in zip(region.dims, region.buffer.shape, strict=True):
        if isinstance(dim, At):
            dims.append(replace(dim, proved=False))
        else:
            dims.append(_part(dim, length, *next(boxes)))
    return replace(region, dims=tuple(dims))


def _part(dim: Range, length: Expr, origin: Expr, size: int, extent: Expr) -> Range:
    start = plus(dim.start, origin)
    clip = least(dim.extent, extent)
    known = static(clip)
    ends_with_buffer = clip == dim.extent and _covers(dim, length)
    if ends_with_buffer or (known is not None and known % size == 0):
        # what lies beyond the range is also outside of the buffer, or there is nothing
        return Range(start, index(size), span=dim.span)
    rest = minus(clip, origin)
    if clip != extent and clip != dim.extent:
        rest = Apply("max", (rest, Const(0, INDEX)))
    return Range(start, least(index(size), rest), span=dim.span)


def _covers(dim: Range, length: Expr) -> bool:
    """Whether a range is all of its dimension."""
    return static(dim.start) == 0 and static(minus(dim.extent, length)) == 0


def load(
    region: Region,
    origins: Sequence[Expr],
    sizes: Sequence[int],
    outside: Const,
    names: Names,
    span: Span,
) -> tuple[Buffer, tuple[Statement, ...]]:
    """A new tile with the box of a region; ``outside`` where the box leaves the region.

    The tile has the dtype of ``outside``.
    """
    shape = tuple(index(size) for size in sizes)
    name = names.fresh(f"{region.buffer.name}_tile")
    tile = Buffer(name, shape, outside.dtype, "shared", span=span)
    part = cut(region, origins, sizes)
    fill = region.fill or Const(_zero(region.buffer.dtype), region.buffer.dtype)
    fits = all(
        (known := static(extent)) is not None and known % size == 0
        for extent, size in zip(region.shape, sizes, strict=True)
    )
    if fits or fill == outside:
        filled: Statement = Copy(part, whole(tile), shape, span=span)
    elif _is_whole(region) and tile.dtype == region.buffer.dtype:
        filled = Copy(replace(part, fill=outside), whole(tile), shape, span=span)
    else:
        filled = _masked(region, origins, tile, outside, names, span)
    return tile, (Allocate(tile, span=span), filled)


def _zero(dtype: DType) -> float | int | bool:
    if dtype.kind == "bool":
        return False
    return 0.0 if dtype.is_float else 0


def _is_whole(region: Region) -> bool:
    return all(
        isinstance(dim, Range) and _covers(dim, length)
        for dim, length in zip(region.dims, region.buffer.shape, strict=True)
    )


def _masked(
    region: Region,
    origins: Sequence[Expr],
    tile: Buffer,
    outside: Const,
    names: Names,
    span: Span,
) -> Parallel:
    """The tile element by element, for regions whose ends differ from their buffer's."""
    lanes = tuple(names.index("i", span) for _ in tile.shape)
    points = [plus(origin, lane) for origin, lane in zip(origins, lanes, strict=True)]
    inside: Expr | None = None
    for point, extent in zip(points, region.shape, strict=True):
        test = Apply("lt", (point, extent), span=span)
        inside = test if inside is None else Apply("and", (inside, test), span=span)
    loaded: Expr = Load(region.buffer, element(region, points), region.fill, span=span)
    if loaded.dtype != tile.dtype:
        loaded = Cast(loaded, tile.dtype, span=span)
    value = loaded if inside is None else Select(inside, loaded, outside, span=span)
    store = Store(tile, lanes, value, span=span)
    return Parallel(lanes, tile.shape, (store,), span=span)


def element(region: Region, points: Sequence[Expr]) -> tuple[Expr, ...]:
    """The indices of a region's element."""
    return tuple(_indices(region, iter(points)))


def _indices(region: Region, points: Iterator[Expr]) -> Iterator[Expr]:
    for dim in region.dims:
        yield dim.index if isinstance(dim, At) else plus(dim.start, next(points))
