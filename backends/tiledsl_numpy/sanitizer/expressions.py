"""The value of an expression as the interpreter has it, and what is wrong on the way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tiledsl.ir import nodes as ir
from tiledsl_numpy import casts, masks
from tiledsl_numpy.expressions import evaluate, fill_value, own_lane
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.indexing import Index, gather
from tiledsl_numpy.operations import OPERATIONS
from tiledsl_numpy.sanitizer.arithmetic import check_operation
from tiledsl_numpy.sanitizer.conversions import check_cast
from tiledsl_numpy.sanitizer.element_accesses import locate, read_elements
from tiledsl_numpy.sanitizer.session import Session


def inspect(
    expr: ir.Expr, frame: Frame, session: Session, *, is_index: bool = False
) -> np.ndarray:
    """The value; reports faults of active lanes.  ``is_index``: it becomes a position."""
    return _INSPECT[type(expr)](expr, frame, session, is_index)


def inspect_indices(
    indices: tuple[ir.Expr, ...], frame: Frame, session: Session
) -> list[np.ndarray]:
    """Positions, one array or scalar per dimension."""
    return [inspect(index, frame, session, is_index=True) for index in indices]


def _plain(expr: ir.Expr, frame: Frame, session: Session, is_index: bool) -> np.ndarray:
    return evaluate(expr, frame)


def _apply(
    expr: ir.Apply, frame: Frame, session: Session, is_index: bool
) -> np.ndarray:
    operands = [_INSPECT[type(arg)](arg, frame, session, is_index) for arg in expr.args]
    result = OPERATIONS[expr.op](*operands)
    check_operation(expr, operands, result, frame, session, is_index)
    return result


def _select(
    expr: ir.Select, frame: Frame, session: Session, is_index: bool
) -> np.ndarray:
    """The arms of a lazy one are inspected in the lanes that choose them."""
    condition = inspect(expr.condition, frame, session)
    if not expr.lazy:
        then = inspect(expr.then, frame, session, is_index=is_index)
        otherwise = inspect(expr.otherwise, frame, session, is_index=is_index)
        return np.where(condition, then, otherwise)
    active = frame.active
    session.conditions += 1
    frame.active = masks.both(active, condition)
    then = _arm(expr.then, frame, session, is_index)
    frame.active = masks.without(active, condition)
    otherwise = _arm(expr.otherwise, frame, session, is_index)
    session.conditions -= 1
    frame.active = active
    return np.where(condition, then, otherwise)


def _arm(expr: ir.Expr, frame: Frame, session: Session, is_index: bool) -> np.ndarray:
    if masks.some(frame.active):
        return inspect(expr, frame, session, is_index=is_index)
    return evaluate(expr, frame)


def _cast(expr: ir.Cast, frame: Frame, session: Session, is_index: bool) -> np.ndarray:
    value = inspect(expr.value, frame, session, is_index=is_index)
    source = expr.value.dtype
    after = casts.cast(value, source, expr.dtype, expr.rounding, expr.saturate)
    check_cast(expr, value, after, frame, session, is_index)
    return after


def _bitcast(
    expr: ir.Bitcast, frame: Frame, session: Session, is_index: bool
) -> np.ndarray:
    return casts.bitcast(inspect(expr.value, frame, session), expr.dtype)


def _load(expr: ir.Load, frame: Frame, session: Session, is_index: bool) -> np.ndarray:
    positions = inspect_indices(expr.indices, frame, session)
    place = locate(expr, positions, frame, session)
    read_elements(expr, place, frame, session)
    storage = frame.memory(expr.buffer)
    indices: tuple[Index, ...] = tuple(positions)
    if storage.private:
        indices = own_lane(frame) + indices
    fill = fill_value(expr.fill, expr.buffer, frame)
    return gather(storage.array, indices, frame.lanes.shape, fill)


_INSPECT: dict[type, Callable[..., np.ndarray]] = {
    ir.Const: _plain,
    ir.Var: _plain,
    ir.Apply: _apply,
    ir.Select: _select,
    ir.Cast: _cast,
    ir.Bitcast: _bitcast,
    ir.Load: _load,
}
