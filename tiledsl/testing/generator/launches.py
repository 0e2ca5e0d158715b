"""Functions: parameters, launches whose blocks write elements of their own, workspaces.

A launch has axes, each with an extent and the extent of a block's share.  Everything a
launch writes to global memory is divided along all of its axes, and wholly written, so
that later launches may read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tiledsl.ir.dtypes import BOOL, FLOAT32, INDEX, INT32, DType
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    At,
    Buffer,
    Cast,
    Copy,
    Expr,
    Function,
    If,
    Launch,
    Load,
    Parallel,
    Range,
    Region,
    Statement,
    Store,
    Var,
    index,
    whole,
)
from tiledsl.testing.generator import aliases, atomics, observed, tensors
from tiledsl.testing.generator.choice import Choice
from tiledsl.testing.generator.control import block
from tiledsl.testing.generator.expressions import condition, value
from tiledsl.testing.generator.policy import Policy
from tiledsl.testing.generator.scope import Scope, fitting

_SCALARS: Final = (INT32, FLOAT32, DType("int64"), BOOL, DType("uint8"))


@dataclass(frozen=True, slots=True)
class Axis:
    """One dimension of a grid: ``extent`` elements in shares of ``share``."""

    var: Var
    extent: Expr
    share: int

    @property
    def blocks(self) -> Expr:
        if self.share == 1:
            return self.extent
        return Apply("ceildiv", (self.extent, index(self.share)))

    @property
    def start(self) -> Expr:
        return Apply("mul", (self.var, index(self.share)))


def function(choice: Choice, policy: Policy) -> Function:
    """A whole function; its dims are named m, n and, for strides, s1, s2 and so on."""
    scope = Scope(choice, policy)
    scope.dims = [Var("m", INDEX)] + ([Var("n", INDEX)] if choice.chance(30) else [])
    scope.variables += scope.dims
    dims = list(scope.dims)
    inputs = [_input(scope, dims) for _ in range(choice.integer(1, 3))]
    scope.globals += inputs
    scalars = [
        Var(scope.names.fresh("s"), choice.pick(_SCALARS))
        for _ in range(choice.weighted({0: 3, 1: 3, 2: 1}))
    ]
    scope.variables += scalars
    before = [*observed.promises(scope), *aliases.of_inputs(scope, inputs)]
    body, outputs = _steps(scope)
    params: tuple[Buffer | Var, ...] = (*inputs, *scalars, *outputs)
    first = len(params) - len(outputs)
    positions = tuple(range(first, len(params)))
    return Function("generated", params, tuple(dims), (*before, *body), positions)


def _steps(scope: Scope) -> tuple[list[Statement], list[Buffer]]:
    """Launches and statements on whole tensors, and what they leave to the caller."""
    choice, policy = scope.choice, scope.policy
    body: list[Statement] = []
    outputs: list[Buffer] = []
    known: list[Buffer] = []
    count = choice.integer(1, policy.launches) if choice.chance(policy.several) else 1
    for number in range(count):
        if choice.chance(policy.tensors):
            found, written = tensors.step(scope, known)
        else:
            launch, written = _launch(scope, known)
            found = [launch]
        workspaces: list[Buffer] = []
        if number + 1 < count and choice.chance(60):
            workspaces = written[:1]
        outputs += [buffer for buffer in written if buffer not in workspaces]
        body += [*(Allocate(buffer) for buffer in workspaces), *found]
        scope.globals += written
        known += written
    return body, outputs


def _input(scope: Scope, dims: list[Var]) -> Buffer:
    """Row-major, or with strides that are constants or dims of their own."""
    choice = scope.choice
    rank = choice.weighted({1: 4, 2: 6, 3: 2, 0: 1, 4: 1})
    dtype = scope.dtype()
    dtype = dtype if rank else fitting(dtype, ())
    shape = scope.sizes(rank, dtype)
    name = scope.names.fresh("x")
    if not rank or dtype.is_packed or not choice.chance(scope.policy.strided):
        return Buffer(name, shape, dtype)
    strides: list[Expr] = []
    for _ in shape:
        if choice.chance(50):
            strides.append(index(choice.pick((1, 2, 5, 11, 0, -1, -3))))
            continue
        stride = Var(scope.names.fresh("ld"), INDEX)
        dims.append(stride)
        strides.append(stride)
    return Buffer(name, shape, dtype, strides=tuple(strides))


def _launch(outer: Scope, known: list[Buffer]) -> tuple[Launch, list[Buffer]]:
    """A launch, and the buffers it wholly writes; it may update those already known."""
    choice = outer.choice
    count = choice.weighted({1: 6, 2: 3, 3: 1})
    axes = [
        Axis(Var(outer.names.fresh("b"), INDEX), outer.size(), outer.extent())
        for _ in range(count)
    ]
    scope = _updating(outer, known).inside([axis.var for axis in axes])
    body = list(block(scope, outer.policy.depth))
    written: list[Buffer] = []
    kept = scope.tiles[-3:] if choice.chance(60) else scope.tiles[-1:]
    for tile in kept:
        output, store = _stored(scope, axes, tile)
        body += store
        written.append(output)
    threads = (choice.pick((128, 1, 64, 96)),)
    grid = tuple(axis.blocks for axis in axes)
    return Launch(tuple(a.var for a in axes), grid, threads, tuple(body)), written


def _updating(scope: Scope, known: list[Buffer]) -> Scope:
    """The scope of a launch in which some buffers are updated, and not read."""
    choice = scope.choice
    targets = [buffer for buffer in known if atomics.is_updatable(buffer)]
    if not targets or not choice.chance(scope.policy.updates):
        return scope
    target = choice.pick(targets)
    inner = scope.without(target)
    inner.updated = [atomics.of_launch(scope, target)]
    return inner


def _stored(
    scope: Scope, axes: list[Axis], tile: Buffer
) -> tuple[Buffer, list[Statement]]:
    """A new output with a share for each block, and the statements that write it.

    An axis whose share is the extent of a dimension of the tile divides that dimension;
    every other one is a dimension of its own.
    """
    choice = scope.choice
    dtype = tile.dtype if choice.chance(70) else scope.dtype()
    dtype = fitting(dtype, tile.shape)
    shape: list[Expr] = list(tile.shape)
    dims: list[At | Range] = list(whole(tile).dims)
    # two blocks write no halves of one byte: rows of packed elements are whole ones
    free = list(range(tile.rank - dtype.is_packed))
    points: list[tuple[Expr, At]] = []
    for axis in axes:
        alike = [d for d in free if tile.static_shape[d] == axis.share]
        if alike and choice.chance(75):
            at = choice.pick(alike)
            free.remove(at)
            shape[at] = axis.extent
            dims[at] = Range(axis.start, index(axis.share))
        else:
            points.append((axis.blocks, At(axis.var)))
    for extent, point in points:
        at = choice.integer(0, len(dims) - dtype.is_packed)
        shape.insert(at, extent)
        dims.insert(at, point)
    output = Buffer(scope.names.fresh("out"), tuple(shape), dtype)
    region = Region(output, tuple(dims))
    if choice.chance(60):
        return output, [Copy(whole(tile), region, tile.shape)]
    return output, [_element_stores(scope, tile, region)]


def _element_stores(scope: Scope, tile: Buffer, region: Region) -> Statement:
    """The same as a loop over the tile's elements; at times with a second thought."""
    choice = scope.choice
    lanes = tuple(Var(scope.names.fresh("i"), INDEX) for _ in tile.shape)
    left = iter(lanes)
    position: list[Expr] = []
    guards: list[Expr] = []
    for dim, extent in zip(region.dims, region.buffer.shape, strict=True):
        if isinstance(dim, At):
            position.append(dim.index)
            continue
        lane = next(left)
        at: Expr = lane if dim.start == index(0) else Apply("add", (dim.start, lane))
        position.append(at)
        if dim.start != index(0):
            guards.append(Apply("lt", (at, extent)))
    inner = scope.inside(lanes)
    dtype, place = region.buffer.dtype, tuple(position)
    element: Expr = Load(tile, lanes)
    if dtype != tile.dtype:
        element = Cast(element, dtype)
    body: list[Statement] = [Store(region.buffer, place, element)]
    if choice.chance(20):
        other = Store(region.buffer, place, value(inner, dtype))
        body.append(If(condition(inner), (other,)))
    if guards and choice.chance(60):
        body = [If(guards[0], tuple(body))]
    if not lanes:
        return Parallel((Var(scope.names.fresh("i"), INDEX),), (index(1),), tuple(body))
    return Parallel(lanes, tile.shape, tuple(body))
