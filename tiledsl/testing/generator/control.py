"""Blocks of statements; loops that end, branches and snapshots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tiledsl.ir.dtypes import INDEX, INT32
from tiledsl.ir.nodes import (
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
    LoopKind,
    Statement,
    Store,
    Var,
    While,
    index,
)
from tiledsl.testing.generator import (
    aliases,
    atomics,
    observed,
    parallel,
    sorting,
    staging,
    tiles,
)
from tiledsl.testing.generator.expressions import condition, subscript, value
from tiledsl.testing.generator.scope import Scope

_KINDS: Final[dict[LoopKind, int]] = {
    "serial": 5,
    "pipelined": 4,
    "unroll": 2,
    "vectorized": 1,
}
_RANGES: Final = (
    (0, 2, 1),
    (0, 3, 1),
    (1, 4, 2),
    (0, 1, 1),
    (2, -2, -1),
    (3, 3, 1),
    (0, 4, 0),
)
_SIMPLE: Final[dict[str, Callable[[Scope], list[Statement]]]] = {
    "tile": tiles.tile,
    "copy": tiles.copy,
    "fill": tiles.fill,
    "reduce": tiles.reduce,
    "gemm": tiles.gemm,
    "variable": tiles.variable,
    "parallel": parallel.loop,
    "staged": staging.staged,
    "sort": sorting.sort,
    "atomic": atomics.atomic,
    "view": aliases.view,
    "observe": observed.observe,
}


def block(scope: Scope, depth: int) -> Block:
    """Some statements; what they declare joins the scope."""
    choice, policy = scope.choice, scope.policy
    weights = dict(policy.statements)
    if depth == 0:
        for nested in ("for", "if", "while"):
            weights.pop(nested, None)
    found: list[Statement] = []
    if not scope.tiles or choice.chance(40):
        found += tiles.tile(scope)
    for _ in range(choice.integer(1, policy.size)):
        found += statement(scope, choice.weighted(weights), depth)
    return tuple(found)


def statement(scope: Scope, kind: str, depth: int) -> list[Statement]:
    """The statements of one decision."""
    if kind in _SIMPLE:
        return _SIMPLE[kind](scope)
    return _NESTED[kind](scope, depth)


def _let(scope: Scope, depth: int) -> list[Statement]:
    choice = scope.choice
    dtype = choice.pick((INT32, INDEX, scope.dtype().evaluation))
    var = Var(scope.names.fresh("v"), dtype)
    found = Let(var, value(scope, dtype))
    scope.variables.append(var)
    return [found]


def _for(scope: Scope, depth: int) -> list[Statement]:
    choice = scope.choice
    var = Var(scope.names.fresh("k"), INDEX)
    start, stop, step = choice.pick(_RANGES)
    end: Expr = index(stop)
    if step == 1 and choice.chance(35):
        end = Apply("min", (subscript(scope), index(start + 3)))
    kind = choice.weighted(_KINDS)
    stages = choice.integer(0, 4) if kind == "pipelined" else 0
    inner = scope.inside([var])
    body = block(inner, depth - 1)
    if choice.chance(12):
        jump: Statement = Break() if choice.chance(50) else Continue()
        body = (*body, If(condition(inner), (jump,)), *tiles.fill(inner))
    return [For(var, index(start), end, index(step), body, kind, stages)]


def _if(scope: Scope, depth: int) -> list[Statement]:
    then = block(scope.inside(), depth - 1)
    otherwise: Block = ()
    if scope.choice.chance(40):
        otherwise = block(scope.inside(), depth - 1)
    return [If(condition(scope), then, otherwise)]


def _while(scope: Scope, depth: int) -> list[Statement]:
    """Ended by a counter, whatever else its condition says."""
    choice = scope.choice
    counter = Buffer(scope.names.fresh("n"), (), INT32, "local")
    now = Load(counter, ())
    more: Expr = Apply("lt", (now, Const(choice.integer(0, 3), INT32)))
    if choice.chance(40):
        more = Apply("and", (more, condition(scope)))
    count = Store(counter, (), Apply("add", (now, Const(1, INT32))))
    body = (count, *block(scope.inside(), depth - 1))
    zero = Store(counter, (), Const(0, INT32))
    return [Allocate(counter), zero, While(more, body)]


_NESTED: Final[dict[str, Callable[[Scope, int], list[Statement]]]] = {
    "let": _let,
    "for": _for,
    "if": _if,
    "while": _while,
}
