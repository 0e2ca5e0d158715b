"""Accesses out of bounds: which are tails of tiles, and which are wild (rule L114)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tiledsl.diagnostics.check_report import Finding, Sample, Severity
from tiledsl.ir import nodes as ir
from tiledsl_numpy import masks
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.masks import Mask
from tiledsl_numpy.samples import at_lane
from tiledsl_numpy.sanitizer.session import Session, finding

_GUARD = "if it is meant, guard the access or give the buffer a T.annotate_safe_value"

_EXACT: dict[str, Callable[..., int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
    "min": min,
    "max": max,
    "floordiv": lambda a, b: a // b if b else 0,
    "floormod": lambda a, b: a % b if b else a,
    "ceildiv": lambda a, b: -(-a // b) if b else 0,
}


def check_elements(
    access: ir.Load | ir.Store | ir.Accumulate | ir.Atomic,
    positions: Sequence[np.ndarray],
    array: np.ndarray,
    frame: Frame,
    session: Session,
) -> Mask:
    """Reports positions that active lanes have outside; gives the lanes inside."""
    buffer = access.buffer
    sizes = array.shape[array.ndim - buffer.rank :]
    valid: Mask = None
    for axis, (position, size) in enumerate(zip(positions, sizes, strict=True)):
        inside = (position >= 0) & (position < size)
        if inside.all():
            continue
        valid = masks.both(valid, inside)
        over = position >= size
        if np.any(over):
            start = first_position(access.indices[axis], frame, session)
            kind = "tail" if start is not None and 0 <= start < size else "wild"
            _report(kind, access, axis, positions, array, over, frame, session)
        if np.any(position < 0):
            wrong = position < 0
            _report("wild", access, axis, positions, array, wrong, frame, session)
    return valid


def check_dim(
    region: ir.Region,
    axis: int,
    start: int,
    extent: int,
    array: np.ndarray,
    frame: Frame,
    session: Session,
    *,
    writes: bool,
) -> None:
    """One dimension of a tile operation's operand."""
    size = array.shape[axis]
    if extent <= 0 or (start >= 0 and start + extent <= size):
        return
    overhangs = isinstance(region.dims[axis], ir.Range) and 0 <= start < size
    kind = "tail" if overhangs else "wild"
    found = _finding(kind, region, axis, array, session, writes=writes)
    last = start + extent - 1
    detail = f"positions {start} to {last}" if extent > 1 else f"position {start}"
    detail += f" of dimension {axis}, whose extent is {size}"
    session.report(found, frame, True, lambda place: Sample(detail=detail))


def _report(
    kind: str,
    access: ir.Load | ir.Store | ir.Accumulate | ir.Atomic,
    axis: int,
    positions: Sequence[np.ndarray],
    array: np.ndarray,
    wrong: np.ndarray,
    frame: Frame,
    session: Session,
) -> None:
    def describe(place: tuple[int, ...]) -> Sample:
        return Sample(index=tuple(int(at_lane(each, place)) for each in positions))

    writes = not isinstance(access, ir.Load)
    found = _finding(kind, access, axis, array, session, writes=writes)
    session.report(found, frame, wrong, describe)


def _finding(
    kind: str,
    access: ir.Load | ir.Store | ir.Accumulate | ir.Atomic | ir.Region,
    axis: int,
    array: np.ndarray,
    session: Session,
    *,
    writes: bool,
) -> Finding:
    buffer = access.buffer
    excused = session.conditions > 0 or buffer.name in session.program.safe
    harmless = kind == "tail" or excused
    severity: Severity = "note" if harmless and not session.strict else "error"
    verb = "writes" if writes else "reads"
    how = "overhangs" if kind == "tail" else "is outside"
    message = f"an access {verb} {buffer.name} where it {how} dimension {axis}"
    return finding(
        severity,
        "E5010",
        message,
        access,
        kind=kind,
        buffer=buffer,
        array=array,
        hint=None if harmless else _GUARD,
    )


def first_position(expr: ir.Expr, frame: Frame, session: Session) -> int | None:
    """An index at the first iteration of all loops around; None if it depends on data."""
    match expr:
        case ir.Const():
            return int(expr.value)
        case ir.Cast(value=value) if value.dtype.is_integer and expr.dtype.is_integer:
            return first_position(value, frame, session)
        case ir.Var(name=name):
            return _first_value(name, frame, session)
        case ir.Apply(op=op, args=args) if op in _EXACT:
            values = [first_position(arg, frame, session) for arg in args]
            known = [value for value in values if value is not None]
            return _EXACT[op](*known) if len(known) == len(values) else None
    return None


def _first_value(name: str, frame: Frame, session: Session) -> int | None:
    if name in session.starts:
        return session.starts[name]
    if name in frame.lanes.names:
        return 0
    if name in session.definitions:
        return first_position(session.definitions[name], frame, session)
    if name in frame.loops:
        return None  # its bounds depend on data
    value = np.asarray(frame.values[name])
    return int(value) if value.ndim == 0 and value.dtype.kind in "iu" else None
