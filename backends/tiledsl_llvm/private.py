"""Which buffers of a ``Parallel`` every iteration has a copy of (rule L56).

A buffer made inside is private.  So is a local one made outside that iterations write,
unless each iteration touches elements of its own: those may be shared without a
difference, and keep their values after the loop, as fills and copies of whole tiles need.
"""

from __future__ import annotations

from collections.abc import Iterator

from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Apply,
    Block,
    Expr,
    Load,
    Node,
    Parallel,
    Store,
    Var,
)
from tiledsl.ir.visitor import walk


def private_buffers(node: Parallel) -> frozenset[str]:
    """Buffers of which every iteration has its own copy."""
    names = set()
    for part in _all(node.body):
        if isinstance(part, Allocate) or (
            isinstance(part, Store)
            and part.buffer.scope == "local"
            and part.buffer.name not in names
            and not _apart(node, part.buffer.name)
        ):
            names.add(part.buffer.name)
    return frozenset(names)


def _apart(node: Parallel, buffer: str) -> bool:
    """Whether no two iterations touch one element of a buffer made outside.

    True if each variable of the loop has a dimension whose index is, in every access, this
    variable plus the same value, which all iterations share.
    """
    accesses = [part for part in _all(node.body) if _touches(part, buffer)]
    indices = []
    for part in accesses:
        if not isinstance(part, Load | Store | Accumulate):
            return False
        indices.append(part.indices)
    own = {var.name for var in node.vars} | _bound(node.body)
    return all(
        any(
            all(index[dim] == indices[0][dim] for index in indices)
            and _moves_with(indices[0][dim], var, own)
            for dim in range(len(indices[0]))
        )
        for var in node.vars
    )


def _touches(part: Node, buffer: str) -> bool:
    return getattr(getattr(part, "buffer", None), "name", None) == buffer


def _moves_with(index: Expr, var: Var, own: set[str]) -> bool:
    """Whether an index is ``var``, or ``var`` plus what all iterations share."""
    if isinstance(index, Var):
        return index.name == var.name
    if not isinstance(index, Apply) or index.op != "add":
        return False
    left, right = index.args
    if not isinstance(left, Var) or left.name != var.name:
        left, right = right, left
    return (
        isinstance(left, Var)
        and left.name == var.name
        and not any(
            isinstance(part, Load) or (isinstance(part, Var) and part.name in own)
            for part in walk(right)
        )
    )


def _bound(body: Block) -> set[str]:
    """Names that the statements of a body bind."""
    found = (
        getattr(part, field, None)
        for part in _all(body)
        for field in ("var", "previous")
    )
    return {var.name for var in found if isinstance(var, Var)}


def _all(block: Block) -> Iterator[Node]:
    for statement in block:
        yield from walk(statement)
