"""Giving reads of a buffer the safe value of rule L44."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tiledsl.ir.nodes import (
    Atomic,
    Const,
    Copy,
    Gemm,
    Load,
    Node,
    Print,
    Reduce,
    Region,
    Sort,
    Statement,
)
from tiledsl.ir.visitor import transform


def with_safe_values(statement: Statement, fills: Mapping[str, Const]) -> Statement:
    """The statement with ``fills`` (by buffer name) at every read that has none."""

    def region(source: Region) -> Region:
        fill = fills.get(source.buffer.name)
        return source if fill is None or source.fill else replace(source, fill=fill)

    def change(node: Node) -> Node:
        match node:
            case Load() | Atomic() if node.fill is None and node.buffer.name in fills:
                return replace(node, fill=fills[node.buffer.name])
            case Copy() | Reduce() | Sort():
                return replace(node, source=region(node.source))
            case Print(value=Region() as printed):
                return replace(node, value=region(printed))
            case Gemm():
                return replace(node, a=region(node.a), b=region(node.b))
        return node

    return transform(statement, change)
