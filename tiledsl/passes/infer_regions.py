"""Element loops that are plain copies or fills become tile operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tiledsl.analysis.affine import Affine, affine, to_expr
from tiledsl.analysis.effects import read
from tiledsl.backend import Capabilities
from tiledsl.ir.nodes import (
    Apply,
    At,
    Buffer,
    Cast,
    Const,
    Copy,
    Expr,
    Fill,
    Function,
    If,
    Load,
    Node,
    Parallel,
    Range,
    Region,
    Select,
    Statement,
    Store,
    Var,
)
from tiledsl.ir.visitor import transform, walk
from tiledsl.passes.base import Contract


@dataclass(frozen=True)
class InferRegions:
    """Makes a Copy or Fill of each Parallel that stores one element per iteration.

    A condition that only repeats the bounds of the stored element is dropped: writing
    outside does nothing anyway.

    Before::

        parallel (i: 32, j: 64)
          if b * 32 + i < m
            Y[b * 32 + i, j] = bfloat16(x[i, j])

    After, for ``Y: bfloat16[m, 64]``::

        copy x[0 +: 32, 0 +: 64] -> Y[b * 32 +: 32, 0 +: 64] shape (32, 64)
    """

    name: str = "infer-regions"
    contract: Contract = "exact"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        return transform(function, _change)


def _change(node: Node) -> Node:
    if not isinstance(node, Parallel) or len(node.body) != 1:
        return node
    if not all(isinstance(e, Const) and e.value > 0 for e in node.extents):
        return node
    store = _unguarded(node.body[0])
    if store is None or store.buffer.root in read([store]):
        return node
    target = _region(store.buffer, store.indices, node, None)
    if target is None or len(target.shape) != len(node.vars):
        return node
    return _as_copy(node, store, target) or _as_fill(node, store, target) or node


def _as_copy(loop: Parallel, store: Store, target: Region) -> Statement | None:
    load = store.value
    if isinstance(load, Cast) and load == Cast(load.value, store.buffer.dtype):
        load = load.value
    if not isinstance(load, Load):
        return None
    source = _region(load.buffer, load.indices, loop, load.fill)
    order = _order(store.indices, loop)
    if source is None or _order(load.indices, loop) != order:
        return None
    return Copy(source, target, target.shape, span=loop.span)


def _as_fill(loop: Parallel, store: Store, target: Region) -> Statement | None:
    if _names(store.value) & {var.name for var in loop.vars}:
        return None
    return Fill(target, store.value, span=loop.span)


def _names(expr: Expr) -> set[str]:
    return {part.name for part in walk(expr) if isinstance(part, Var)}


def _order(indices: Sequence[Expr], loop: Parallel) -> list[str]:
    """The variables of the loop in the order of the dimensions that they index."""
    own = {var.name for var in loop.vars}
    return [name for index in indices for name in sorted(_names(index) & own)]


def _region(
    buffer: Buffer, indices: Sequence[Expr], loop: Parallel, fill: Const | None
) -> Region | None:
    """The box that the loop visits; None if it does not visit each element once."""
    extents = {
        var.name: extent for var, extent in zip(loop.vars, loop.extents, strict=True)
    }
    order = _order(indices, loop)
    if len(order) != len(set(order)):
        return None
    dims: list[At | Range] = []
    for position in indices:
        own = _names(position) & extents.keys()
        if not own:
            dims.append(At(position))
            continue
        name = next(iter(own))
        start = _without(position, name) if len(own) == 1 else None
        if start is None:
            return None
        dims.append(Range(start, extents[name]))
    return Region(buffer, tuple(dims), fill, span=loop.span)


def _without(position: Expr, name: str) -> Expr | None:
    """``s`` if the position is ``s + name``."""
    form = affine(position)
    found = [
        factor
        for atom, factor in form.terms
        if isinstance(atom, Var) and atom.name == name
    ]
    if found != [1]:
        return None
    rest = Affine(
        form.constant, tuple(term for term in form.terms if not _is_var(term[0], name))
    )
    start = to_expr(rest)
    return None if name in _names(start) else start


def _is_var(atom: Expr, name: str) -> bool:
    return isinstance(atom, Var) and atom.name == name


# ------------------------------------------------------------------- guards


def _unguarded(statement: Statement) -> Store | None:
    """The store inside conditions that only repeat its own bounds."""
    if isinstance(statement, Store):
        return statement
    if not isinstance(statement, If) or statement.otherwise or len(statement.then) != 1:
        return None
    inner = _unguarded(statement.then[0])
    if inner is None or not all(
        _repeats_bounds(c, inner) for c in _parts(statement.condition)
    ):
        return None
    return inner


def _parts(condition: Expr) -> Sequence[Expr]:
    """The conditions of which this one is the conjunction."""
    match condition:
        case Apply(op="and", args=(a, b)):
            return [*_parts(a), *_parts(b)]
        case Select(condition=a, then=b, otherwise=Const(value=False)):
            return [*_parts(a), *_parts(b)]
    return [condition]


def _repeats_bounds(condition: Expr, store: Store) -> bool:
    """Whether the condition fails only where the stored element does not exist."""
    if not isinstance(condition, Apply) or len(condition.args) != 2:
        return False
    left, right = condition.args
    if condition.op in ("gt", "ge"):
        left, right = right, left
    if condition.op not in ("lt", "le", "gt", "ge") or left.dtype != "index":
        return False
    slack = affine(right) - affine(left)
    if condition.op in ("lt", "gt"):
        slack = slack - Affine(1)  # the condition says: slack >= 0
    for position, size in zip(store.indices, store.buffer.shape, strict=True):
        inside = affine(position)
        below = affine(size) - inside - Affine(1)
        for bound in (inside, below):  # the element exists only if both are >= 0
            difference = (slack - bound).static
            if difference is not None and difference >= 0:
                return True
    return False
