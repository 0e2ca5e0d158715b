"""Refusing reads of a reducer that still collects contributions (rule L70)."""

from __future__ import annotations

from collections.abc import Iterator

from tiledsl.diagnostics import KernelError
from tiledsl.ir.nodes import (
    Accumulate,
    Assert,
    Atomic,
    Copy,
    Fill,
    Gemm,
    Let,
    Load,
    Node,
    Print,
    Reduce,
    Region,
    Sort,
    Statement,
    Store,
)
from tiledsl.ir.visitor import walk


def check_reads(statement: Statement, unfinished: set[str]) -> None:
    """Raises KernelError E0218 if the statement reads one of these buffers.

    A store of ``r[f] op v`` to r itself is a contribution, not a read.
    """
    for name in _read_buffers(statement):
        if name in unfinished:
            raise KernelError(
                "E0218",
                f"the reducer {name} is read before it is finalized",
                span=statement.span,
                hint=f"T.finalize_reducer({name}) first",
            )


def _read_buffers(statement: Statement) -> Iterator[str]:
    own: str | None = None
    parts: tuple[Node, ...] = ()
    match statement:
        case Store() | Accumulate():
            own, parts = statement.buffer.name, (statement.value, *statement.indices)
        case Atomic():
            yield statement.buffer.name
            parts = statement.indices
            parts += (statement.value,) if statement.value is not None else ()
        case Let() | Fill():
            parts = (statement.value,)
        case Assert(condition=looked_at) | Print(value=Node() as looked_at):
            parts = (looked_at,)
        case Copy() | Reduce() | Sort():
            yield statement.source.buffer.name
        case Gemm():
            yield from (statement.a.buffer.name, statement.b.buffer.name)
    for part in parts:
        for node in walk(part):
            if isinstance(node, Load | Region) and node.buffer.name != own:
                yield node.buffer.name
