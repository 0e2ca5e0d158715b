"""Statements of thread code that Tile IR does not have; lowering replaces all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from tiledsl.frontend.builder import Builder
from tiledsl.ir.nodes import Block, Expr, Node, Statement, Var


@dataclass(frozen=True, slots=True)
class Barrier(Node):
    """``T.sync_threads()``, of ``count`` threads if given, or ``T.sync_warp()``."""

    function: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class ThreadReturn(Node):
    """Ends the threads that reach it (rule L81)."""


@dataclass(frozen=True, slots=True)
class Exchange(Node):
    """``var`` = ``value`` as the thread number ``source`` of the block has it.

    Undefined if that thread does not take part.
    """

    var: Var
    value: Expr
    source: Expr


@dataclass(frozen=True, slots=True)
class Combine(Node):
    """``var`` = ``value`` reduced over the threads of a group that take part.

    The threads are arranged in ``shape``, each at its ``place``; those that differ only
    along ``axis`` are a group.
    """

    var: Var
    reduction: str
    value: Expr
    shape: tuple[int, ...]
    axis: int
    place: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class PerThread(Node):
    """A region: each thread runs ``body`` in order, the threads in any order."""

    body: Block


def emit(builder: Builder, statement: Node) -> None:
    """Appends a statement of thread code to the trace."""
    builder.emit(cast("Statement", statement))
