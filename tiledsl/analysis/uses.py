"""How often names are used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tiledsl.analysis.effects import accesses
from tiledsl.ir.nodes import Allocate, Atomic, For, Launch, Let, Node, Parallel, Var
from tiledsl.ir.visitor import children, walk


def variable_uses(nodes: Iterable[Node]) -> Counter[str]:
    """For each variable the number of expressions that name it; declarations not counted."""
    found: Counter[str] = Counter()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, Var):
            found[node.name] += 1
        parts = list(children(node))
        if isinstance(node, Let | For):
            parts.remove(node.var)
        elif isinstance(node, Atomic) and node.previous is not None:
            parts.remove(node.previous)
        elif isinstance(node, Parallel | Launch):
            parts = parts[len(node.vars) :]
        stack.extend(parts)
    return found


def buffer_reads(nodes: Iterable[Node]) -> Counter[str]:
    """For each buffer the number of places that read it."""
    return Counter(access.buffer for access in accesses(nodes) if not access.writes)


def allocated(nodes: Iterable[Node]) -> set[str]:
    """The names of the buffers that the nodes allocate; views are none of them."""
    return {
        part.buffer.name
        for node in nodes
        for part in walk(node)
        if isinstance(part, Allocate) and part.buffer.of is None
    }
