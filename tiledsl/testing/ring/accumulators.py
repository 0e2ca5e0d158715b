"""``Accumulate`` on floats, by integer accumulators merged when the loop ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Buffer,
    Expr,
    Fill,
    Load,
    Statement,
    Store,
    Var,
    whole,
)
from tiledsl.testing.ring.encoding import NAN, NO_NUMBER
from tiledsl.testing.ring.expressions import ring, ring_buffer
from tiledsl.testing.ring.scalars import (
    Emitter,
    choose,
    is_finite,
    is_nan,
    narrow,
    number,
    op,
    wrap,
)
from tiledsl.testing.ring.tiles import (
    classified,
    classify,
    combine,
    over,
    static_shape,
    tile,
)

# what changes nothing, before the first contribution
STARTS: Final = {"sum": 0, "mul": 1, "max": NO_NUMBER, "min": NAN}


@dataclass
class Accumulators:
    """The integer accumulators of one ``Parallel``.

    Every float target gets two of its shape: payloads (or the best value so far) and the
    classes of special values.  ``before`` allocates and clears them, ``after`` merges them
    into the target, once.
    """

    before: list[Statement] = field(default_factory=list)
    after: list[Statement] = field(default_factory=list)
    _targets: dict[str, tuple[Buffer, Buffer]] = field(default_factory=dict)

    def add(self, emit: Emitter, node: Accumulate) -> tuple[Statement, ...]:
        """The integer statements that count one contribution."""
        value = emit.name(ring(emit, node.value))
        main, classes = self._pair(emit, node)
        where = tuple(ring(emit, position) for position in node.indices)
        start = number(STARTS[node.reduction])
        if node.reduction in ("max", "min"):
            kept = choose(is_nan(value), start, value)
            return (Accumulate(node.reduction, main, where, kept, node.proved),)
        finite = choose(is_finite(value), value, start)
        return (
            Accumulate(node.reduction, main, where, finite, node.proved),
            Accumulate("or", classes, where, classify(emit, value), node.proved),
        )

    def _pair(self, emit: Emitter, node: Accumulate) -> tuple[Buffer, Buffer]:
        if node.buffer.name in self._targets:
            return self._targets[node.buffer.name]
        shape = static_shape(emit, node.buffer.shape)
        main, classes = tile(emit, shape), tile(emit, shape)
        for buffer, start in ((main, STARTS[node.reduction]), (classes, 0)):
            self.before.append(Allocate(buffer))
            self.before.append(Fill(whole(buffer), number(start)))
        self._targets[node.buffer.name] = (main, classes)
        self.after.append(_merge(emit, node, main, classes))
        return main, classes


def _merge(emit: Emitter, node: Accumulate, main: Buffer, classes: Buffer) -> Statement:
    dtype, target = node.buffer.dtype, ring_buffer(node.buffer)

    def body(at: tuple[Var, ...]) -> tuple[Statement, ...]:
        old = emit.name(Load(target, at))
        new = contribution(emit, node.reduction, Load(main, at), Load(classes, at))
        total = combine(emit, node.reduction, old, new, nan=False)
        return (Store(target, at, narrow(emit, total, dtype.evaluation, dtype)),)

    return over(emit, target.shape, body)


def contribution(emit: Emitter, reduction: str, main: Load, classes: Load) -> Expr:
    """The ring value of everything that one element received."""
    value = emit.name(main)
    if reduction in ("max", "min"):
        nothing = op("eq", value, number(STARTS[reduction]))
        return emit.name(choose(nothing, number(NAN), value))
    kinds = emit.name(classes)
    if reduction == "mul":
        lost = op("ne", kinds, number(0))
        return emit.name(choose(lost, number(NAN), wrap(value)))
    return classified(emit, value, kinds)
