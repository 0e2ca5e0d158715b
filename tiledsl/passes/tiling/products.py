"""``Gemm`` on whole tensors as a launch."""

from __future__ import annotations

from collections.abc import Sequence

from tiledsl.ir.nodes import (
    Allocate,
    Block,
    Buffer,
    Const,
    Copy,
    Expr,
    Fill,
    For,
    Gemm,
    If,
    Region,
    Statement,
    index,
    whole,
)
from tiledsl.passes.tiling.cutting import cut, load
from tiledsl.passes.tiling.grid import Grid, Names, tiles, times
from tiledsl.passes.tiling.sizes import Hint, matrix, matrix_depth


def tile_gemm(gemm: Gemm, hint: Hint, names: Names) -> Statement:
    """A launch whose blocks compute one tile of C each, over all of K.

    The sums of a block are carried in C's evaluation dtype and rounded once.
    """
    span = gemm.span
    axes = hint.axes(matrix(*gemm.c.shape))
    grid = Grid(axes, names, span)
    sizes = [axis.size for axis in axes]
    shape = tuple(map(index, sizes))
    carried = gemm.c.buffer.dtype.evaluation
    total = Buffer(names.fresh("total"), shape, carried, "fragment", span=span)
    inner = gemm.a.shape[0 if gemm.transpose_a else 1]
    depth = hint.depth(inner, matrix_depth(inner))
    step = names.index("step", span)
    body = _step(gemm, grid.origins, sizes, times(step, depth), depth, total, names)
    bounds = (index(0), tiles(inner, depth), index(1))
    loop = For(step, *bounds, body, "pipelined", hint.stages or 2, span=span)
    target = cut(gemm.c, grid.origins, sizes)
    return grid.launch(
        (
            Allocate(total, span=span),
            *_start(gemm, total, cut(gemm.c, grid.origins, sizes)),
            loop,
            Copy(whole(total), target, shape, span=span),
        )
    )


def _start(gemm: Gemm, total: Buffer, old: Region) -> Block:
    """The sums begin at 0, or with the old content of C."""
    span = gemm.span
    zero = Const(0.0 if total.dtype.is_float else 0, total.dtype)
    cleared = Fill(whole(total), zero, span=span)
    kept = Copy(old, whole(total), total.shape, span=span)
    if isinstance(gemm.clear, Const):
        return (cleared if gemm.clear.value else kept,)
    return (If(gemm.clear, (cleared,), (kept,), span=span),)


def _step(
    gemm: Gemm,
    origins: Sequence[Expr],
    sizes: Sequence[int],
    origin: Expr,
    depth: int,
    total: Buffer,
    names: Names,
) -> Block:
    """One step along K; outside of the operands there are zeros, which add nothing."""
    (row, column), (height, width) = origins, sizes

    def operand(region: Region, at: Expr, size: int, *, flat: bool) -> _Loaded:
        place, box = (
            ((origin, at), (depth, size)) if flat else ((at, origin), (size, depth))
        )
        dtype = region.buffer.dtype
        zero = Const(0.0 if dtype.is_float else 0, dtype)
        return load(region, place, box, zero, names, gemm.span)

    a, load_a = operand(gemm.a, row, height, flat=gemm.transpose_a)
    b, load_b = operand(gemm.b, column, width, flat=not gemm.transpose_b)
    product = Gemm(
        whole(a),
        whole(b),
        whole(total),
        Const(False, gemm.clear.dtype),
        gemm.transpose_a,
        gemm.transpose_b,
        gemm.allow_tf32,
        span=gemm.span,
    )
    return (*load_a, *load_b, product)


_Loaded = tuple[Buffer, tuple[Statement, ...]]
