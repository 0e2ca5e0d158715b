"""``Reduce`` on whole tensors as a launch."""

from __future__ import annotations

from collections.abc import Sequence

from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import (
    Allocate,
    At,
    Block,
    Buffer,
    Cast,
    Const,
    Copy,
    Expr,
    Fill,
    For,
    Launch,
    Load,
    Range,
    Reduce,
    Region,
    Store,
    index,
    whole,
)
from tiledsl.ir.ops import identity
from tiledsl.passes.tiling.cutting import cut, element, load
from tiledsl.passes.tiling.grid import Grid, Names, tiles, times
from tiledsl.passes.tiling.sizes import Hint, beside, line


def tile_reduce(reduce: Reduce, hint: Hint, names: Names) -> Launch:
    """A launch whose blocks reduce some lines each, piece by piece along the axis.

    What a block carries has target's evaluation dtype and is rounded once.
    """
    span, axis = reduce.span, reduce.axis
    extent = reduce.source.shape[axis]
    last = axis == len(reduce.source.shape) - 1
    depth = hint.depth(extent, line(extent, contiguous=last))
    axes = hint.axes(beside(reduce.target.shape, depth))
    grid = Grid(axes, names, span)
    sizes = [one.size for one in axes]
    carried = reduce.target.buffer.dtype.evaluation
    # without kept axes one element carries, so that every backend has a tile
    shape = tuple(map(index, sizes or [1]))
    total = Buffer(names.fresh("total"), shape, carried, "fragment", span=span)
    region = whole(total) if sizes else Region(total, (At(index(0), True),))
    step = names.index("step", span)
    origins = [*grid.origins[:axis], times(step, depth), *grid.origins[axis:]]
    body = _step(reduce, origins, [*sizes[:axis], depth, *sizes[axis:]], region, names)
    bounds = (index(0), tiles(extent, depth), index(1))
    loop = For(step, *bounds, body, "pipelined", hint.stages, span=span)
    target = cut(reduce.target, grid.origins, sizes)
    return grid.launch(
        (
            Allocate(total, span=span),
            *_start(reduce, region, target),
            loop,
            _moved(region, target, reduce),
        )
    )


def _start(reduce: Reduce, total: Region, old: Region) -> Block:
    dtype = total.buffer.dtype
    if not reduce.clear:
        return (_moved(old, total, reduce),)
    first = Const(identity(reduce.reduction, dtype), dtype)
    return (Fill(whole(total.buffer), first, span=reduce.span),)


def _moved(source: Region, target: Region, reduce: Reduce) -> Copy | Store:
    """A copy between a tile and the target; of one element where no axis is kept."""
    tile = source if source.buffer.scope != "global" else target
    shape = tuple(dim.extent for dim in tile.dims if isinstance(dim, Range))
    if shape:
        return Copy(source, target, shape, span=reduce.span)
    value: Expr = Load(
        source.buffer, element(source, ()), source.fill, span=reduce.span
    )
    dtype = target.buffer.dtype
    if value.dtype != dtype:
        value = Cast(value, dtype, span=reduce.span)
    return Store(target.buffer, element(target, ()), value, span=reduce.span)


def _step(
    reduce: Reduce,
    origins: Sequence[Expr],
    sizes: Sequence[int],
    total: Region,
    names: Names,
) -> Block:
    """One piece of the axis; beyond its end there is what changes no result."""
    source = reduce.source
    dtype = _piece_dtype(reduce.reduction, source.buffer.dtype, total.buffer.dtype)
    neutral = Const(identity(reduce.reduction, dtype), dtype)
    tile, filled = load(source, origins, sizes, neutral, names, reduce.span)
    combined = Reduce(
        reduce.reduction,
        whole(tile),
        total,
        reduce.axis,
        False,
        reduce.nan_propagate,
        span=reduce.span,
    )
    return (*filled, combined)


def _piece_dtype(reduction: str, source: DType, carried: DType) -> DType:
    """The source's dtype, if what changes no result is one of its values.

    Converting integers does not keep their order; a float without infinity has no element
    that loses to what is left where all others are NaN; floats have no bits to combine.
    """
    if reduction in ("max", "min"):
        return source if source.has_infinity else carried
    bits = reduction in ("and", "or", "xor")
    no_zero = source == "float8_e8m0fnu"
    return carried if source.is_float and (bits or no_zero) else source
