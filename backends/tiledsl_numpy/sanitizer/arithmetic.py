"""What a scalar operation does wrong: divisors, shifts, wrapping indices, NaN's origin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tiledsl.diagnostics.check_report import Sample, Severity
from tiledsl.ir import nodes as ir
from tiledsl_numpy import masks
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.sanitizer.session import Session, finding

_DIVISIONS = frozenset(["floordiv", "floormod", "truncdiv", "truncmod", "ceildiv"])
_SHIFTS = frozenset(["shl", "shr"])
_WRAPPING = frozenset(["add", "sub", "mul", "neg", "abs", "shl"])


def check_operation(
    expr: ir.Apply,
    operands: Sequence[np.ndarray],
    result: np.ndarray,
    frame: Frame,
    session: Session,
    is_index: bool,
) -> None:
    """Reports what an operation does wrong in active lanes."""
    if result.dtype.kind == "f":
        note_origin(expr.op, expr, operands, result, frame, session)
    elif expr.op in _DIVISIONS:
        _check_division(expr, operands, frame, session)
    elif expr.op in _SHIFTS:
        _check_shift(expr, operands[1], frame, session)
    if is_index and expr.op in _WRAPPING and result.dtype.kind in "iu":
        wrong = _wraps(expr.op, operands, result)
        if np.any(wrong):
            _report(
                "E5017", f"an index computed by {expr.op} in {expr.dtype} wraps around",
                expr, operands, wrong, frame, session,
            )  # fmt: skip


def _check_division(
    expr: ir.Apply, operands: Sequence[np.ndarray], frame: Frame, session: Session
) -> None:
    dividend, divisor = operands
    zero = divisor == 0
    if np.any(zero):
        message = f"{expr.op} divides by zero"
        _report("E5016", message, expr, operands, zero, frame, session)
    if divisor.dtype.kind == "i" and expr.op not in ("floormod", "truncmod"):
        lowest = np.iinfo(divisor.dtype).min
        overflow = (divisor == -1) & (dividend == lowest)
        if np.any(overflow):
            message = f"{expr.op} of the smallest {expr.dtype} by -1 overflows"
            _report("E5016", message, expr, operands, overflow, frame, session)


def _check_shift(
    expr: ir.Apply, count: np.ndarray, frame: Frame, session: Session
) -> None:
    bits = count.dtype.itemsize * 8
    wrong = (count < 0) | (count >= bits)
    if np.any(wrong):
        message = f"{expr.op} of a {expr.dtype} by a count outside 0 to {bits - 1}"
        _report("E5016", message, expr, [count], wrong, frame, session)


def _wraps(op: str, operands: Sequence[np.ndarray], result: np.ndarray) -> np.ndarray:
    """Where the exact result is not the wrapped one."""
    a = operands[0]
    if op == "abs":
        return np.asarray(result < 0)
    if op == "neg":
        signed = a.dtype.kind == "i"
        return np.asarray((result < 0) & (a < 0) if signed else a != 0)
    b = operands[1]
    if op == "shl":
        small = (b >= 0) & (b < a.dtype.itemsize * 8)
        back = np.right_shift(result, np.where(small, b, b.dtype.type(0)))
        return np.asarray(small & (back != a))
    if op == "mul":
        divisor = np.where(a == 0, a.dtype.type(1), a)
        quotient = np.floor_divide(result, divisor)
        exact = (quotient == b) & (np.multiply(quotient, a) == result)
        negated = (a == -1) & (b == result) & (b != 0) if a.dtype.kind == "i" else False
        return np.asarray((a != 0) & (~exact | negated))
    if a.dtype.kind == "u":
        return np.asarray(result < a if op == "add" else b > a)
    # the sign of the result is that of neither (add) or differs from the first (sub)
    other = b if op == "add" else np.invert(b)
    return np.asarray(((a ^ result) & (other ^ result)) < 0)


def note_origin(
    what: str,
    node: ir.Node,
    operands: Sequence[np.ndarray],
    result: np.ndarray,
    frame: Frame,
    session: Session,
) -> None:
    """Notes the first NaN, and the first infinity, that comes from finite operands."""
    if len(session.blamed) == 2 or np.isfinite(result).all():
        return
    for name, bad in (("NaN", np.isnan(result)), ("infinity", np.isinf(result))):
        if name in session.blamed:
            continue
        for operand in operands:
            bad = bad & np.isfinite(operand)
        if masks.some(masks.both(frame.active, bad)) and np.any(bad):
            session.blamed.add(name)
            _report(
                "E5018", f"the first {name} made from finite operands, by {what}",
                node, operands, bad, frame, session, severity="note",
            )  # fmt: skip


def _report(
    code: str,
    message: str,
    node: ir.Node,
    operands: Sequence[np.ndarray],
    wrong: np.ndarray,
    frame: Frame,
    session: Session,
    *,
    severity: Severity = "error",
) -> None:
    def describe(place: tuple[int, ...]) -> Sample:
        values = [str(_value(operand, place)) for operand in operands]
        return Sample(detail=f"operands {', '.join(values)}" if values else "")

    session.report(finding(severity, code, message, node), frame, wrong, describe)


def _value(operand: np.ndarray, place: tuple[int, ...]) -> object:
    operand = np.asarray(operand)
    if operand.ndim == 0:
        return operand.item()
    where = tuple(0 if n == 1 else i for n, i in zip(operand.shape, place, strict=True))
    return operand[where].item()
