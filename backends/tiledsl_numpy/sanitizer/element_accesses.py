"""Reads and writes of single elements: bounds, definedness, races."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tiledsl.diagnostics.check_report import Sample
from tiledsl.ir import nodes as ir
from tiledsl_numpy import masks
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.indexing import Span, positions_of
from tiledsl_numpy.masks import Mask
from tiledsl_numpy.samples import at_lane
from tiledsl_numpy.sanitizer import bounds
from tiledsl_numpy.sanitizer.asynchronous import used_too_early
from tiledsl_numpy.sanitizer.ownership import Claim, stamp
from tiledsl_numpy.sanitizer.session import (
    WRITE_FIRST,
    Session,
    chosen_lanes,
    finding,
)
from tiledsl_numpy.sanitizer.shadow import Shadow

_Access = ir.Load | ir.Store | ir.Accumulate | ir.Atomic


@dataclass(frozen=True, slots=True)
class Place:
    """The elements that the lanes access.

    ``elements``: their row-major numbers in memory, meaningless where ``chosen`` (lanes
    that are active and inside; None if all are) does not hold.
    """

    positions: tuple[np.ndarray, ...]
    elements: np.ndarray
    chosen: Mask

    def listed(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """The chosen lanes' numbers, and the elements they access."""
        lanes = chosen_lanes(frame, self.chosen)
        elements = np.broadcast_to(self.elements, frame.lanes.shape)
        return lanes, elements.reshape(-1)[lanes]


def locate(
    access: _Access, positions: Sequence[np.ndarray], frame: Frame, session: Session
) -> Place:
    """Finds the elements at positions; reports those that do not exist."""
    storage = frame.memory(access.buffer)
    shape, lanes = storage.array.shape, frame.lanes.shape
    inside = bounds.check_elements(access, positions, storage.array, frame, session)
    own = [positions_of(Span(0, axis), lanes) for axis in range(len(lanes))]
    full = [*own, *positions] if storage.private else list(positions)
    elements = np.int64(0)
    for position, extent in zip(full, shape, strict=True):
        elements = elements * np.int64(extent) + position  # type: ignore[assignment]
    numbers = np.asarray(elements)
    if inside is not None:
        numbers = np.where(inside, numbers, 0)
    return Place(tuple(positions), numbers, masks.both(frame.active, inside))


def read_elements(
    access: ir.Load | ir.Accumulate, place: Place, frame: Frame, session: Session
) -> None:
    """Reports undefined elements, and those that another block or iteration writes."""
    if not masks.some(place.chosen):
        return
    storage = frame.memory(access.buffer)
    shadow = check_defined(access, place, frame, session)
    if access.buffer.root not in session.program.written or storage.private:
        return
    across_blocks = access.buffer.scope == "global" and session.block is not None
    across_iterations = _is_shared_in_loop(access.buffer, session)
    if across_blocks or across_iterations:
        lanes, elements = place.listed(frame)
        if across_blocks:
            own = stamp(session.launch, session.number)
            wrong = shadow.owners_by_block().read(elements, own, session.launch)
            report_race("block", "read", access, place, lanes[wrong], frame, session)
        if across_iterations and session.parallel is not None:
            epoch = session.parallel.epoch
            own = stamp(epoch, iteration_numbers(frame, session)[lanes])
            wrong = shadow.owners_by_iteration().read(elements, own, epoch)
            report_race("lane", "read", access, place, lanes[wrong], frame, session)


def check_defined(
    access: ir.Load | ir.Accumulate | ir.Atomic,
    place: Place,
    frame: Frame,
    session: Session,
) -> Shadow:
    """Reports elements that are read before they are written, or before a wait."""
    array = frame.memory(access.buffer).array
    shadow = session.shadows.of(access.buffer, array)
    if not shadow.complete:
        undefined = ~shadow.defined.reshape(-1)[place.elements]
        if undefined.any():
            _report_undefined(access, place, undefined, frame, session)
    _check_flying(access, place, shadow, "read", frame, session)
    return shadow


def write_elements(
    access: ir.Store | ir.Accumulate,
    place: Place,
    value: np.ndarray | None,
    frame: Frame,
    session: Session,
) -> None:
    """Marks elements as defined; reports those that others access.

    ``value`` in the buffer's dtype: writes of equal bits do not conflict.  None: an update
    that another iteration may share, but not another block.
    """
    if not masks.some(place.chosen):
        return
    buffer, storage = access.buffer, frame.memory(access.buffer)
    shadow = session.shadows.of(buffer, storage.array)
    lanes, elements = place.listed(frame)
    if not shadow.complete:
        shadow.defined.reshape(-1)[elements] = True
    _check_flying(access, place, shadow, "write", frame, session)
    if storage.private:
        return
    if buffer.scope == "global" and session.block is not None:
        own = stamp(session.launch, session.number)
        claim = shadow.owners_by_block().write(elements, own, session.launch)
        wrong = _conflicts(claim, elements, lanes, value, shadow, frame)
        report_race("block", "write", access, place, lanes[wrong], frame, session)
    if session.parallel is not None and value is not None:
        epoch = session.parallel.epoch
        own = stamp(epoch, iteration_numbers(frame, session)[lanes])
        claim = shadow.owners_by_iteration().write(elements, own, epoch)
        wrong = _conflicts(claim, elements, lanes, value, shadow, frame)
        report_race("lane", "write", access, place, lanes[wrong], frame, session)


