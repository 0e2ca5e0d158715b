"""Statements that exist only between legalizing and emitting: operands made ready.

pack      source's numbers in the order in which a product reads them
remember  a block whose results are still there from an earlier block of the launch
tile gemm a product in tile registers
"""

from __future__ import annotations

from dataclasses import dataclass

from tiledsl.ir.nodes import Block, Expr, Node, Region


@dataclass(frozen=True, slots=True)
class Pack(Node):
    """Writes a right operand as rows of k, or of words of several k, into ``target``.

    A target of three ranges takes panels of 16 columns.  ``transposed``: the source has a
    row for each column.
    """

    source: Region
    target: Region
    transposed: bool


@dataclass(frozen=True, slots=True)
class Remember(Node):
    """Runs ``body`` unless it ran last with the same ``key`` on this thread, for ``slot``.

    What it writes depends on the key only, and nothing else writes there in this launch.
    ``slots`` is how many keys are remembered at once.
    """

    key: tuple[Expr, ...]
    slot: Expr
    slots: int
    body: Block


@dataclass(frozen=True, slots=True)
class TileGemm(Node):
    """``c = (0 if clear else c) + a @ panels`` by the instruction named ``product``."""

    a: Region
    panels: Region
    c: Region
    clear: Expr
    product: str
