"""Loops that end, whatever the data: for functions that run on made-up inputs."""

from __future__ import annotations

from typing import Final

from tiledsl.ir.dtypes import INDEX
from tiledsl.ir.nodes import (
    Apply,
    Break,
    For,
    Function,
    If,
    Node,
    Var,
    While,
    index,
)
from tiledsl.ir.visitor import transform, walk

_LIMIT: Final = 1000


def bound_loops(function: Function) -> Function:
    """Each ``while`` as a loop of at most a thousand iterations that its condition leaves.

    ``break`` and ``continue`` in it mean the same.  Both sides of a comparison are
    changed alike, so that iterations which are cut off are cut off in both.
    """
    names = {getattr(node, "name", "") for node in walk(function)}
    prefix = "turn"
    while any(name.startswith(prefix) for name in names):
        prefix += "_"
    count = 0

    def change(node: Node) -> Node:
        nonlocal count
        if not isinstance(node, While):
            return node
        count += 1
        turn = Var(f"{prefix}{count}", INDEX)
        over = Apply("not", (node.condition,), span=node.condition.span)
        leave = If(over, (Break(span=node.span),), span=node.span)
        return For(
            turn, index(0), index(_LIMIT), index(1), (leave, *node.body), span=node.span
        )

    return transform(function, change)
