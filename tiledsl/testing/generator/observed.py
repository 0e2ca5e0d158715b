"""Statements that look at a run: assertions that hold, promises that are kept, prints.

No result depends on them, and nothing may go wrong by removing or keeping them.
"""

from __future__ import annotations

from tiledsl.ir.nodes import Apply, Assert, Expr, Print, Statement, Var, index, whole
from tiledsl.testing.generator.expressions import (
    condition,
    element,
    subscript,
    value,
)
from tiledsl.testing.generator.scope import Scope

# above every size of a generated call
_BEYOND = 14


def observe(scope: Scope) -> list[Statement]:
    """An assertion, a promise about device values, or a print of a tile or scalar."""
    choice = scope.choice
    form = choice.pick(("assert", "assume", "element", "tile", "value"))
    if form == "tile" and scope.tiles:
        return [Print("tile", whole(choice.pick(scope.tiles)))]
    if form == "element" and scope.tiles:
        return [Print("element", element(scope, choice.pick(scope.tiles)))]
    if form in ("assert", "assume"):
        return [Assert(_true(scope), "holds", assumed=form == "assume")]
    if choice.chance(15):
        return [Print("a text alone", None)]
    return [Print("value", value(scope, scope.dtype().evaluation, 1))]


def in_loop(scope: Scope) -> Statement:
    """The same for an iteration of ``Parallel``, which prints no tiles."""
    choice = scope.choice
    if choice.chance(60):
        return Assert(_true(scope), "holds", assumed=choice.chance(30))
    return Print("here", value(scope, scope.dtype().evaluation, 1))


def _true(scope: Scope) -> Expr:
    """A condition that always holds, in a way that is not quite obvious."""
    choice = scope.choice
    form = choice.pick(("wrapped", "ordered", "middle"))
    if form == "wrapped":
        size = choice.pick((3, 1, 8))
        rest = Apply("floormod", (subscript(scope), index(size)))
        return Apply("lt", (rest, index(size)))
    if form == "ordered":
        a, b = subscript(scope), subscript(scope)
        return Apply("le", (Apply("min", (a, b)), b))
    either = condition(scope)
    return Apply("or", (either, Apply("not", (either,))))


def promises(scope: Scope) -> list[Statement]:
    """At host level: what is known of the dims, for passes to rely on."""
    choice = scope.choice
    found: list[Statement] = []
    for dim in scope.dims:
        if choice.chance(25):
            found.append(Assert(_kept(scope, dim), "", assumed=True))
    return found


def _kept(scope: Scope, dim: Var) -> Expr:
    choice = scope.choice
    forms: tuple[Expr, ...] = (
        Apply("ge", (dim, index(0))),
        Apply("lt", (dim, index(_BEYOND))),
        Apply("lt", (Apply("mul", (dim, index(2))), index(2 * _BEYOND))),
        Apply("ge", (Apply("add", (dim, index(3))), index(3))),
    )
    return choice.pick(forms)
