"""Which values a conversion changes by more than rounding."""

from __future__ import annotations

import numpy as np

from tiledsl.diagnostics.check_report import Finding, Sample
from tiledsl.ir import nodes as ir
from tiledsl.ir.dtypes import INDEX, DType
from tiledsl_numpy.casts import cast
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.sanitizer.session import Session, finding


def lost(
    value: np.ndarray, after: np.ndarray, source: DType, target: DType
) -> np.ndarray:
    """Where ``after`` is not ``value``: overflow, a lost fraction, a lost high part."""
    if source == target or target.kind == "bool" or source.kind == "bool":
        return np.asarray(False)
    if source.is_float and target.is_float:
        wide = cast(value, source, DType("float64"))
        return np.asarray(np.isfinite(wide) & (np.abs(wide) > float(target.maximum)))
    if source.is_float:
        wide = cast(value, source, DType("float64"))
        return np.asarray(~(wide == after.astype(np.float64)))
    back = cast(after, target, source)
    changed = np.asarray(back != value)
    if target.is_float:
        return changed
    return np.asarray(changed | ((after < 0) != (value < 0)))


def check_cast(
    expr: ir.Cast,
    value: np.ndarray,
    after: np.ndarray,
    frame: Frame,
    session: Session,
    is_index: bool,
) -> None:
    """A narrowed index is an error; overflow of an 8-bit float is worth a note."""
    source, target = expr.value.dtype, expr.dtype
    position = source == INDEX or is_index
    if position and source.is_integer and target.is_integer:
        wrong = lost(value, after, source, target)
        if np.any(wrong):
            message = f"an index of dtype {source} does not fit {target}"
            session.report(finding("error", "E5017", message, expr), frame, wrong)
    elif target.is_float and target.bits == 8:
        note_loss(expr, value, after, source, target, frame, session)


def note_loss(
    node: ir.Node,
    value: np.ndarray,
    after: np.ndarray,
    source: DType,
    target: DType,
    frame: Frame,
    session: Session,
) -> None:
    """Notes values that a conversion of every lane's value changes."""
    wrong = lost(value, after, source, target)
    if np.any(wrong):
        shape = np.broadcast_shapes(np.shape(value), frame.lanes.shape)
        values = np.broadcast_to(value, shape) if frame.lanes.shape else None

        def describe(place: tuple[int, ...]) -> Sample:
            found = value if values is None else values[place]
            return Sample(detail=f"value {found}")

        session.report(_lossy(node, source, target), frame, wrong, describe)


def note_elements_lost(
    node: ir.Node,
    value: np.ndarray,
    source: DType,
    target: DType,
    frame: Frame,
    session: Session,
) -> None:
    """Notes elements of a tile that a copy changes; the samples count within the copy."""
    if source == target:
        return
    wrong = lost(value, cast(value, source, target), source, target)
    if np.any(wrong):
        found = _lossy(node, source, target)
        origin = (0,) * value.ndim
        session.report_elements(found, frame, wrong, origin)


def _lossy(node: ir.Node, source: DType, target: DType) -> Finding:
    message = f"the conversion from {source} to {target} changes values"
    return finding("note", "E5020", message, node)
