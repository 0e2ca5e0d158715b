"""The value of every expression, in all lanes at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tiledsl.diagnostics import InternalError
from tiledsl.ir import nodes as ir
from tiledsl.ir.dtypes import DType
from tiledsl_numpy import casts, masks
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.indexing import Index, Span, gather, positions_of
from tiledsl_numpy.operations import OPERATIONS
from tiledsl_numpy.proofs import check_indices


def evaluate(expr: ir.Expr, frame: Frame) -> np.ndarray:
    """The value, in the carrier of its dtype; lanes that are not active get any value."""
    return _EVALUATE[type(expr)](expr, frame)


def snapshot(expr: ir.Expr, frame: Frame) -> np.ndarray:
    """The value as it is now, not a view of memory that may change."""
    value = evaluate(expr, frame)
    owned = not isinstance(value, np.ndarray) or value.base is None
    return value if owned else value.copy()


def scalar(expr: ir.Expr, frame: Frame) -> int:
    """An ``index`` or bool expression that is equal in all lanes, as an int."""
    return int(evaluate(expr, frame))


def constant(value: float, dtype: DType) -> np.ndarray:
    """A constant that is exactly representable in ``dtype``."""
    exact = np.array(value, np.float64 if dtype.is_float else dtype.as_numpy())
    scalar: np.ndarray = exact.astype(dtype.as_numpy())[()]
    return scalar


def _constant(expr: ir.Const, frame: Frame) -> np.ndarray:
    key = id(expr)
    known = frame.facts.constants
    if key not in known:
        known[key] = constant(expr.value, expr.dtype)
    return known[key]


def _variable(expr: ir.Var, frame: Frame) -> np.ndarray:
    try:
        return frame.values[expr.name]
    except KeyError:
        raise InternalError(
            "E9001", f"variable {expr.name} is not bound", span=expr.span
        ) from None


def _apply(expr: ir.Apply, frame: Frame) -> np.ndarray:
    operands = []
    for operand in expr.args:  # one frame of Python's stack per level of nesting
        operands.append(_EVALUATE[type(operand)](operand, frame))
    return OPERATIONS[expr.op](*operands)


def _select(expr: ir.Select, frame: Frame) -> np.ndarray:
    condition = evaluate(expr.condition, frame)
    if condition.ndim == 0 and expr.lazy:
        return evaluate(expr.then if condition else expr.otherwise, frame)
    active = frame.active
    if expr.lazy and frame.options.check_proofs:
        # a proof inside an arm may rest on the condition
        frame.active = masks.both(active, condition)
        then = evaluate(expr.then, frame)
        frame.active = masks.without(active, condition)
        otherwise = evaluate(expr.otherwise, frame)
        frame.active = active
    else:
        then = evaluate(expr.then, frame)
        otherwise = evaluate(expr.otherwise, frame)
    return np.where(condition, then, otherwise)


def _cast(expr: ir.Cast, frame: Frame) -> np.ndarray:
    value = evaluate(expr.value, frame)
    source = expr.value.dtype
    return casts.cast(value, source, expr.dtype, expr.rounding, expr.saturate)


def _bitcast(expr: ir.Bitcast, frame: Frame) -> np.ndarray:
    return casts.bitcast(evaluate(expr.value, frame), expr.dtype)


def _load(expr: ir.Load, frame: Frame) -> np.ndarray:
    storage = frame.memory(expr.buffer)
    indices = subscripts(expr.indices, frame)
    if frame.options.check_proofs and any(expr.proved):
        check_indices(expr, indices, storage.array.shape, frame)
    fill = fill_value(expr.fill, expr.buffer, frame)
    if storage.private:
        indices = own_lane(frame) + indices
    return gather(storage.array, indices, frame.lanes.shape, fill)


def fill_value(fill: ir.Const | None, buffer: ir.Buffer, frame: Frame) -> np.ndarray:
    """What a read outside gives: all bits zero unless the access says otherwise."""
    if fill is not None:
        return _constant(fill, frame)
    return np.zeros((), buffer.dtype.as_numpy())[()]


def own_lane(frame: Frame) -> tuple[Index, ...]:
    """The indices that lead to each lane's copy of a private buffer."""
    return tuple(Span(0, axis) for axis in range(len(frame.lanes.shape)))


def subscripts(indices: tuple[ir.Expr, ...], frame: Frame) -> tuple[Index, ...]:
    """The positions that index expressions stand for."""
    return tuple(_subscript(index, frame) for index in indices)


def _subscript(expr: ir.Expr, frame: Frame) -> Index:
    """A span for a loop variable plus or minus a scalar; else what it evaluates to."""
    if isinstance(expr, ir.Var) and expr.name in frame.lanes.names:
        axis = frame.lanes.names.index(expr.name)
        return Span(frame.lanes.origin[axis], axis)
    if isinstance(expr, ir.Apply) and expr.op in ("add", "sub"):
        left = _subscript(expr.args[0], frame)
        right = _subscript(expr.args[1], frame)
        return _sum(expr.op, left, right, frame)
    return _index(evaluate(expr, frame))


def _index(value: np.ndarray) -> Index:
    return Span(int(value)) if value.ndim == 0 else value


def _sum(op: str, left: Index, right: Index, frame: Frame) -> Index:
    """A span plus or minus a scalar is a span, unless index arithmetic would wrap."""
    if isinstance(left, Span) and isinstance(right, Span):
        start = left.start + right.start if op == "add" else left.start - right.start
        movable = right.axis is None or (left.axis is None and op == "add")
        if movable and -(2**62) < start < 2**62:
            return Span(start, left.axis if right.axis is None else right.axis)
    lanes = frame.lanes.shape
    operands = positions_of(left, lanes), positions_of(right, lanes)
    return _index(OPERATIONS[op](*operands))


_EVALUATE: dict[type, Callable[..., np.ndarray]] = {
    ir.Const: _constant,
    ir.Var: _variable,
    ir.Apply: _apply,
    ir.Select: _select,
    ir.Cast: _cast,
    ir.Bitcast: _bitcast,
    ir.Load: _load,
}
