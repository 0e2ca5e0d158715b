"""Comparisons, conditions and selects on scalars (rules L31, L37)."""

from __future__ import annotations

from typing import Final

from tiledsl.frontend.arithmetic import common, counted_dtype
from tiledsl.frontend.builder import here
from tiledsl.frontend.literals import Literal
from tiledsl.frontend.scalars import Operand, Scalar, constant, evaluated
from tiledsl.ir.dtypes import BOOL, INDEX, INT32, INT64, DType
from tiledsl.ir.nodes import Apply, Cast, Const, Expr, Select

_SWAPPED: Final = {
    "eq": "eq",
    "ne": "ne",
    "lt": "gt",
    "le": "ge",
    "gt": "lt",
    "ge": "le",
}


def compare(op: str, a: Operand, b: Operand) -> Scalar:
    """eq, ne, lt, le, gt or ge, giving a bool; integers compare by value."""
    left, right = counted_dtype(a, b), counted_dtype(b, a)
    span = here()
    if left.is_integer and right.is_integer:
        return Scalar(_by_value(op, a, b, left, right), BOOL)
    equality = op in ("eq", "ne")
    _, evaluation = common(a, b, arithmetic=not equality)
    args = (evaluated(a, evaluation), evaluated(b, evaluation))
    return Scalar(Apply(op, args, span=span), BOOL)


def _by_value(op: str, a: Operand, b: Operand, left: DType, right: DType) -> Expr:
    """A comparison of integers of any widths and signs by mathematical value."""
    left = INDEX if isinstance(a, Scalar) and a.is_index else left
    right = INDEX if isinstance(b, Scalar) and b.is_index else right
    if left.is_signed == right.is_signed:
        wider = left if left.bits >= right.bits else right
        wider = INDEX if INDEX in (left, right) else wider
        return Apply(op, (evaluated(a, wider), evaluated(b, wider)), span=here())
    if "uint64" not in (left, right):
        unsigned = right if left.is_signed else left
        narrow = max(left.bits, right.bits, 2 * unsigned.bits) <= 32
        wider = INDEX if INDEX in (left, right) else INT32 if narrow else INT64
        return Apply(op, (evaluated(a, wider), evaluated(b, wider)), span=here())
    if left.is_signed:
        return _signed_against_uint64(op, evaluated(a, left), evaluated(b, right))
    return _signed_against_uint64(_SWAPPED[op], evaluated(b, right), evaluated(a, left))


def _signed_against_uint64(op: str, signed: Expr, unsigned: Expr) -> Expr:
    """A negative number is below every uint64; another one compares as uint64."""
    span = here()
    negative = Apply("lt", (signed, constant(0, signed.dtype)), span=span)
    same = Apply(op, (Cast(signed, unsigned.dtype, span=span), unsigned), span=span)
    below = Const(op in ("lt", "le", "ne"), BOOL, span=span)
    return Select(negative, below, same, span=span)


def condition(operand: Operand) -> Expr:
    """A bool; a number counts as ``!= 0``."""
    if isinstance(operand, Literal):
        return Const(bool(operand.value), BOOL, span=here())
    if operand.expr.dtype == BOOL:
        return operand.expr
    return Cast(operand.expr, BOOL, span=here())


def choose(test: Operand, then: Operand, otherwise: Operand, *, lazy: bool) -> Scalar:
    """``then if test else otherwise`` in the arms' common dtype."""
    dtype, evaluation = common(then, otherwise, arithmetic=False)
    arms = (evaluated(then, evaluation), evaluated(otherwise, evaluation))
    chosen = condition(test)
    expr = Select(chosen, arms[0], arms[1], lazy, span=here())
    if evaluation.is_integer:
        return Scalar(expr, dtype, "select", (Scalar(chosen, BOOL), then, otherwise))
    return Scalar(expr, dtype)


def logical(op: str, a: Operand, b: Operand) -> Scalar:
    """``a and b`` / ``a or b`` as a bool; b makes accesses only if a does not decide."""
    first, second = condition(a), condition(b)
    span = here()
    if op == "and":
        expr = Select(first, second, Const(False, BOOL, span=span), span=span)
    else:
        expr = Select(first, Const(True, BOOL, span=span), second, span=span)
    return Scalar(expr, BOOL)


def negated(a: Operand) -> Scalar:
    """``not a``."""
    return Scalar(Apply("not", (condition(a),), span=here()), BOOL)
