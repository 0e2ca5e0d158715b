"""Reads and writes of tile operations: bounds, definedness, races between blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tiledsl.ir import nodes as ir
from tiledsl_numpy import regions
from tiledsl_numpy.expressions import scalar
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.indexing import Box
from tiledsl_numpy.sanitizer import asynchronous, bounds
from tiledsl_numpy.sanitizer.element_accesses import bits
from tiledsl_numpy.sanitizer.expressions import inspect
from tiledsl_numpy.sanitizer.ownership import Claim, stamp
from tiledsl_numpy.sanitizer.session import WRITE_FIRST, Session, finding
from tiledsl_numpy.sanitizer.shadow import Shadow

Shape = tuple[int, ...]


def check_bounds(
    region: ir.Region, shape: Shape, frame: Frame, session: Session, *, writes: bool
) -> None:
    """Inspects a region's positions and reports where ``shape`` leaves the buffer."""
    array = frame.memory(region.buffer).array
    for dim in region.dims:
        parts = (dim.index,) if isinstance(dim, ir.At) else (dim.start, dim.extent)
        for part in parts:
            if not isinstance(part, ir.Const | ir.Var):
                inspect(part, frame, session, is_index=True)
    if 0 in shape:
        return
    along = iter(shape)
    for axis, dim in enumerate(region.dims):
        if isinstance(dim, ir.At):
            start, extent = scalar(dim.index, frame), 1
        else:
            start = scalar(dim.start, frame)
            extent = min(next(along), scalar(dim.extent, frame))
        bounds.check_dim(
            region, axis, start, extent, array, frame, session, writes=writes
        )


def read_region(
    region: ir.Region,
    shape: Shape,
    frame: Frame,
    session: Session,
    origin: Shape = (),
) -> None:
    """Reports undefined elements and races of the elements that are read."""
    array = frame.memory(region.buffer).array
    box = regions.box_of(region, shape, array.shape, frame, origin)
    if box.empty:
        return
    shadow = session.shadows.of(region.buffer, array)
    if not shadow.complete:
        undefined = ~box.view(shadow.defined)
        if undefined.any():
            _report_undefined(region, box, undefined, frame, session)
    asynchronous.check_box(
        region, box, shadow, _first(box), frame, session, what="read"
    )
    name = region.buffer.root
    if _between_blocks(region.buffer, session) and name in session.program.written:
        elements = _numbers(box, array.shape)
        own = stamp(session.launch, session.number)
        wrong = shadow.owners_by_block().read(elements, own, session.launch)
        _report_race("read", region, box, wrong, frame, session)


@dataclass(frozen=True, slots=True)
class RegionWrite:
    """A write that is about to happen: what it meets, and what was there if that counts."""

    region: ir.Region
    box: Box
    shadow: Shadow
    claim: Claim | None
    before: np.ndarray | None

    def finish(self, frame: Frame, session: Session) -> None:
        """After the statement: the elements are defined, and may conflict."""
        self.box.view(self.shadow.defined)[...] = True
        if self.box.whole and self.box.extent == self.shadow.array.shape:
            self.shadow.complete = True
        if self.claim is None:
            return
        wrong = self.claim.read_elsewhere
        if self.before is not None:
            after = bits(self.box.view(self.shadow.array))
            changed = self.claim.was_read | (after != self.before)
            wrong = wrong | (self.claim.written_elsewhere & changed)
        _report_race("write", self.region, self.box, wrong, frame, session)


def begin_write(
    region: ir.Region, shape: Shape, frame: Frame, session: Session
) -> RegionWrite | None:
    """Before a statement that writes a region; None if it writes nothing."""
    array = frame.memory(region.buffer).array
    box = regions.box_of(region, shape, array.shape, frame)
    if box.empty:
        return None
    shadow = session.shadows.of(region.buffer, array)
    asynchronous.check_box(
        region, box, shadow, _first(box), frame, session, what="write"
    )
    claim = before = None
    if _between_blocks(region.buffer, session):
        elements = _numbers(box, array.shape)
        own = stamp(session.launch, session.number)
        claim = shadow.owners_by_block().write(elements, own, session.launch)
        if claim.written_elsewhere.any():
            before = bits(box.view(array)).copy()
    return RegionWrite(region, box, shadow, claim, before)


def overlap(source: Box, target: Box) -> bool:
    """Whether two boxes of one buffer share elements, but not each with itself."""
    same = True
    for axis, (low, high) in enumerate(source.inside):
        first, last = source.start[axis] + low, source.start[axis] + high
        low, high = target.inside[axis]
        begin, end = target.start[axis] + low, target.start[axis] + high
        if min(last, end) <= max(first, begin):
            return False
        same = same and source.start[axis] == target.start[axis]
    return not same


def _between_blocks(buffer: ir.Buffer, session: Session) -> bool:
    return buffer.scope == "global" and session.block is not None


def _numbers(box: Box, shape: Shape) -> np.ndarray:
    """The row-major numbers of a box's existing elements."""
    numbers = np.zeros((1,) * len(shape), np.int64)
    for axis, extent in enumerate(shape):
        low, high = box.inside[axis]
        along = np.arange(low, high, dtype=np.int64) + box.start[axis]
        spread = [1] * len(shape)
        spread[axis] = high - low
        numbers = numbers * np.int64(extent) + along.reshape(spread)
    return numbers


def _first(box: Box) -> Shape:
    return tuple(
        start + low for start, (low, _) in zip(box.start, box.inside, strict=True)
    )


def _report_undefined(
    region: ir.Region, box: Box, undefined: np.ndarray, frame: Frame, session: Session
) -> None:
    buffer = region.buffer
    found = finding(
        "error",
        "E5011",
        f"an element of {buffer.name} is read before anything is written to it",
        region,
        buffer=buffer,
        array=frame.memory(buffer).array,
        hint=WRITE_FIRST,
    )
    session.report_elements(found, frame, undefined, _first(box))


def _report_race(
    what: str,
    region: ir.Region,
    box: Box,
    wrong: np.ndarray,
    frame: Frame,
    session: Session,
) -> None:
    if wrong.any():
        buffer = region.buffer
        other = "writes" if what == "read" else "accesses"
        found = finding(
            "error",
            "E5012",
            f"a {what} of {buffer.name} races: another block {other} the element",
            region,
            kind=what,
            buffer=buffer,
            array=frame.memory(buffer).array,
        )
        session.report_elements(found, frame, wrong, _first(box))
