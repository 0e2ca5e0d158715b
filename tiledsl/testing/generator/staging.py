"""Tiles that are copied whole and read once, as programs stage what they load.

That is what passes like to forward; what stands in between, the region of the source and
the position of the read decide whether they may.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    At,
    Buffer,
    Cast,
    Const,
    Copy,
    Expr,
    Gemm,
    Load,
    Parallel,
    Range,
    Reduce,
    Region,
    Statement,
    Store,
    Var,
    Wait,
    index,
    whole,
)
from tiledsl.testing.generator import parallel, tiles
from tiledsl.testing.generator.expressions import constant, subscript, value
from tiledsl.testing.generator.scope import Scope, fitting

_BETWEEN = (tiles.fill, tiles.copy, parallel.loop)


def staged(scope: Scope) -> list[Statement]:
    """A copy into a new tile, at times something else, and the only read of the tile."""
    choice = scope.choice
    sources = [part for part in scope.readable if part.rank]
    if not sources:
        return []
    source = choice.pick(sources)
    rank = choice.integer(1, min(source.rank, 2))
    shape = tuple(index(extent) for extent in _extents(scope, source, rank))
    dtype = scope.dtype() if choice.chance(12) else source.dtype
    dtype = fitting(dtype, shape)
    space = choice.pick(tiles.SPACES[:2])
    stage = Buffer(scope.names.fresh("t"), shape, dtype, space)
    start = Copy(_origin(scope, source, shape), whole(stage), shape)
    between: list[Statement] = []
    if choice.chance(scope.policy.asynchronous):
        # nobody changes what is still on its way
        start = replace(start, asynchronous=True)
        others = scope.without(source)
        if others.tiles and choice.chance(30):
            between = choice.pick(_BETWEEN)(others)
        between.append(Wait())
    elif scope.tiles and choice.chance(30):
        between = choice.pick(_BETWEEN)(scope)
    read = choice.pick((_by_loop, _by_copy, _by_reduction, _by_product))
    return [Allocate(stage), start, *between, *read(scope, stage)]


def _extents(scope: Scope, source: Buffer, rank: int) -> list[int]:
    """Often those of the source, whose accesses are then known to be inside."""
    known = [int(e.value) for e in source.shape if isinstance(e, Const)]
    if len(known) >= rank and scope.choice.chance(65):
        return known[-rank:]
    return [scope.extent() for _ in range(rank)]


def _origin(scope: Scope, source: Buffer, shape: tuple[Expr, ...]) -> Region:
    """A box of the last dimensions, at a point of the others."""
    choice = scope.choice
    points = source.rank - len(shape)
    dims: list[At | Range] = [At(subscript(scope)) for _ in range(points)]
    for extent in shape:
        start = index(0) if choice.chance(60) else subscript(scope)
        dims.append(Range(start, extent))
    fill = constant(scope, source.dtype) if choice.chance(20) else None
    return Region(source, tuple(dims), fill)


def _by_loop(scope: Scope, stage: Buffer) -> list[Statement]:
    """A loop over a new tile that reads an element, mostly its own."""
    choice = scope.choice
    shape = stage.static_shape
    dtype = scope.dtype() if choice.chance(30) else stage.dtype
    dtype = fitting(dtype, stage.shape)
    target = Buffer(scope.names.fresh("t"), stage.shape, dtype, "fragment")
    lanes = tuple(Var(scope.names.fresh("i"), stage.shape[0].dtype) for _ in shape)
    forms: tuple[Callable[[Var, int], Expr], ...] = (
        lambda lane, extent: lane,
        lambda lane, extent: lane,
        lambda lane, extent: Apply("sub", (index(extent - 1), lane)),
        lambda lane, extent: Apply("add", (lane, index(1))),
        lambda lane, extent: Apply("sub", (lane, index(2))),
    )
    at = tuple(choice.pick(forms)(i, n) for i, n in zip(lanes, shape, strict=True))
    if len(shape) == 2 and shape[0] == shape[1] and choice.chance(30):
        at = at[::-1]
    fill = constant(scope, stage.dtype) if choice.chance(10) else None
    element: Expr = Load(stage, at, fill)
    if dtype != stage.dtype:
        element = Cast(element, dtype)
    if dtype.is_arithmetic and dtype != BOOL and choice.chance(50):
        other = value(scope.inside(lanes), dtype, 1)
        element = Apply(choice.pick(("add", "max", "sub")), (element, other))
    scope.tiles.append(target)
    loop = Parallel(lanes, target.shape, (Store(target, lanes, element),))
    return [Allocate(target), loop]


def _by_copy(scope: Scope, stage: Buffer) -> list[Statement]:
    """A box of the tile, mostly all of it, into a new tile."""
    choice = scope.choice
    dtype = scope.dtype() if choice.chance(30) else stage.dtype
    dims: list[At | Range] = []
    for extent in stage.static_shape:
        first = choice.integer(0, extent - 1) if choice.chance(30) else 0
        if choice.chance(15):
            dims.append(At(index(first)))
        else:
            dims.append(Range(index(first), index(extent - first)))
    box = Region(stage, tuple(dims))
    dtype = fitting(dtype, box.shape)
    target = Buffer(scope.names.fresh("t"), box.shape, dtype, "shared")
    scope.tiles.append(target)
    return [Allocate(target), Copy(box, whole(target), box.shape)]


def _by_reduction(scope: Scope, stage: Buffer) -> list[Statement]:
    choice = scope.choice
    axis = choice.integer(0, stage.rank - 1)
    kept = stage.shape[:axis] + stage.shape[axis + 1 :]
    dtype = fitting(stage.dtype, kept)
    target = Buffer(scope.names.fresh("t"), kept, dtype, "fragment")
    scope.tiles.append(target)
    reduction = choice.pick(tiles.reductions(scope, dtype))
    return [Allocate(target), Reduce(reduction, whole(stage), whole(target), axis)]


def _by_product(scope: Scope, stage: Buffer) -> list[Statement]:
    """As an operand, if there are products of the dtype."""
    choice = scope.choice
    fitting = [row for row in tiles.products(scope) if row[0] == row[1] == stage.dtype]
    if stage.rank != 2 or not fitting:
        return _by_copy(scope, stage)
    dtype = choice.pick(fitting)[2]
    extent = choice.integer(0, 1)  # the dimension over which is summed
    free, summed = stage.static_shape[1 - extent], stage.static_shape[extent]
    other, start = tiles.new_tile(scope, (summed, choice.pick((2, 1, 3))), stage.dtype)
    extents = (free, other.static_shape[1])
    left = choice.chance(70)
    c, fill = tiles.new_tile(scope, extents if left else extents[::-1], dtype)
    clear = Const(choice.chance(50), BOOL)
    turned = extent == 0
    if left:
        product = Gemm(whole(stage), whole(other), whole(c), clear, turned, False)
    else:
        product = Gemm(whole(other), whole(stage), whole(c), clear, True, not turned)
    return [*start, *fill, product]
