"""Accesses that are provably outside their buffer (rule L45).

An error if the access touches a global buffer and is never in range, or a block-local
one and is out of range in some iteration; under a dynamic condition, which may well
exclude those iterations, a warning.
"""

from __future__ import annotations

from typing import Protocol

from tiledsl.analysis.affine import affine, bounds
from tiledsl.diagnostics import KernelError
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Assert,
    Atomic,
    Break,
    Breakpoint,
    Buffer,
    Continue,
    Copy,
    Expr,
    Fill,
    For,
    Gemm,
    If,
    Launch,
    Let,
    Load,
    Node,
    Parallel,
    Print,
    Reduce,
    Select,
    Sort,
    Statement,
    Store,
    TileHint,
    Wait,
    While,
)
from tiledsl.ir.spans import Span
from tiledsl.ir.visitor import children

_STATEMENTS = (
    Allocate, Let, Store, Accumulate, Atomic, Copy, Fill, Gemm, Reduce, Sort, For, Parallel,
    If, While, Break, Continue, Launch, TileHint, Assert, Print, Breakpoint, Wait,
)  # fmt: skip


class Trace(Protocol):
    """What is known of the trace in progress."""

    ranges: dict[str, tuple[int, int]]
    definitions: dict[str, Expr]

    def warn(self, code: str, message: str) -> None: ...


def interval(expr: Expr, trace: Trace) -> tuple[int, int] | None:
    """The least and greatest value of an affine index over static loops, if known."""
    return bounds(affine(expr, trace.definitions), trace.ranges)


def check_loads(statement: Statement, trace: Trace, *, conditional: bool) -> None:
    """Checks the elements that a statement itself reads."""
    stack: list[tuple[Node, bool]] = [(statement, conditional)]
    while stack:
        node, excused = stack.pop()
        if isinstance(node, Load):
            for dim, expr in enumerate(node.indices):
                _check(node.buffer, dim, expr, trace, excused, node.span)
        lazy = isinstance(node, Select) and node.lazy
        for part in children(node):
            if isinstance(part, _STATEMENTS):
                continue  # it was checked when it was emitted
            stack.append((part, excused or (lazy and part is not _condition(node))))


def _condition(node: Node) -> Node | None:
    return node.condition if isinstance(node, Select) else None


def check_subscripts(
    buffer: Buffer,
    indices: tuple[Expr, ...],
    trace: Trace,
    *,
    conditional: bool,
    span: Span,
) -> None:
    """Checks the element that is written."""
    for dim, expr in enumerate(indices):
        _check(buffer, dim, expr, trace, conditional, span)


def _check(
    buffer: Buffer, dim: int, expr: Expr, trace: Trace, excused: bool, span: Span
) -> None:
    known = interval(expr, trace)
    error = known and outside(buffer, dim, "index", known, span)
    if error and excused:
        trace.warn("W0501", error.summary.partition(" ")[2])
    elif error:
        raise error


def outside(
    buffer: Buffer, dim: int, what: str, positions: tuple[int, int], span: Span
) -> KernelError | None:
    """The error for positions (least, greatest) that leave dimension ``dim``, if any."""
    extent = affine(buffer.shape[dim]).static
    least, greatest = positions
    if extent is None or (least >= 0 and greatest < extent):
        return None
    touches = greatest >= 0 and least < extent
    if touches and buffer.scope == "global":
        return None
    if greatest < 0:  # it was counted from the end
        least, greatest = least - extent, greatest - extent
    never = "is out of range" if touches else "is never in range"
    return KernelError(
        "E0501" if buffer.scope == "global" else "E0502",
        f"the {what} of {buffer.name} ({buffer.scope}) in dim {dim} {never}",
        span=span,
        expected=f"0 to {extent - 1}" if extent else "no access, the extent is 0",
        got=str(least) if least == greatest else f"{least} to {greatest}",
        hint="guard the access with `if`"
        if buffer.scope == "global"
        else "make the tile larger, or guard the access with `if`",
    )
