"""Checked atomic updates: no race with one another, but with every plain access."""

from __future__ import annotations

from tiledsl.ir import nodes as ir
from tiledsl_numpy import masks
from tiledsl_numpy.atomics import atomic as interpret_atomic
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.sanitizer.element_accesses import (
    Place,
    check_defined,
    iteration_numbers,
    locate,
    report_race,
)
from tiledsl_numpy.sanitizer.expressions import inspect, inspect_indices
from tiledsl_numpy.sanitizer.ownership import stamp
from tiledsl_numpy.sanitizer.session import Session


def atomic(statement: ir.Atomic, frame: Frame, session: Session) -> None:
    """Checks the value and the element, then updates it."""
    positions = inspect_indices(statement.indices, frame, session)
    if statement.value is not None:
        inspect(statement.value, frame, session)
    place = locate(statement, positions, frame, session)
    if masks.some(place.chosen):
        _check(statement, place, frame, session)
    interpret_atomic(statement, frame)


def _check(statement: ir.Atomic, place: Place, frame: Frame, session: Session) -> None:
    storage, buffer = frame.memory(statement.buffer), statement.buffer
    if statement.op != "exchange" or statement.previous is not None:
        check_defined(statement, place, frame, session)
    shadow = session.shadows.of(buffer, storage.array)
    lanes, elements = place.listed(frame)
    writes = statement.op != "load"
    if writes and not shadow.complete:
        shadow.defined.reshape(-1)[elements] = True
    if storage.private:
        return
    what = "update" if writes else "read"
    if buffer.scope == "global" and session.block is not None:
        own, epoch = stamp(session.launch, session.number), session.launch
        owners = shadow.owners_by_block()
        wrong = owners.update(elements, own, epoch, writes=writes)
        report_race("block", what, statement, place, lanes[wrong], frame, session)
    if session.parallel is not None:
        epoch = session.parallel.epoch
        own = stamp(epoch, iteration_numbers(frame, session)[lanes])
        owners = shadow.owners_by_iteration()
        wrong = owners.update(elements, own, epoch, writes=writes)
        report_race("lane", what, statement, place, lanes[wrong], frame, session)
