"""Atomic updates of floats, by integer updates of workspaces merged after the launch.

Sums of payloads and of the classes of special values are order-free, as are maxima; the
merge does once, in a launch of its own, what no single integer update could do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.dtypes import INDEX, INT64
from tiledsl.ir.nodes import (
    Allocate,
    Atomic,
    Block,
    Buffer,
    Expr,
    Launch,
    Load,
    Statement,
    Store,
    Var,
    index,
)
from tiledsl.ir.visitor import walk
from tiledsl.testing.ring.accumulators import STARTS, contribution
from tiledsl.testing.ring.expressions import ring, ring_buffer
from tiledsl.testing.ring.scalars import (
    Emitter,
    choose,
    is_finite,
    is_nan,
    narrow,
    number,
)
from tiledsl.testing.ring.tiles import classify, combine, over

_REDUCTIONS: Final = {"add": "sum", "max": "max", "min": "min"}


@dataclass(frozen=True, slots=True)
class _Target:
    """A buffer that a launch updates, and the integers that stand for the updates."""

    buffer: Buffer
    reduction: str
    main: Buffer
    classes: Buffer


@dataclass
class Updates:
    """The updated float buffers of one launch."""

    targets: dict[str, _Target] = field(default_factory=dict)

    @staticmethod
    def of(emit: Emitter, launch: Launch) -> Updates:
        """Raises UnsupportedByTarget (E2003) for updates whose order shows."""
        found = Updates()
        updates = [
            node
            for node in walk(launch)
            if isinstance(node, Atomic) and node.buffer.dtype.is_float
        ]
        for node in updates:
            known = found.targets.get(node.buffer.root)
            reduction = _REDUCTIONS.get(node.op)
            if (
                reduction is None
                or node.previous is not None
                or node.buffer.scope != "global"
                or (
                    known
                    and (known.reduction, known.buffer) != (reduction, node.buffer)
                )
                or _touched(launch, node.buffer) != len(updates_of(updates, node))
            ):
                raise UnsupportedByTarget(
                    "E2003",
                    f"ring mode has no atomic {node.op} of floats beside other accesses",
                    span=node.span,
                )
            if known is None:
                found.targets[node.buffer.root] = _target(emit, node.buffer, reduction)
        return found

    def update(self, emit: Emitter, node: Atomic) -> tuple[Statement, ...]:
        """The integer updates that count one contribution."""
        target = self.targets[node.buffer.root]
        value = emit.name(ring(emit, node.value or number(0)))
        where = tuple(ring(emit, position) for position in node.indices)
        start = number(STARTS[target.reduction])
        facts = {"order": node.order, "proved": node.proved}
        if node.op != "add":
            kept = choose(is_nan(value), start, value)
            return (Atomic(node.op, target.main, where, kept, **facts),)  # type: ignore[arg-type]
        finite = choose(is_finite(value), value, start)
        return (
            Atomic("add", target.main, where, finite, **facts),  # type: ignore[arg-type]
            Atomic("or", target.classes, where, classify(emit, value), **facts),  # type: ignore[arg-type]
        )

    def around(self, emit: Emitter, launch: Launch) -> Iterator[Statement]:
        """The launch between one that clears the integers and one that merges them."""
        if not self.targets:
            yield launch
            return
        targets = self.targets.values()
        for target in targets:
            yield from (Allocate(target.main), Allocate(target.classes))
        yield _once(emit, tuple(_cleared(emit, target) for target in targets))
        yield launch
        yield _once(emit, tuple(_merged(emit, target) for target in targets))


def updates_of(updates: list[Atomic], node: Atomic) -> list[Atomic]:
    """Those of the same memory."""
    return [other for other in updates if other.buffer.root == node.buffer.root]


def _touched(launch: Launch, buffer: Buffer) -> int:
    """How often a launch accesses the memory of a buffer."""
    found = (getattr(node, "buffer", None) for node in walk(launch))
    return sum(isinstance(part, Buffer) and part.root == buffer.root for part in found)


def _target(emit: Emitter, buffer: Buffer, reduction: str) -> _Target:
    main, classes = (
        Buffer(emit.fresh(name), buffer.shape, INT64) for name in ("sums", "kinds")
    )
    return _Target(buffer, reduction, main, classes)


def _once(emit: Emitter, body: Block) -> Launch:
    """A launch of one block."""
    return Launch((Var(emit.fresh("b"), INDEX),), (index(1),), (1,), body)


def _cleared(emit: Emitter, target: _Target) -> Statement:
    start = number(STARTS[target.reduction])
    return over(
        emit,
        target.main.shape,
        lambda at: (
            Store(target.main, at, start),
            Store(target.classes, at, number(0)),
        ),
    )


def _merged(emit: Emitter, target: _Target) -> Statement:
    buffer, dtype = ring_buffer(target.buffer), target.buffer.dtype

    def body(at: tuple[Expr, ...]) -> tuple[Statement, ...]:
        old = emit.name(Load(buffer, at))
        parts = Load(target.main, at), Load(target.classes, at)
        new = contribution(emit, target.reduction, *parts)
        total = combine(emit, target.reduction, old, new, nan=False)
        return (Store(buffer, at, narrow(emit, total, dtype.evaluation, dtype)),)

    return over(emit, buffer.shape, body)
