"""The claims of a function that accesses are in bounds (``proved``)."""

from __future__ import annotations

from dataclasses import replace

from tiledsl.ir.nodes import Accumulate, At, Atomic, Function, Load, Node, Range, Store
from tiledsl.ir.visitor import transform


def drop_claims(function: Function) -> Function:
    """The function with every access tested; it means the same."""

    def change(node: Node) -> Node:
        if isinstance(node, Load | Store | Accumulate | Atomic) and node.proved:
            return replace(node, proved=())
        if isinstance(node, At | Range) and node.proved:
            return replace(node, proved=False)
        return node

    return transform(function, change)
