"""Statements on whole tensors, which stand at host level and are one launch each.

A step makes new tensors and writes them wholly, or changes elements of an older one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tiledsl.ir.dtypes import BOOL, INDEX
from tiledsl.ir.nodes import (
    Accumulate,
    Block,
    Buffer,
    Const,
    Copy,
    Expr,
    Fill,
    Gemm,
    If,
    Parallel,
    Reduce,
    Statement,
    Store,
    TileHint,
    Var,
    index,
    whole,
)
from tiledsl.testing.generator import parallel, tiles
from tiledsl.testing.generator.expressions import (
    condition,
    constant,
    subscript,
    value,
)
from tiledsl.testing.generator.scope import Scope, fitting

Step = tuple[list[Statement], list[Buffer]]
_SIZES: Final = (0, 1, 2, 3, 4, 8, 16)


def step(scope: Scope, written: list[Buffer]) -> Step:
    """Some statements, and the new tensors that they write; at times under a hint."""
    choice = scope.choice
    kinds: tuple[Callable[[], Step], ...] = (
        lambda: _elements(scope),
        lambda: _elements(scope),
        lambda: _copied(scope),
        lambda: _reduced(scope),
        lambda: _product(scope),
        lambda: _changed(scope, written),
        lambda: _counted(scope, written),
    )
    found, new = choice.pick(kinds)()
    if found and choice.chance(35):
        count = choice.integer(0, 3)
        sizes = tuple(choice.pick(_SIZES) for _ in range(count))
        found = [
            TileHint(sizes, choice.pick(_SIZES), choice.integer(0, 3), "", tuple(found))
        ]
    return found, new


def _tensor(scope: Scope, rank: int | None = None) -> Buffer:
    """A new one, not yet written."""
    if rank is None:
        rank = scope.choice.pick((2, 1, 3, 1))
    dtype = scope.dtype()
    return Buffer(scope.names.fresh("out"), scope.sizes(rank, dtype), dtype)


def _lanes(scope: Scope, buffer: Buffer) -> tuple[Var, ...]:
    return tuple(Var(scope.names.fresh("i"), INDEX) for _ in buffer.shape)


def _written(scope: Scope, target: Buffer) -> Statement:
    """Every element of a tensor of at least one dimension."""
    lanes = _lanes(scope, target)
    inner = scope.inside(lanes)
    prepared = parallel.before(inner, may_end=False)
    body = (*prepared, Store(target, lanes, value(inner, target.dtype)))
    if len(lanes) == 2 and scope.choice.chance(20):
        return Parallel(lanes[::-1], target.shape[::-1], body)
    return Parallel(lanes, target.shape, body)


def _elements(scope: Scope) -> Step:
    target = _tensor(scope)
    if scope.choice.chance(15):
        return [Fill(whole(target), constant(scope, target.dtype))], [target]
    return [_written(scope, target)], [target]


def _copied(scope: Scope) -> Step:
    """All of a tensor, mostly with its dtype."""
    choice = scope.choice
    sources = [part for part in scope.globals if part.rank]
    if not sources:
        return _elements(scope)
    source = choice.pick(sources)
    dtype = source.dtype
    if choice.chance(40):
        dtype = scope.dtype()
        dtype = dtype.evaluation if dtype.is_packed else dtype
    target = Buffer(scope.names.fresh("out"), source.shape, dtype)
    return [Copy(whole(source), whole(target), source.shape)], [target]


def _reduced(scope: Scope) -> Step:
    choice = scope.choice
    sources = [part for part in scope.globals if part.rank >= 2]
    if not sources:
        return _elements(scope)
    source = choice.pick(sources)
    axis = choice.integer(0, source.rank - 1)
    kept = source.shape[:axis] + source.shape[axis + 1 :]
    dtype = fitting(source.dtype if choice.chance(60) else scope.dtype(), kept)
    target = Buffer(scope.names.fresh("out"), kept, dtype)
    reduction = choice.pick(tiles.reductions(scope, dtype))
    clear = choice.chance(60)
    before = [] if clear else [Fill(whole(target), constant(scope, dtype))]
    found = Reduce(
        reduction, whole(source), whole(target), axis, clear, choice.chance(25)
    )
    return [*before, found], [target]


def _product(scope: Scope) -> Step:
    choice = scope.choice
    a_dtype, b_dtype, c_dtype = choice.pick(tiles.products(scope))
    m, n, k = scope.size(), scope.size(), scope.size()
    turned = choice.chance(40), choice.chance(40)
    names = scope.names
    a = Buffer(names.fresh("out"), (k, m) if turned[0] else (m, k), a_dtype)
    b = Buffer(names.fresh("out"), (n, k) if turned[1] else (k, n), b_dtype)
    c = Buffer(names.fresh("out"), (m, n), c_dtype)
    clear = Const(choice.chance(50), BOOL)
    return [
        _written(scope, a),
        _written(scope, b),
        Fill(whole(c), constant(scope, c_dtype)),
        Gemm(whole(a), whole(b), whole(c), clear, *turned),
    ], [a, b, c]


def _changed(scope: Scope, written: list[Buffer]) -> Step:
    """Some elements of a tensor that an earlier step has written."""
    choice = scope.choice
    known = [part for part in written if part.rank]
    if not known:
        return _elements(scope)
    target = choice.pick(known)
    lanes = _lanes(scope, target)
    inner = scope.without(target).inside(lanes)
    body: Block = (Store(target, lanes, value(inner, target.dtype)),)
    if choice.chance(60):
        body = (If(condition(inner), body),)
    extents = tuple(
        extent if choice.chance(70) else index(choice.pick((1, 2, 4)))
        for extent in target.shape
    )
    return [Parallel(lanes, extents, body)], []


def _counted(scope: Scope, written: list[Buffer]) -> Step:
    """Many iterations contribute to the elements of an older tensor."""
    choice = scope.choice
    known = [part for part in written if part.rank and not part.dtype.is_packed]
    if not known:
        return _elements(scope)
    target = choice.pick(known)
    lanes = _lanes(scope, target)
    summed = Var(scope.names.fresh("i"), INDEX)
    inner = scope.without(target).inside([*lanes, summed])
    where: tuple[Expr, ...] = lanes
    if choice.chance(25):
        where = tuple(subscript(inner) for _ in lanes)
    reduction = choice.pick(parallel.reductions(scope, target.dtype))
    term = value(inner, target.dtype.evaluation)
    body: Block = (Accumulate(reduction, target, where, term),)
    if choice.chance(30):
        body = (If(condition(inner), body),)
    extents = (*target.shape, scope.size())
    return [Parallel((*lanes, summed), extents, body)], []
