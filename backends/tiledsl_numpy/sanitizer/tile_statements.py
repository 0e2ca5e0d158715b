"""Checked tile operations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tiledsl.ir import nodes as ir
from tiledsl_numpy import matmul, reductions, regions, sorting, tiles
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.sanitizer import asynchronous
from tiledsl_numpy.sanitizer.arithmetic import note_origin
from tiledsl_numpy.sanitizer.conversions import note_elements_lost
from tiledsl_numpy.sanitizer.expressions import inspect
from tiledsl_numpy.sanitizer.region_accesses import (
    begin_write,
    check_bounds,
    overlap,
    read_region,
)
from tiledsl_numpy.sanitizer.session import Session, finding


def copy(statement: ir.Copy, frame: Frame, session: Session) -> None:
    """Only elements that can be written are read."""
    source, target = statement.source, statement.target
    for extent in statement.shape:
        inspect(extent, frame, session, is_index=True)
    shape = regions.shape_of(statement.shape, frame)
    check_bounds(target, shape, frame, session, writes=True)
    origin, part = regions.writable(target, shape, frame)
    if 0 not in part:
        check_bounds(source, shape, frame, session, writes=False)
        read_region(source, part, frame, session, origin)
        if source.buffer.name == target.buffer.name:
            _check_overlap(statement, part, origin, frame, session)
        value = regions.read(source, part, frame, origin)
        dtypes = source.buffer.dtype, target.buffer.dtype
        note_elements_lost(statement, value, *dtypes, frame, session)
    write = begin_write(target, shape, frame, session)
    tiles.copy(statement, frame)
    if write is not None:
        write.finish(frame, session)
        if statement.asynchronous:
            asynchronous.begin(statement, write.box, write.shadow, session)


def _check_overlap(
    statement: ir.Copy,
    shape: tuple[int, ...],
    origin: tuple[int, ...],
    frame: Frame,
    session: Session,
) -> None:
    buffer = statement.source.buffer
    array = frame.memory(buffer).array
    first, second = (
        regions.box_of(region, shape, array.shape, frame, origin)
        for region in (statement.source, statement.target)
    )
    if overlap(first, second):
        message = f"the source and the target of a copy overlap in {buffer.name}"
        found = finding(
            "error", "E5014", message, statement, buffer=buffer, array=array
        )
        session.report(found, frame)


def fill(statement: ir.Fill, frame: Frame, session: Session) -> None:
    """The value is evaluated once."""
    inspect(statement.value, frame, session)
    shape = regions.shape_of(statement.target.shape, frame)
    check_bounds(statement.target, shape, frame, session, writes=True)
    write = begin_write(statement.target, shape, frame, session)
    tiles.fill(statement, frame)
    if write is not None:
        write.finish(frame, session)


def gemm(statement: ir.Gemm, frame: Frame, session: Session) -> None:
    """The old content of the target counts unless it is cleared."""
    read = [statement.a, statement.b]
    clear = inspect(statement.clear, frame, session)
    if not clear:
        read.append(statement.c)
    _compute(statement, read, statement.c, frame, session)


def reduce(statement: ir.Reduce, frame: Frame, session: Session) -> None:
    """The old content of the target counts unless it is cleared."""
    read = [statement.source]
    if not statement.clear:
        read.append(statement.target)
    _compute(statement, read, statement.target, frame, session)


def sort(statement: ir.Sort, frame: Frame, session: Session) -> None:
    """All of the source is read."""
    source, target = statement.source, statement.target
    shape = regions.shape_of(source.shape, frame)
    check_bounds(source, shape, frame, session, writes=False)
    read_region(source, shape, frame, session)
    shape = regions.shape_of(target.shape, frame)
    check_bounds(target, shape, frame, session, writes=True)
    write = begin_write(target, shape, frame, session)
    sorting.sort(statement, frame)
    if write is not None:
        write.finish(frame, session)


def _compute(
    statement: ir.Gemm | ir.Reduce,
    read: Sequence[ir.Region],
    target: ir.Region,
    frame: Frame,
    session: Session,
) -> None:
    finite = len(session.blamed) < 2
    for region in read:
        shape = regions.shape_of(region.shape, frame)
        check_bounds(region, shape, frame, session, writes=False)
        read_region(region, shape, frame, session)
        if finite and region.buffer.dtype.is_float:
            finite = _is_finite(regions.read(region, shape, frame))
    shape = regions.shape_of(target.shape, frame)
    if target not in read:
        check_bounds(target, shape, frame, session, writes=True)
    write = begin_write(target, shape, frame, session)
    if isinstance(statement, ir.Gemm):
        matmul.gemm(statement, frame)
        what = "a matrix product"
    else:
        reductions.reduce(statement, frame)
        what = f"a reduction ({statement.reduction})"
    if write is not None:
        write.finish(frame, session)
    if finite and target.buffer.dtype.is_float:
        result = regions.read(target, shape, frame)
        if not _is_finite(result):
            _note(what, statement, result, frame, session)


def _is_finite(value: np.ndarray) -> bool:
    return bool(np.isfinite(value.astype(np.float64)).all())


def _note(
    what: str, node: ir.Node, result: np.ndarray, frame: Frame, session: Session
) -> None:
    """Blames the statement for the first NaN or infinity among its results."""
    wide = result.astype(np.float64).reshape(-1)
    one = wide[~np.isfinite(wide)][:1].reshape(())
    note_origin(what, node, (), one, frame, session)
