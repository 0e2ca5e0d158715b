"""Asynchronous copies that are used, or left, before anything has waited for them."""

from __future__ import annotations

from typing import Literal

import numpy as np

from tiledsl.diagnostics.check_report import Finding, Sample
from tiledsl.ir import nodes as ir
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.indexing import Box
from tiledsl_numpy.sanitizer.session import Flight, Session, finding
from tiledsl_numpy.sanitizer.shadow import Shadow

_HINT = "wait for the copy first: T.ptx_wait_group(0), or a barrier"


def begin(statement: ir.Copy, box: Box, shadow: Shadow, session: Session) -> None:
    """The elements that were written are on their way until the block waits."""
    if shadow.flying is None:
        shadow.flying = np.zeros(shadow.array.shape, np.bool_)
    box.view(shadow.flying)[...] = True
    session.flights.append(Flight(statement, shadow))


def wait(statement: ir.Wait, frame: Frame, session: Session) -> None:
    """Every copy has arrived."""
    for flight in session.flights:
        flight.shadow.flying = None
    session.flights.clear()


def end_block(session: Session) -> None:
    """A block may not end with copies on their way."""
    for flight in session.flights:
        buffer = flight.statement.target.buffer
        found = finding(
            "error",
            "E5024",
            f"nothing waits for the asynchronous copy into {buffer.name}",
            flight.statement,
            kind="left",
            buffer=buffer,
            array=flight.shadow.array,
            hint=_HINT,
        )
        session.findings.add(found, [Sample(session.block)])
    session.flights.clear()


def check_box(
    region: ir.Region,
    box: Box,
    shadow: Shadow,
    first: tuple[int, ...],
    frame: Frame,
    session: Session,
    *,
    what: Literal["read", "write"],
) -> None:
    """Reports the elements of a box, the first of which is ``first``, on their way."""
    if shadow.flying is not None:
        found = _used(region, region.buffer, shadow, what)
        session.report_elements(found, frame, box.view(shadow.flying), first)


def _used(
    node: ir.Node, buffer: ir.Buffer, shadow: Shadow, what: Literal["read", "write"]
) -> Finding:
    return finding(
        "error",
        "E5024",
        f"a {what} of {buffer.name} does not wait for the asynchronous copy into it",
        node,
        kind=what,
        buffer=buffer,
        array=shadow.array,
        hint=_HINT,
    )


def used_too_early(
    access: ir.Load | ir.Store | ir.Accumulate | ir.Atomic,
    shadow: Shadow,
    what: Literal["read", "write"],
) -> Finding:
    """The finding for single elements."""
    return _used(access, access.buffer, shadow, what)