def _is_shared_in_loop(buffer: ir.Buffer, session: Session) -> bool:
    return session.parallel is not None and buffer.root in session.parallel.stored


def iteration_numbers(frame: Frame, session: Session) -> np.ndarray:
    """For each lane the number of its iteration in the whole ``Parallel``."""
    number = np.int64(0)
    extents = session.parallel.extents if session.parallel is not None else ()
    for axis, extent in enumerate(extents):
        number = number * np.int64(extent) + frame.lanes.positions(axis)  # type: ignore[assignment]
    full: np.ndarray = np.broadcast_to(number, frame.lanes.shape).reshape(-1)
    return full


def _conflicts(
    claim: Claim,
    elements: np.ndarray,
    lanes: np.ndarray,
    value: np.ndarray | None,
    shadow: Shadow,
    frame: Frame,
) -> np.ndarray:
    """Where a write conflicts, by what it writes beside what was there before."""
    both_write = claim.written_elsewhere | claim.repeated
    if value is None or not both_write.any():
        return np.asarray(claim.read_elsewhere | claim.written_elsewhere)
    written = bits(np.broadcast_to(value, frame.lanes.shape).reshape(-1)[lanes])
    memory = np.atleast_1d(shadow.array)
    before = bits(memory[np.unravel_index(elements, memory.shape)])
    differs = claim.written_elsewhere & (claim.was_read | (written != before))
    if claim.repeated.any():
        differs |= _unequal(elements, written)
    return np.asarray(claim.read_elsewhere | differs)


def _unequal(elements: np.ndarray, written: np.ndarray) -> np.ndarray:
    """Where an entry differs from another one for the same element."""
    numbers = np.unique(elements, return_inverse=True)[1]
    first = np.empty(numbers.max() + 1, written.dtype)
    first[numbers] = written
    differs = np.zeros(len(first), np.bool_)
    np.logical_or.at(differs, numbers, first[numbers] != written)
    return np.asarray(differs[numbers])


def bits(array: np.ndarray) -> np.ndarray:
    """Values as unsigned integers, so that NaN and -0 are compared by their bits."""
    return np.asarray(array, order="C").view(f"u{array.dtype.itemsize}")


def _describe_index(place: Place, lane: tuple[int, ...]) -> Sample:
    return Sample(index=tuple(int(at_lane(each, lane)) for each in place.positions))


def _report_undefined(
    access: ir.Load | ir.Accumulate | ir.Atomic,
    place: Place,
    undefined: np.ndarray,
    frame: Frame,
    session: Session,
) -> None:
    buffer = access.buffer
    wrong = undefined if place.chosen is None else undefined & place.chosen
    found = finding(
        "error",
        "E5011",
        f"an element of {buffer.name} is read before anything is written to it",
        access,
        buffer=buffer,
        array=frame.memory(buffer).array,
        hint=WRITE_FIRST,
    )
    session.report(found, frame, wrong, lambda lane: _describe_index(place, lane))


def _check_flying(
    access: _Access,
    place: Place,
    shadow: Shadow,
    what: Literal["read", "write"],
    frame: Frame,
    session: Session,
) -> None:
    """Reports elements that an asynchronous copy may write later."""
    if shadow.flying is not None:
        wrong = shadow.flying.reshape(-1)[place.elements]
        if place.chosen is not None:
            wrong = wrong & place.chosen
        found = used_too_early(access, shadow, what)
        session.report(found, frame, wrong, lambda lane: _describe_index(place, lane))


def report_race(
    between: str,
    what: str,
    access: _Access,
    place: Place,
    lanes: np.ndarray,
    frame: Frame,
    session: Session,
) -> None:
    """Reports the lanes whose access races with one of another block or iteration."""
    if not lanes.size:
        return
    wrong = np.zeros(frame.lanes.shape, np.bool_)
    wrong.reshape(-1)[lanes] = True
    code, who = ("E5012", "block") if between == "block" else ("E5013", "iteration")
    other = "writes" if what == "read" else "accesses"
    article, buffer = "an" if what == "update" else "a", access.buffer
    found = finding(
        "error",
        code,
        f"{article} {what} of {buffer.name} races: another {who} {other} the element",
        access,
        kind=what,
        buffer=buffer,
        array=frame.memory(buffer).array,
    )
    session.report(found, frame, wrong, lambda lane: _describe_index(place, lane))
