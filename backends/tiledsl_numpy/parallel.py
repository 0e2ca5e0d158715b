"""Parallel: all iterations at once, one lane each."""

from __future__ import annotations

from tiledsl.ir import nodes as ir
from tiledsl.ir.visitor import walk
from tiledsl_numpy.accumulation import apply_pending
from tiledsl_numpy.frame import Frame, Lanes, Loop, Storage
from tiledsl_numpy.poison import poisoned
from tiledsl_numpy.regions import shape_of


def parallel(statement: ir.Parallel, frame: Frame) -> None:
    """Runs the body once, for the whole iteration space."""
    shape = shape_of(statement.extents, frame)
    if 0 in shape:
        return
    names = tuple(var.name for var in statement.vars)
    outside = frame.lanes, frame.active, frame.loop
    frame.lanes, frame.active, frame.loop = Lanes(names, shape), None, Loop()
    for axis, name in enumerate(names):
        frame.values[name] = frame.lanes.positions(axis)
    shadowed = _make_private(statement, frame)
    frame.run(statement.body)
    apply_pending(frame)
    frame.lanes, frame.active, frame.loop = outside
    for buffer in shadowed:
        # what the iterations left in their private copies is undefined (rule L56)
        size = shape_of(buffer.shape, frame)
        memory = poisoned(size, buffer.dtype, frame.options.poison)
        frame.storage[buffer.name] = Storage(memory)


def _make_private(statement: ir.Parallel, frame: Frame) -> tuple[ir.Buffer, ...]:
    """Gives each lane a copy of the outer local buffers that the body stores to."""
    inside: set[str] = set()
    stored: dict[str, ir.Buffer] = {}
    for part in walk(statement):
        if isinstance(part, ir.Allocate):
            inside.add(part.buffer.name)
        elif isinstance(part, ir.Store) and part.buffer.scope == "local":
            stored[part.buffer.name] = part.buffer
    outer = tuple(buffer for name, buffer in stored.items() if name not in inside)
    for buffer in outer:
        size = frame.lanes.shape + shape_of(buffer.shape, frame)
        memory = poisoned(size, buffer.dtype, frame.options.poison)
        frame.storage[buffer.name] = Storage(memory, private=True)
    return outer
