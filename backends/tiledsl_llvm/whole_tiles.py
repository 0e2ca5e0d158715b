"""Parallel loops whose comparisons hold everywhere, apart from those at the borders.

    parallel (i: 64, j: 64): s[i, j] = select(t * 64 + j < n, s[i, j], -inf)
    =>
    if t * 64 + 63 < n: nothing, since s[i, j] = s[i, j] changes nothing
    else: the loop as it was

A comparison takes part if both sides are sums with constant coefficients of the loop's
variables and of what is fixed outside: its worst case is then at a corner.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tiledsl.analysis.affine import Affine, affine, to_expr
from tiledsl.ir.dtypes import BOOL, INDEX
from tiledsl.ir.nodes import (
    Apply,
    Block,
    Const,
    Expr,
    For,
    Function,
    If,
    Let,
    Load,
    Node,
    Parallel,
    Select,
    Statement,
    Store,
    Var,
    index,
)
from tiledsl.ir.visitor import rebuild, substitute, transform, walk
from tiledsl.passes.canonicalize import canonical

# a - b of these is at least this where they hold
_GAPS: Final = {"le": 0, "lt": 1}
_TURNED: Final = {"ge": "le", "gt": "lt"}
_TRUE: Final = Const(True, BOOL)
# more tests than this at every loop would cost more than they save
_MOST_TESTS: Final = 4


def split_whole_tiles(function: Function) -> Function:
    """The function with each loop of this kind as two."""

    def change(node: Node) -> Node | tuple[Node, ...]:
        return _split(node) if isinstance(node, Parallel) else rebuild(node, change)

    return rebuild(function, change)


def _split(loop: Parallel) -> tuple[Node, ...]:
    """The loop as two, if comparisons in it may be left out where all of it is inside."""
    extents = _static(loop)
    bound = _bound_inside(loop)
    if extents is None:
        return (loop,)
    tests: dict[Expr, None] = {}
    held: dict[Expr, None] = {}
    for statement in loop.body:
        for part in walk(statement):
            if isinstance(part, Apply) and part.dtype == BOOL and part not in held:
                test = _worst_case(part, extents, bound)
                if test is not None:
                    held[part], tests[test] = None, None
    if not held or len(tests) > _MOST_TESTS:
        return (loop,)
    body = _simplified(_without(loop.body, frozenset(held)))
    inside = tuple(part for part in body if not _does_nothing(part))
    fast = (replace(loop, body=inside),) if any(_acts(part) for part in inside) else ()
    condition: Expr = _TRUE
    for test in tests:
        condition = Apply("and", (condition, test))
    return (If(canonical(condition), fast, (loop,), span=loop.span),)


def _static(loop: Parallel) -> dict[str, int] | None:
    if not all(isinstance(extent, Const) for extent in loop.extents):
        return None
    sizes = (int(e.value) for e in loop.extents if isinstance(e, Const))
    return {var.name: size for var, size in zip(loop.vars, sizes, strict=True)}


def _bound_inside(loop: Parallel) -> frozenset[str]:
    return frozenset(
        part.var.name
        for statement in loop.body
        for part in walk(statement)
        if isinstance(part, Let | For)
    )


def _worst_case(
    test: Apply, extents: dict[str, int], bound: frozenset[str]
) -> Expr | None:
    """When a comparison holds for all iterations, in terms of what is fixed outside."""
    operation = _TURNED.get(test.op, test.op)
    if operation not in _GAPS or test.args[0].dtype != INDEX:
        return None
    low, high = test.args if operation == test.op else reversed(test.args)
    gap = affine(high) - affine(low)
    fixed, lowest, varies = [], gap.constant - _GAPS[operation], False
    for atom, factor in gap.terms:
        if isinstance(atom, Var) and atom.name in extents:
            lowest += min(0, factor * (extents[atom.name] - 1))
            varies = True
        elif _is_fixed(atom, extents.keys() | bound):
            fixed.append((atom, factor))
        else:
            return None
    if not varies or not fixed:
        return None
    return Apply("le", (index(0), to_expr(Affine(lowest, tuple(fixed)))))


def _is_fixed(atom: Expr, inside: frozenset[str] | set[str]) -> bool:
    return not any(
        isinstance(part, Load) or (isinstance(part, Var) and part.name in inside)
        for part in walk(atom)
    )


def _without(body: Block, held: frozenset[Expr]) -> Block:
    def change(part: Node) -> Node:
        if isinstance(part, Apply) and part in held:
            return _TRUE
        return rebuild(part, change)

    return tuple(rebuild(part, change) for part in body)


def _simplified(body: Block) -> Block:
    """Constants folded, and names of constants replaced."""
    known: dict[str, Node] = {}
    result: list[Statement] = []
    for statement in body:
        changed = transform(substitute(statement, known), _folded)
        if isinstance(changed, Let) and isinstance(changed.value, Const):
            known[changed.var.name] = changed.value
        elif isinstance(changed, If) and isinstance(changed.condition, Const):
            arm = changed.then if changed.condition.value else changed.otherwise
            result += _simplified(arm)
        else:
            result.append(changed)
    return tuple(result)


def _folded(part: Node) -> Node:
    return canonical(part) if isinstance(part, Apply | Select) else part


def _does_nothing(part: Node) -> bool:
    """Whether it stores what is there."""
    if not isinstance(part, Store) or not isinstance(part.value, Load):
        return False
    load = part.value
    same = load.buffer == part.buffer and load.indices == part.indices
    return same and len(part.proved) == len(part.indices) and all(part.proved)


def _acts(part: Node) -> bool:
    return not isinstance(part, Let)
