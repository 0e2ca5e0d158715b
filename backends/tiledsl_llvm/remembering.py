"""Operands that one block makes and later blocks of the thread find ready.

At the start of a worker's memory lie records, one for each slot of each ``Remember``:
whether it holds something, and the key it was made for.  They are cleared when a launch
starts.
"""

from __future__ import annotations

from tiledsl.ir.nodes import Atomic, Launch, Var
from tiledsl.ir.visitor import walk
from tiledsl_llvm.expressions import scalar
from tiledsl_llvm.frame import Frame
from tiledsl_llvm.operands import Remember
from tiledsl_llvm.values import integer

_WORD = 8


def record_bytes(launch: Launch) -> int:
    """The records of a launch."""
    return sum(_size(node) for node in walk(launch) if isinstance(node, Remember))


def _size(node: Remember) -> int:
    return (1 + len(node.key)) * _WORD * node.slots


def emit_remembered(frame: Frame, node: Remember) -> None:
    b = frame.builder
    words = 1 + len(node.key)
    records = b.address(frame.arena, "i8", integer(frame.record_bytes))
    frame.record_bytes += _size(node)
    first = b.binary("mul", scalar(frame, node.slot), integer(words))
    record = b.address(records, "i64", first)
    key = [integer(1), *(scalar(frame, part) for part in node.key)]
    places = [b.address(record, "i64", integer(k)) for k in range(words)]
    other = integer(0, "i1")
    for value, place in zip(key, places, strict=True):
        differs = b.compare("ne", b.load(place, "i64", align=_WORD), value)
        other = b.binary("or", other, differs)
    with b.when(other, "make"):
        frame.run(frame, node.body)
        for value, place in zip(key, places, strict=True):
            b.store(value, place, align=_WORD)


def slowest_last(launch: Launch) -> tuple[int, ...]:
    """The positions of a launch's variables: those that no key mentions vary fastest.

    Blocks that update elements atomically keep their order, in which they add.
    """
    if any(isinstance(node, Atomic) for node in walk(launch)):
        return tuple(range(len(launch.vars)))
    used = {
        part.name
        for node in walk(launch)
        if isinstance(node, Remember)
        for expr in node.key
        for part in walk(expr)
        if isinstance(part, Var)
    }
    positions = range(len(launch.vars))
    return tuple(sorted(positions, key=lambda k: launch.vars[k].name in used))
