"""Atomic updates whose order does not show.

Of elements that many iterations or blocks may update, only by one operation that commutes,
or by an exchange that always stores the same; nobody reads them meanwhile.  Of elements
that one iteration has for itself by any operation, and what they were may be used.
"""

from __future__ import annotations

from typing import Final

from tiledsl.ir.dtypes import INDEX, DType
from tiledsl.ir.nodes import (
    Atomic,
    Block,
    Buffer,
    Expr,
    For,
    If,
    Parallel,
    Statement,
    Store,
    Var,
    index,
)
from tiledsl.ir.ops import ATOMICS, MEMORY_ORDERS, SCALAR_OPS
from tiledsl.testing.generator.expressions import (
    condition,
    constant,
    subscript,
    value,
)
from tiledsl.testing.generator.scope import Scope, Updated

_COMMUTE: Final = ("add", "max", "min", "or")


def is_updatable(buffer: Buffer) -> bool:
    """Whether the language has atomic updates of its elements (rule L73)."""
    dtype = buffer.dtype
    return not dtype.is_packed and not (dtype.is_float and dtype.bits < 16)


def _operations(scope: Scope, dtype: DType, names: tuple[str, ...]) -> tuple[str, ...]:
    found = []
    for name in names:
        op = ATOMICS[name]
        if op and not SCALAR_OPS[op].accepts(dtype.evaluation):
            continue
        if name == "add" and dtype.is_float and scope.policy.exact:
            continue  # sums of floats are rounded in any order
        found.append(name)
    return tuple(found)


def of_launch(scope: Scope, buffer: Buffer) -> Updated:
    """How a launch updates a global buffer."""
    ops = _operations(scope, buffer.dtype, (*_COMMUTE, "exchange"))
    op = scope.choice.pick(ops)
    same = constant(scope, buffer.dtype) if op == "exchange" else None
    return Updated(buffer, op, same)


def atomic(scope: Scope) -> list[Statement]:
    """Updates of a global buffer of this launch, or of a tile, in a loop or one alone."""
    choice = scope.choice
    if scope.updated and choice.chance(65):
        return _shared(scope, choice.pick(scope.updated))
    tiles = [
        part for part in scope.tiles if part.scope != "local" and is_updatable(part)
    ]
    if not tiles:
        return []
    tile = choice.pick(tiles)
    if choice.chance(45):
        return _own(scope, tile)
    return _shared(scope, of_launch(scope, tile))


def _order(scope: Scope) -> str:
    return scope.choice.pick(MEMORY_ORDERS) if scope.choice.chance(25) else "relaxed"


def _shared(scope: Scope, updated: Updated) -> list[Statement]:
    """Many updates of a few elements."""
    choice, buffer = scope.choice, updated.buffer
    outer = scope.without(buffer)
    if choice.chance(15):
        return [_update(outer, updated)]
    lanes = tuple(
        Var(scope.names.fresh("i"), INDEX) for _ in range(choice.pick((1, 1, 2)))
    )
    extents = tuple(index(choice.pick((4, 1, 3, 7, 9))) for _ in lanes)
    inner = outer.inside(lanes)
    body: Block = (_update(inner, updated),)
    if choice.chance(scope.policy.guards):
        body = (If(condition(inner), body),)
    if choice.chance(15):
        again = Var(scope.names.fresh("k"), INDEX)
        stop = index(choice.pick((2, 1, 3)))
        body = (For(again, index(0), stop, index(1), body),)
    return [Parallel(lanes, extents, body)]


def _update(scope: Scope, updated: Updated) -> Statement:
    where = tuple(subscript(scope) for _ in updated.buffer.shape)
    new = updated.value or value(scope, updated.buffer.dtype)
    return Atomic(updated.op, updated.buffer, where, new, order=_order(scope))


def _own(scope: Scope, tile: Buffer) -> list[Statement]:
    """Each iteration updates its own element; what that was may go to another tile."""
    choice, dtype = scope.choice, tile.dtype
    lanes = tuple(Var(scope.names.fresh("i"), INDEX) for _ in tile.shape)
    inner = scope.without(tile).inside(lanes)
    op = choice.pick(_operations(scope, dtype, (*_COMMUTE, "exchange", "load")))
    new: Expr | None = None if op == "load" else value(inner, dtype)
    fill = constant(scope, dtype) if choice.chance(15) else None
    goals = [
        part
        for part in inner.tiles
        if part.scope != "local" and part.shape == tile.shape and part.dtype == dtype
    ]
    previous = None
    if op == "load" or choice.chance(60):
        previous = Var(scope.names.fresh("v"), dtype)
    body: list[Statement] = [
        Atomic(op, tile, lanes, new, previous, _order(scope), fill)
    ]
    if previous is not None and goals:
        body.append(Store(choice.pick(goals), lanes, previous))
    elif previous is not None:
        body.append(Store(tile, lanes, previous))
    if not lanes:
        return [
            Parallel((Var(scope.names.fresh("i"), INDEX),), (index(1),), tuple(body))
        ]
    return [Parallel(lanes, tile.shape, tuple(body))]
