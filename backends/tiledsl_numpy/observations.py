"""Assert, Print and Wait."""

from __future__ import annotations

import numpy as np

from tiledsl.diagnostics.assertions import failure
from tiledsl.diagnostics.printed import print_value
from tiledsl.ir import nodes as ir
from tiledsl_numpy import masks, regions
from tiledsl_numpy.expressions import evaluate
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.samples import (
    at_lane,
    chosen_places,
    first_samples,
    sample_at,
)


def assert_(statement: ir.Assert, frame: Frame) -> None:
    """Remembers failures.  A promise of the user is believed (rule L72)."""
    if not statement.assumed:
        note_failures(statement, evaluate(statement.condition, frame), frame)


def note_failures(statement: ir.Assert, holds: np.ndarray, frame: Frame) -> None:
    """Remembers the active lanes in which the condition does not hold."""
    failed = np.logical_not(holds)
    where = masks.both(frame.active, failed)
    count = int(np.count_nonzero(np.broadcast_to(np.asarray(where), frame.lanes.shape)))
    if count:
        frame.failures.add(failure(statement, count), first_samples(frame, failed))


def print_(statement: ir.Print, frame: Frame) -> None:
    """One line for each active lane."""
    value = statement.value
    if isinstance(value, ir.Region):
        tile = regions.read(value, regions.shape_of(value.shape, frame), frame)
        print_value(statement.message, sample_at(frame, ()), tile)
        return
    scalars = None if value is None else evaluate(value, frame)
    for place in chosen_places(frame):
        scalar = None if scalars is None else at_lane(scalars, place)[()]
        print_value(statement.message, sample_at(frame, place), scalar)


def nothing(statement: ir.Print | ir.Breakpoint | ir.Wait, frame: Frame) -> None:
    """Copies are complete where the next statement begins; others are not looked at."""
