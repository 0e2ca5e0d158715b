"""What folding may uncover: an extent below zero, which means no elements."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from tiledsl.ir.nodes import Const, Copy, Expr, Node, Range, index

NodeT = TypeVar("NodeT", bound=Node)


def without_negative_extents(node: NodeT) -> NodeT | Range | Copy:
    """A range or copy whose constant extents are at least 0, which means the same.

    At run time an extent may be negative; a constant one must not be written so.
    """
    match node:
        case Range(extent=extent) if _negative(extent):
            return replace(node, extent=index(0))
        case Copy(shape=shape) if any(_negative(extent) for extent in shape):
            least = tuple(index(0) if _negative(extent) else extent for extent in shape)
            return replace(node, shape=least)
    return node


def _negative(extent: Expr) -> bool:
    return isinstance(extent, Const) and extent.value < 0
