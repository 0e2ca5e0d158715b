"""``Parallel``, ``Copy`` and ``Fill`` on whole tensors as launches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from tiledsl.analysis.affine import affine
from tiledsl.ir.nodes import (
    Accumulate,
    Apply,
    Block,
    Copy,
    Expr,
    Fill,
    For,
    If,
    Let,
    Load,
    Node,
    Parallel,
    Statement,
    Store,
    Var,
    index,
)
from tiledsl.ir.visitor import substitute, transform, walk
from tiledsl.passes.tiling.cutting import cut
from tiledsl.passes.tiling.grid import Axis, Grid, Names, plus, tiles, times
from tiledsl.passes.tiling.sizes import ELEMENTS, Hint, elementwise, line


def tile_copy(copy: Copy, hint: Hint, names: Names) -> Statement:
    """A launch whose blocks copy one tile each."""
    axes = hint.axes(elementwise(copy.shape, ["tile"] * len(copy.shape)))
    grid = Grid(axes, names, copy.span)
    sizes = [axis.size for axis in axes]
    source = cut(copy.source, grid.origins, sizes)
    target = cut(copy.target, grid.origins, sizes, copy.shape)
    part = Copy(source, target, tuple(map(index, sizes)), span=copy.span)
    return grid.launch((part,))


def tile_fill(fill: Fill, hint: Hint, names: Names) -> Statement:
    """A launch whose blocks fill one tile each."""
    shape = fill.target.shape
    axes = hint.axes(elementwise(shape, ["tile"] * len(shape)))
    grid = Grid(axes, names, fill.span)
    target = cut(fill.target, grid.origins, [axis.size for axis in axes])
    return grid.launch((Fill(target, fill.value, span=fill.span),))


def tile_parallel(loop: Parallel, hint: Hint, names: Names) -> Statement:
    """A launch whose blocks run one tile of the iterations each.

    Axes along which iterations meet in an element (rule L55) belong to one block each,
    so that it alone updates such an element; it goes through them in pieces.
    """
    free = _free(loop)
    pieces = _pieces(loop, free, hint)
    own = [at for at, var in enumerate(loop.vars) if var.name in free]
    room = max(1, ELEMENTS // max(1, math.prod(size for size in pieces.values())))
    extents = [loop.extents[at] for at in own]
    chosen = elementwise(extents, [loop.vars[at].name for at in own], room)
    grid = Grid(hint.axes(chosen), names, loop.span)
    cut = _Cut(loop, names)
    for at, axis, origin in zip(own, grid.axes, grid.origins, strict=True):
        cut.axis(at, axis, origin)
    steps: list[tuple[Var, Expr]] = []
    for at, size in pieces.items():
        step = names.index(f"{loop.vars[at].name}_step", loop.span)
        axis = Axis(loop.extents[at], size)
        cut.axis(at, axis, times(step, size))
        steps.append((step, tiles(axis.extent, size)))
    statement: Statement = cut.loop()
    for step, count in reversed(steps):
        bounds = (index(0), count, index(1))
        statement = For(step, *bounds, (statement,), span=loop.span)
    return grid.launch((statement,))


class _Cut:
    """A loop over some tiles of the axes of another one."""

    def __init__(self, loop: Parallel, names: Names) -> None:
        self._loop = loop
        self._names = names
        self._vars = list(loop.vars)
        self._extents = list(loop.extents)
        self._values: dict[str, Node] = {}
        self._tests: list[Expr] = []

    def axis(self, at: int, axis: Axis, origin: Expr) -> None:
        """Restricts an axis to the tile that begins at ``origin``."""
        old = self._vars[at]
        lane = self._names.index(f"{old.name}_in", old.span)
        self._vars[at], self._extents[at] = lane, index(axis.size)
        self._values[old.name] = point = plus(origin, lane)
        if not axis.exact:
            test = Apply("lt", (point, axis.extent), span=self._loop.span)
            self._tests.append(test)

    def loop(self) -> Parallel:
        span = self._loop.span
        body: Block = tuple(
            substitute(_unproved(part), self._values) for part in self._loop.body
        )
        if self._tests:
            body = (If(_all(self._tests), body, span=span),)
        return Parallel(tuple(self._vars), tuple(self._extents), body, span=span)


def _pieces(loop: Parallel, free: set[str], hint: Hint) -> dict[int, int]:
    """For the axes that a block goes through: how much of it at a time.

    Accumulators narrower than what carries them are rounded once, when the loop ends
    (rule L55): then the axes stay whole.
    """
    targets = [
        node.buffer.dtype
        for part in loop.body
        for node in walk(part)
        if isinstance(node, Accumulate)
    ]
    if any(dtype != dtype.evaluation for dtype in targets):
        return {}
    return {
        at: hint.depth(extent, line(extent, contiguous=at == len(loop.vars) - 1))
        for at, (var, extent) in enumerate(zip(loop.vars, loop.extents, strict=True))
        if var.name not in free
    }


def _all(tests: Sequence[Expr]) -> Expr:
    result = tests[0]
    for test in tests[1:]:
        result = Apply("and", (result, test), span=test.span)
    return result


def _unproved(statement: Statement) -> Statement:
    """Without claims: they held for the iterations of the loop, not for an overhang."""

    def change(part: Node) -> Node:
        if isinstance(part, Load | Store | Accumulate) and part.proved:
            return replace(part, proved=())
        return part

    return transform(statement, change)


def _free(loop: Parallel) -> set[str]:
    """The indices along which no two iterations accumulate into one element."""
    everything = {var.name for var in loop.vars}
    free = set(everything)
    varying = everything | _bound(loop.body)
    for node in (part for statement in loop.body for part in walk(statement)):
        if isinstance(node, Accumulate):
            free &= {
                name
                for name in free
                if any(_alone(name, entry, varying) for entry in node.indices)
            }
    return free


def _bound(body: Block) -> set[str]:
    """Variables that the body binds, whose values differ between iterations."""
    return {
        node.var.name
        for statement in body
        for node in walk(statement)
        if isinstance(node, Let | For)
    }


def _alone(name: str, entry: Expr, varying: set[str]) -> bool:
    """Whether different values of an index always give different values of the entry."""
    terms = affine(entry).terms
    mine = any(isinstance(atom, Var) and atom.name == name for atom, _ in terms)
    others = {
        part.name
        for atom, _ in terms
        for part in walk(atom)
        if isinstance(part, Var) and part.name != name
    }
    simple = all(isinstance(atom, Var) for atom, _ in terms)
    return mine and simple and not others & varying
