"""Loops over elements whose iterations are independent by construction.

Every iteration writes one element of its own, or contributes to a reduction; what it
reads is written by nobody else in the loop.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tiledsl.ir.dtypes import INDEX, INT32, DType
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Apply,
    Block,
    Break,
    Buffer,
    Const,
    Continue,
    Expr,
    For,
    If,
    Let,
    Load,
    Parallel,
    Statement,
    Store,
    Var,
    While,
    index,
)
from tiledsl.testing.generator import observed
from tiledsl.testing.generator.expressions import (
    condition,
    constant,
    subscript,
    value,
)
from tiledsl.testing.generator.scope import Scope

_ORDER_FREE: Final = {
    "bool": ("or", "and", "xor"),
    "int": ("sum", "max", "min", "xor", "or", "and", "mul"),
    "uint": ("sum", "max", "min", "xor", "or", "and", "mul"),
}


def loop(scope: Scope) -> list[Statement]:
    """A loop that changes some elements of a tile.

    What it stores to a local buffer would be private to each iteration.
    """
    choice = scope.choice
    targets = [tile for tile in scope.tiles if tile.scope != "local"]
    if not targets:
        return []
    target = choice.pick(targets)
    if choice.chance(15) and reductions(scope, target.dtype):
        return [accumulation(scope, target)]
    lanes = _lanes(scope, target)
    extents = tuple(_extent(scope, extent) for extent in target.shape)
    position = tuple(_own(scope, lane) for lane in lanes)
    inner = scope.without(target).inside(lanes)
    body = [*before(inner), *_written(inner, target, position)]
    return [Parallel(*_ordered(scope, lanes, extents), tuple(body))]


def filled(scope: Scope, target: Buffer) -> Statement:
    """A loop that writes every element of ``target``."""
    lanes = _lanes(scope, target)
    inner = scope.without(target).inside(lanes)
    prepared = before(inner, may_end=False)
    body = (*prepared, Store(target, lanes, value(inner, target.dtype)))
    return Parallel(*_ordered(scope, lanes, target.shape), body)


def accumulation(scope: Scope, target: Buffer) -> Statement:
    """Many iterations contribute to a few elements."""
    choice = scope.choice
    lanes = tuple(
        Var(scope.names.fresh("i"), INDEX) for _ in range(choice.pick((1, 2)))
    )
    extents = tuple(index(choice.pick((2, 4, 5, 9))) for _ in lanes)
    inner = scope.without(target).inside(lanes)
    prepared = before(inner)
    where = tuple(subscript(inner) for _ in target.shape)
    reduction = choice.pick(reductions(scope, target.dtype))
    term = value(inner, target.dtype.evaluation)
    body: Block = (Accumulate(reduction, target, where, term),)
    if choice.chance(scope.policy.guards):
        body = (If(condition(inner), body),)
    return Parallel(lanes, extents, (*prepared, *body))


def reductions(scope: Scope, dtype: DType) -> tuple[str, ...]:
    """Those of a loop whose order does not show, as the policy wants it."""
    if dtype.is_packed:
        return ()
    if not dtype.is_float:
        return _ORDER_FREE[dtype.kind]
    return ("max", "min") if scope.policy.exact else ("sum", "max", "min")


def _lanes(scope: Scope, target: Buffer) -> tuple[Var, ...]:
    return tuple(Var(scope.names.fresh("i"), INDEX) for _ in target.shape)


def _extent(scope: Scope, extent: Expr) -> Expr:
    """Mostly all of a dimension; else less, more, or as much as the data says."""
    choice = scope.choice
    if choice.chance(65):
        return extent
    if choice.chance(30):
        return Apply("floormod", (subscript(scope, 0), index(6)))
    return index(choice.pick((1, 2, 4, 7)))


def _own(scope: Scope, lane: Var) -> Expr:
    """A position that no other lane has."""
    choice = scope.choice
    if choice.chance(75):
        return lane
    form = choice.pick(("add", "sub", "mul", "mirror"))
    offset = index(choice.pick((1, 2, 3)))
    return (
        Apply("sub", (offset, lane))
        if form == "mirror"
        else Apply(form, (lane, offset))
    )


def _ordered(
    scope: Scope, lanes: tuple[Var, ...], extents: tuple[Expr, ...]
) -> tuple[tuple[Var, ...], tuple[Expr, ...]]:
    """At times the first dimension is not the outermost loop; no lane at all is one."""
    if not lanes:
        return (Var(scope.names.fresh("i"), INDEX),), (index(1),)
    if len(lanes) == 2 and scope.choice.chance(25):
        return lanes[::-1], extents[::-1]
    return lanes, extents


# ------------------------------------------------------------ bodies of a loop


def _written(scope: Scope, target: Buffer, position: tuple[Expr, ...]) -> Block:
    """Stores to the element of this iteration, conditional or repeated at times."""
    choice = scope.choice
    if not target.shape and choice.chance(50):
        scope = scope.inside()  # a rank-0 tile is one element: its loop has one lane
    store: Statement = Store(target, position, _new(scope, target, position))
    if choice.chance(scope.policy.guards):
        otherwise: Block = ()
        if choice.chance(30):
            otherwise = (Store(target, position, value(scope, target.dtype)),)
        store = If(_guard(scope, target, position), (store,), otherwise)
    if choice.chance(12):
        store = _repeated(scope, store)
    return (store,)


def _new(scope: Scope, target: Buffer, position: tuple[Expr, ...]) -> Expr:
    """At times from the old content, or the same position of another buffer."""
    choice = scope.choice
    twins = [
        part
        for part in scope.readable
        if part.dtype == target.dtype and part.rank == target.rank
    ]
    if twins and choice.chance(30):
        return Load(choice.pick(twins), position)
    if choice.chance(20) and target.dtype.is_arithmetic and target.dtype != "bool":
        old = Load(target, position)
        step = value(scope, target.dtype, 1)
        return Apply(choice.pick(("add", "max", "sub")), (old, step))
    return value(scope, target.dtype)


def _guard(scope: Scope, target: Buffer, position: tuple[Expr, ...]) -> Expr:
    if position and scope.choice.chance(50):
        at = scope.choice.integer(0, len(position) - 1)
        return Apply("lt", (position[at], target.shape[at]))
    return condition(scope)


def _repeated(scope: Scope, store: Statement) -> Statement:
    """The store in a loop whose bounds may differ between iterations."""
    choice = scope.choice
    var = Var(scope.names.fresh("k"), INDEX)
    stop = Apply("floormod", (subscript(scope), index(4)))
    body: Block = (store,)
    if choice.chance(40):
        jump: Statement = Break() if choice.chance(50) else Continue()
        body = (If(condition(scope.inside([var])), (jump,)), store)
    return For(var, index(choice.pick((0, 1, -1))), stop, index(1), body)


def before(scope: Scope, *, may_end: bool = True) -> list[Statement]:
    """Snapshots, private variables and early ends; what they bind joins the scope."""
    choice = scope.choice
    found: list[Statement] = []
    if choice.chance(30):
        dtype = choice.pick((INT32, INDEX, scope.dtype().evaluation))
        bound = Var(scope.names.fresh("v"), dtype)
        found.append(Let(bound, value(scope, dtype)))
        scope.variables.append(bound)
    if choice.chance(15):
        found += _private(scope)
    if may_end and choice.chance(6):
        found.append(If(condition(scope), (Continue(),)))
    if choice.chance(5):
        found.append(observed.in_loop(scope))
    return found


def _private(scope: Scope) -> list[Statement]:
    """A variable or small array of the iteration, changed in a loop of its own."""
    choice = scope.choice
    dtype = scope.dtype()
    length = choice.pick((0, 0, 2))
    shape = (index(length),) if length else ()
    private = Buffer(scope.names.fresh("w"), shape, dtype, "local")
    every: list[tuple[Expr, ...]] = [(index(k),) for k in range(length)] or [()]
    start: list[Statement] = [Allocate(private)]
    start += [Store(private, at, constant(scope, dtype)) for at in every]
    var = Var(scope.names.fresh("k"), INDEX)
    # seen by the loop, but not by what follows: a local array is no tile
    inner = replace(scope.inside([var]), globals=[*scope.globals, private])
    at = tuple(Apply("floormod", (subscript(inner, 0), extent)) for extent in shape)
    step: Statement = Store(private, at, value(inner, dtype, 2))
    if choice.chance(30):
        step = If(condition(inner), (step,))
    stop = Apply("floormod", (subscript(scope, 0), index(4)))
    changed: list[Statement] = [For(var, index(0), stop, index(1), (step,))]
    if choice.chance(25):
        changed = _counted(scope, step, inner, var)
    return [*start, *changed, *_read_back(scope, private, dtype)]


def _counted(scope: Scope, step: Statement, inner: Scope, var: Var) -> list[Statement]:
    """``step`` in a While that a counter ends."""
    counter = Buffer(scope.names.fresh("n"), (), INT32, "local")
    now = Load(counter, ())
    limit = Apply("lt", (now, Const(scope.choice.integer(0, 3), INT32)))
    count = Store(counter, (), Apply("add", (now, Const(1, INT32))))
    bind = Let(var, index(scope.choice.integer(0, 2)))
    more = (
        Apply("and", (limit, condition(scope, 0))) if scope.choice.chance(40) else limit
    )
    zero = Store(counter, (), Const(0, INT32))
    return [Allocate(counter), zero, While(more, (count, bind, step))]


def _read_back(scope: Scope, private: Buffer, dtype: DType) -> list[Statement]:
    var = Var(scope.names.fresh("u"), dtype)
    if not dtype.is_arithmetic:
        scope.globals.append(private)  # read as any buffer
        return []
    at = tuple(index(0) for _ in private.shape)
    scope.variables.append(var)
    return [Let(var, Load(private, at))]
