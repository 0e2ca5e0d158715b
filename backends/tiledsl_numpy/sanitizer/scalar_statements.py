"""Checked statements on elements and scalars."""

from __future__ import annotations

import numpy as np

from tiledsl.ir import nodes as ir
from tiledsl_numpy import casts, elements
from tiledsl_numpy.accumulation import accumulate as interpret_accumulate
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.sanitizer.conversions import note_loss
from tiledsl_numpy.sanitizer.element_accesses import (
    locate,
    read_elements,
    write_elements,
)
from tiledsl_numpy.sanitizer.expressions import inspect, inspect_indices
from tiledsl_numpy.sanitizer.session import Session


def allocate(statement: ir.Allocate, frame: Frame, session: Session) -> None:
    """A view is as defined as what it is a view of."""
    elements.allocate(statement, frame)
    buffer = statement.buffer
    if buffer.of is not None:
        memory = frame.storage[buffer.of].array
        array = frame.memory(buffer).array
        session.shadows.declare_view(buffer, array, memory)


def let(statement: ir.Let, frame: Frame, session: Session) -> None:
    """Remembers what a name stands for, to tell affine indices from data."""
    name = statement.var.name
    positional = name in session.program.positions
    inspect(statement.value, frame, session, is_index=positional)
    session.definitions[name] = statement.value
    elements.let(statement, frame)


def store(statement: ir.Store, frame: Frame, session: Session) -> None:
    """Checks the value, then the element."""
    positions = inspect_indices(statement.indices, frame, session)
    value = _stored_value(statement, frame, session)
    place = locate(statement, positions, frame, session)
    write_elements(statement, place, value, frame, session)
    elements.store(statement, frame)


def _stored_value(statement: ir.Store, frame: Frame, session: Session) -> np.ndarray:
    """The value; a conversion on its way into the buffer should keep it."""
    expr = statement.value
    buffer = statement.buffer
    positional = not statement.indices and buffer.name in session.program.positions
    if positional or not isinstance(expr, ir.Cast):
        return inspect(expr, frame, session, is_index=positional)
    value = inspect(expr.value, frame, session)
    source = expr.value.dtype
    after = casts.cast(value, source, expr.dtype, expr.rounding, expr.saturate)
    note_loss(statement, value, after, source, expr.dtype, frame, session)
    return after


def accumulate(statement: ir.Accumulate, frame: Frame, session: Session) -> None:
    """An update reads its element and writes it; iterations of its loop share it."""
    positions = inspect_indices(statement.indices, frame, session)
    inspect(statement.value, frame, session)
    place = locate(statement, positions, frame, session)
    read_elements(statement, place, frame, session)
    write_elements(statement, place, None, frame, session)
    interpret_accumulate(statement, frame)
