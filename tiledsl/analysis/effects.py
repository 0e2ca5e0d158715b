"""Which buffers statements read and write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tiledsl.ir.nodes import (
    Accumulate,
    Atomic,
    Breakpoint,
    Const,
    Copy,
    Fill,
    Function,
    Gemm,
    Load,
    Node,
    Print,
    Reduce,
    Region,
    Sort,
    Store,
)
from tiledsl.ir.visitor import walk


@dataclass(frozen=True, slots=True)
class Access:
    """One place where a buffer is read or written.

    ``buffer`` is the name of the memory, the same for all views of it (``Buffer.root``).
    ``node`` is the statement, load or region that says so; an access that reads and
    writes (an accumulator) is listed twice.
    """

    buffer: str
    writes: bool
    node: Node


def accesses(nodes: Iterable[Node]) -> Iterator[Access]:
    """Every access of the nodes and of what is below them, in program order."""
    for node in nodes:
        for part in walk(node):
            yield from _own(part)


def _own(node: Node) -> Iterator[Access]:
    match node:
        case Load(buffer=buffer):
            yield Access(buffer.root, False, node)
        case Store(buffer=buffer):
            yield Access(buffer.root, True, node)
        case Accumulate(buffer=buffer) | Atomic(buffer=buffer):
            yield Access(buffer.root, False, node)
            yield Access(buffer.root, True, node)
        case Copy(source=source, target=target) | Sort(source=source, target=target):
            yield from _regions([source], target, accumulates=False)
        case Fill(target=target):
            yield from _regions([], target, accumulates=False)
        case Gemm(a=a, b=b, c=c, clear=clear):
            always = clear == Const(True, clear.dtype)
            yield from _regions([a, b], c, accumulates=not always)
        case Reduce(source=source, target=target, clear=clear):
            yield from _regions([source], target, accumulates=not clear)
        case Print() | Breakpoint():
            yield from _looked_at(node)


def _looked_at(node: Print | Breakpoint) -> Iterator[Access]:
    for value in (node.value,) if isinstance(node, Print) else node.values:
        if isinstance(value, Region):
            yield Access(value.buffer.root, False, value)


def unordered_sum(function: Function) -> Atomic | None:
    """An update whose result depends on the order in which blocks get to it (rule L75)."""
    for node in walk(function):
        if isinstance(node, Atomic) and node.op == "add":
            buffer = node.buffer
            if buffer.dtype.is_float and buffer.scope == "global":
                return node
    return None


def _regions(
    sources: Iterable[Region], target: Region, *, accumulates: bool
) -> Iterator[Access]:
    for source in sources:
        yield Access(source.buffer.root, False, source)
    if accumulates:
        yield Access(target.buffer.root, False, target)
    yield Access(target.buffer.root, True, target)


def written(nodes: Iterable[Node]) -> set[str]:
    """The names of the buffers that the nodes write."""
    return {access.buffer for access in accesses(nodes) if access.writes}


def read(nodes: Iterable[Node]) -> set[str]:
    """The names of the buffers that the nodes read."""
    return {access.buffer for access in accesses(nodes) if not access.writes}
