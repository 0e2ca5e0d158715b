"""Which threads take part: conditions on the way to a statement."""

from __future__ import annotations

from collections.abc import Mapping

from tiledsl.analysis.evaluate import evaluate
from tiledsl.frontend.threads.axis import ThreadAxis
from tiledsl.frontend.threads.tile_loops import zero_of
from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    Const,
    Expr,
    If,
    Let,
    Load,
    Node,
    Select,
    Statement,
    Var,
)
from tiledsl.ir.visitor import transform, walk


def both(condition: Expr | None, other: Expr | None) -> Expr | None:
    """A condition that holds if both do; None holds always."""
    if condition is None or other is None:
        return other if condition is None else condition
    return Apply("and", (condition, other), span=condition.span)


def where(mask: Expr | None, value: Expr) -> Expr:
    """The value for the threads that take part, zero for the others.

    The others evaluate nothing, and nothing is undefined for them.
    """
    if mask is None:
        return value
    return Select(mask, value, zero_of(value.dtype), span=value.span)


def negated(condition: Expr) -> Expr:
    return Apply("not", (condition,), span=condition.span)


def masked(statement: Statement, mask: Expr | None) -> Statement:
    """The statement for the threads that take part; a name is bound for all."""
    match statement:
        case Allocate():
            return statement
        case Let(var=var, value=value):
            return Let(var, where(mask, value), span=statement.span)
    return statement if mask is None else If(mask, (statement,), span=statement.span)


def per_thread_values(
    expr: Expr, axis: ThreadAxis, definitions: Mapping[str, Expr]
) -> list[int] | None:
    """The value for each thread, if the thread's index alone decides it."""

    def resolved(node: Node) -> Node:
        if isinstance(node, Var) and node.name in definitions:
            return transform(definitions[node.name], resolved)
        return node

    whole = transform(expr, resolved)
    own = {var.name for var in axis.vars}
    for part in walk(whole):
        if isinstance(part, Load) or (isinstance(part, Var) and part.name not in own):
            return None
    values = [evaluate(whole, place) for place in axis.places()]
    known = [int(value) for value in values if value is not None]
    return known if len(known) == len(values) else None


def always(mask: Expr | None) -> Expr:
    return Const(True, BOOL) if mask is None else mask
