"""Atomic updates while tracing (rules L73 to L75).

Where nobody else can see an element - outside ``T.Parallel`` it is the block's own, inside
it is the iteration's - an update is a read and a write.  Everywhere else it is an
``Atomic``.  When a ``T.Parallel`` ends, updates of a block-local buffer that nothing else
in the loop looks at become reduction statements, which run as vectors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.bounds_errors import check_subscripts
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.reduction_statements import is_private
from tiledsl.frontend.threads.axis import in_thread_code, note_plain_update
from tiledsl.ir.nodes import (
    Accumulate,
    Apply,
    Atomic,
    Buffer,
    Cast,
    Expr,
    Load,
    Node,
    Parallel,
    Store,
    Var,
)
from tiledsl.ir.ops import ATOMICS
from tiledsl.ir.visitor import transform, walk

_REDUCTIONS: Final = {"add": "sum", "max": "max", "min": "min", "or": "or"}


def emit_atomic(
    builder: Builder,
    op: str,
    buffer: Buffer,
    indices: tuple[Expr, ...],
    value: Expr | None,
    *,
    previous: bool,
    order: str = "relaxed",
) -> Var | None:
    """Emits the update of one element; the variable that holds what it was before.

    ``value`` has the buffer's dtype.  E0210: outside every ``T.Kernel``.
    """
    if not (builder.inside("launch") or builder.inside("parallel")):
        raise KernelError(
            "E0210",
            f"an element of {buffer.name} is updated outside every T.Kernel",
            span=here(),
            hint="open `with T.Kernel(...)`",
        )
    conditional = builder.conditional
    check_subscripts(buffer, indices, builder, conditional=conditional, span=here())
    wanted = previous or op == "load"
    if not _is_shared(builder, buffer):
        note_plain_update(builder)
        return _plain(builder, op, buffer, indices, value, previous=wanted)
    before = None
    if wanted:
        before = Var(builder.unique("before"), buffer.dtype, span=here())
    builder.emit(Atomic(op, buffer, indices, value, before, order, span=here()))
    return before


def _is_shared(builder: Builder, buffer: Buffer) -> bool:
    """Whether another block, iteration or thread may touch the buffer at the same time."""
    if buffer.scope == "global":
        return True
    if in_thread_code(builder):
        return buffer.scope != "local"
    return builder.inside("parallel") and not is_private(builder, buffer)


def _plain(
    builder: Builder,
    op: str,
    buffer: Buffer,
    indices: tuple[Expr, ...],
    value: Expr | None,
    *,
    previous: bool,
) -> Var | None:
    before = None
    old: Expr = Load(buffer, indices, span=here())
    if previous or (value is not None and ATOMICS[op]):
        before = builder.let("before", old)
    if value is not None:
        new = value if before is None else combined(op, before, value)
        builder.emit(Store(buffer, indices, new, span=here()))
    return before if previous else None


def combined(op: str, old: Expr, value: Expr) -> Expr:
    """``op(old, value)`` in the evaluation dtype, rounded to theirs."""
    name, dtype = ATOMICS[op], old.dtype
    if not name:
        return value
    if dtype.is_arithmetic:
        return Apply(name, (old, value), span=here())
    wide = dtype.evaluation
    parts = (Cast(old, wide, span=here()), Cast(value, wide, span=here()))
    return Cast(Apply(name, parts, span=here()), dtype, span=here())


def as_reductions(loop: Parallel) -> Parallel:
    """The loop with updates that may be reduction statements as such (rule L55)."""
    updates: dict[str, list[Atomic]] = defaultdict(list)
    for node in walk(loop):
        if isinstance(node, Atomic) and node.buffer.scope != "global":
            updates[node.buffer.name].append(node)
    chosen = {name for name, found in updates.items() if _is_reduction(found, loop)}
    if not chosen:
        return loop

    def change(node: Node) -> Node:
        if not isinstance(node, Atomic) or node.buffer.name not in chosen:
            return node
        carried, value = node.buffer.dtype.evaluation, node.value
        if value is None:
            return node
        if value.dtype != carried:
            value = Cast(value, carried, span=node.span)
        reduction = _REDUCTIONS[node.op]
        return Accumulate(reduction, node.buffer, node.indices, value, span=node.span)

    return transform(loop, change)


def _is_reduction(updates: Sequence[Atomic], loop: Parallel) -> bool:
    """Whether these, all of one operation, are all that the loop does with the buffer."""
    first = updates[0]
    if any(node.previous or node.op != first.op for node in updates):
        return False
    if first.op not in _REDUCTIONS:
        return False
    accesses = 0
    for node in walk(loop):
        touched = getattr(node, "buffer", None)
        accesses += isinstance(touched, Buffer) and touched.root == first.buffer.root
    return accesses == len(updates)
