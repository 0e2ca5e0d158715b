"""Parallel: all iterations at once, one lane each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tiledsl.ir import nodes as ir
from tiledsl.ir.visitor import walk
from tiledsl_numpy.accumulation import apply_pending
from tiledsl_numpy.frame import Frame, Lanes, Loop, Storage
from tiledsl_numpy.poison import poisoned
from tiledsl_numpy.regions import shape_of

# a larger iteration space runs in parts, so that temporary arrays stay small
_MOST_LANES = 1 << 18


def parallel(statement: ir.Parallel, frame: Frame) -> None:
    """Runs the body for the whole iteration space, part by part if it is large."""
    shape = shape_of(statement.extents, frame)
    if 0 in shape:
        return
    names = tuple(var.name for var in statement.vars)
    private = _private(statement, frame)
    outside = frame.lanes, frame.active, frame.loop
    for origin, extents in _parts(shape):
        frame.lanes, frame.active, frame.loop = (
            Lanes(names, extents, origin),
            None,
            Loop(),
        )
        for axis, name in enumerate(names):
            frame.values[name] = frame.lanes.positions(axis)
        for buffer in private:
            _allocate(buffer, frame)
        frame.run(statement.body)
    apply_pending(frame)
    frame.lanes, frame.active, frame.loop = outside
    for buffer in private:
        # what the iterations left in their private copies is undefined (rule L56)
        _allocate(buffer, frame)


def _parts(
    shape: tuple[int, ...],
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Origins and extents of boxes that cover a space in row-major order."""
    size: list[int] = []
    room = _MOST_LANES
    for extent in reversed(shape):
        size.insert(0, min(extent, room))
        room = max(1, room // extent)
    starts = [range(0, n, step) for n, step in zip(shape, size, strict=True)]
    for origin in itertools.product(*starts):
        ends = zip(origin, size, shape, strict=True)
        yield origin, tuple(min(step, n - start) for start, step, n in ends)


def _private(statement: ir.Parallel, frame: Frame) -> tuple[ir.Buffer, ...]:
    """The outer local buffers of which each lane gets a copy: those stored to."""
    key = id(statement)
    if key not in frame.facts.private:
        inside: set[str] = set()
        stored: dict[str, ir.Buffer] = {}
        for part in walk(statement):
            if isinstance(part, ir.Allocate):
                inside.add(part.buffer.name)
            elif isinstance(part, ir.Store) and part.buffer.scope == "local":
                stored[part.buffer.name] = part.buffer
        outer = tuple(buffer for name, buffer in stored.items() if name not in inside)
        frame.facts.private[key] = outer
    return frame.facts.private[key]


def _allocate(buffer: ir.Buffer, frame: Frame) -> None:
    """Undefined memory: one copy for each lane."""
    shape = frame.lanes.shape + shape_of(buffer.shape, frame)
    memory = poisoned(shape, buffer.dtype, frame.options.poison)
    frame.storage[buffer.name] = Storage(memory, bool(frame.lanes.names))
