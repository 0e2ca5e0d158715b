"""Which parameters a function touches, and where its symbols are used."""

from __future__ import annotations

from collections.abc import Iterator

from tiledsl.ir.nodes import (
    Accumulate,
    Buffer,
    Copy,
    Fill,
    Function,
    Gemm,
    Node,
    Reduce,
    Store,
    Var,
)
from tiledsl.ir.visitor import children


def written_buffers(function: Function) -> frozenset[str]:
    """The names of the buffers that some statement may write."""
    return frozenset(
        buffer.name for node in _nodes(function) for buffer in _written_by(node)
    )


def accessed_buffers(function: Function) -> frozenset[str]:
    """The names of the buffers that some statement reads or writes."""
    return frozenset(node.name for node in _nodes(function) if isinstance(node, Buffer))


def symbols_in_body(function: Function) -> frozenset[str]:
    """The variables that statements compute with, those of buffer types left out."""
    return frozenset(node.name for node in _nodes(function) if isinstance(node, Var))


def _written_by(node: Node) -> Iterator[Buffer]:
    if isinstance(node, Store | Accumulate):
        yield node.buffer
    elif isinstance(node, Copy | Fill | Reduce):
        yield node.target.buffer
    elif isinstance(node, Gemm):
        yield node.c.buffer


def _nodes(function: Function) -> Iterator[Node]:
    """Everything in the body; the shapes and strides of buffers are not entered."""
    stack: list[Node] = list(function.body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, Buffer):
            stack.extend(children(node))
