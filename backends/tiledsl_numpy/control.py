"""If, For, While, Break and Continue, for one lane or many.

A condition that is equal in all lanes chooses a path; any other one chooses which lanes
are active on each path.  A lane that breaks or continues becomes inactive: until its
loop ends, or until the loop's next iteration.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiledsl.ir import nodes as ir
from tiledsl_numpy import masks
from tiledsl_numpy.expressions import snapshot
from tiledsl_numpy.frame import Frame, Loop
from tiledsl_numpy.masks import Mask


def if_(statement: ir.If, frame: Frame) -> None:
    """Runs the arm of each active lane, the arms one after the other."""
    condition = snapshot(statement.condition, frame)
    entered = frame.active
    if condition.ndim == 0:
        frame.run(statement.then if condition else statement.otherwise)
    else:
        frame.active = masks.both(entered, condition)
        frame.run(statement.then)
        if statement.otherwise:
            frame.active = masks.without(entered, condition)
            frame.run(statement.otherwise)
    frame.active = masks.without(entered, frame.loop.stopped)


def hint(statement: ir.TileHint, frame: Frame) -> None:
    """Runs the statements: a hint has no influence on what they do."""
    frame.run(statement.body)


def for_(statement: ir.For, frame: Frame) -> None:
    """Runs the body for each value; lanes may have bounds of their own."""
    start, stop, step = (
        snapshot(bound, frame)
        for bound in (statement.start, statement.stop, statement.step)
    )
    name = statement.var.name
    frame.loops.append(name)
    if start.ndim == stop.ndim == step.ndim == 0:
        values = _uniform_values(int(start), int(stop), int(step))
        _run_loop(statement.body, ((name, value, None) for value in values), frame)
    else:
        counts = _trip_counts(*np.broadcast_arrays(start, stop, step))
        if frame.active is not None:
            # the bounds of other lanes may be garbage
            counts = np.where(frame.active, counts, np.uint64(0))
        lanes = _lane_values(start, step, counts)
        _run_loop(statement.body, ((name, value, live) for value, live in lanes), frame)
    frame.loops.pop()


def _uniform_values(start: int, stop: int, step: int) -> Iterator[np.ndarray]:
    if step != 0:
        for value in range(start, stop, step):
            yield np.int64(value)  # type: ignore[misc]


def _lane_values(
    start: np.ndarray, step: np.ndarray, counts: np.ndarray
) -> Iterator[tuple[np.ndarray, Mask]]:
    """Each iteration's values, and the lanes that have such an iteration."""
    for number in range(int(counts.max(initial=0))):
        # only lanes without this iteration may wrap here
        yield start + np.int64(number) * step, counts > number


def _trip_counts(start: np.ndarray, stop: np.ndarray, step: np.ndarray) -> np.ndarray:
    """How often each lane iterates, in 64 unsigned bits, where no distance wraps."""
    up = (step > 0) & (start < stop)
    down = (step < 0) & (start > stop)
    distance = np.where(up, stop - start, start - stop).view(np.uint64)
    stride = np.where(up, step, -step).view(np.uint64)
    trips = (distance - np.uint64(1)) // np.where(stride == 0, np.uint64(1), stride)
    return np.where(up | down, trips + np.uint64(1), np.uint64(0))


def _run_loop(
    body: ir.Block,
    iterations: Iterator[tuple[str, np.ndarray, Mask]],
    frame: Frame,
) -> None:
    entered, outer = frame.active, frame.loop
    frame.loop = Loop()
    for name, value, live in iterations:
        remaining = masks.without(entered, frame.loop.broken)
        if not masks.some(remaining):
            break
        frame.active = masks.both(remaining, live)
        frame.loop.stopped = masks.nobody()
        frame.values[name] = value
        frame.run(body)
    frame.active, frame.loop = entered, outer


def while_(statement: ir.While, frame: Frame) -> None:
    """Runs the body for the lanes whose condition still holds."""
    entered, outer = frame.active, frame.loop
    frame.loop = Loop()
    live = entered
    while True:
        if not masks.some(live):
            break
        frame.active = live
        condition = snapshot(statement.condition, frame)
        live = frame.active = masks.both(live, condition)
        frame.loop.stopped = masks.nobody()
        frame.run(statement.body)
        live = masks.without(live, frame.loop.broken)
    frame.active, frame.loop = entered, outer


def break_(statement: ir.Break, frame: Frame) -> None:
    """The active lanes leave the loop."""
    frame.loop.broken = masks.either(frame.loop.broken, frame.active)
    continue_(statement, frame)


def continue_(statement: ir.Break | ir.Continue, frame: Frame) -> None:
    """The active lanes leave this iteration."""
    frame.loop.stopped = masks.either(frame.loop.stopped, frame.active)
    frame.active = masks.nobody()
