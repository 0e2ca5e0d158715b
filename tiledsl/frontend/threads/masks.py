"""Which threads take part: conditions on the way to a statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tiledsl.analysis.effects import written
from tiledsl.analysis.evaluate import evaluate
from tiledsl.frontend.threads.axis import ThreadAxis
from tiledsl.frontend.threads.tile_loops import zero_of
from tiledsl.frontend.threads.uniformity import is_pure
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
            guard = None if is_pure(value) else mask
            return Let(var, where(guard, value), span=statement.span)
    return statement if mask is None else If(mask, (statement,), span=statement.span)


def merged(last: Statement, statement: Statement) -> If | None:
    """Two statements under one mask as one ``If``, unless the first changes the mask."""
    if not isinstance(last, If) or not isinstance(statement, If):
        return None
    if last.condition != statement.condition or last.otherwise or statement.otherwise:
        return None
    read = {part.buffer.name for part in walk(last.condition) if isinstance(part, Load)}
    if read & written(last.then):
        return None
    return replace(last, then=last.then + statement.then)


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
