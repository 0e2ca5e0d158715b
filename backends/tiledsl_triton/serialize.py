"""Rewrites a ``Parallel`` to nested loops: slow, but every statement has a meaning there.

for i in Parallel(n): h[x[i]] += 1      for i in 0..n: h[x[i]] += 1
"""

from __future__ import annotations

from tiledsl.ir.nodes import For, Function, Node, Parallel, index
from tiledsl.ir.visitor import transform


def serialize(function: Function, chosen: set[str]) -> Function:
    """The function with the loops over the chosen (first) axes in sequence."""

    def change(node: Node) -> Node:
        if not isinstance(node, Parallel) or node.vars[0].name not in chosen:
            return node
        body = node.body
        for var, extent in reversed(list(zip(node.vars, node.extents, strict=True))):
            body = (For(var, index(0), extent, index(1), body, span=node.span),)
        return body[0]

    return transform(function, change)
