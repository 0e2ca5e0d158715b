"""Scalars of a trace as data: an expression and the dtype the user sees."""

from __future__ import annotations

from dataclasses import dataclass

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.builder import here
from tiledsl.frontend.literals import Literal, fits, rounded
from tiledsl.ir.dtypes import BOOL, INDEX, INT32, DType
from tiledsl.ir.nodes import Apply, Cast, Const, Expr, Select


@dataclass(frozen=True, slots=True)
class Scalar:
    """A typed scalar.

    ``expr`` has the dtype in which it is evaluated, ``dtype`` is the one it counts as:
    a product of float16s is float32 and counts as float16; an index is ``index`` and
    counts as int32 (rules L29, L32).  ``operation`` and ``operands`` say how an integer
    was computed, so that an index position can compute it again in 64 bits.
    """

    expr: Expr
    dtype: DType
    operation: str = ""
    operands: tuple[Operand, ...] = ()

    @property
    def is_index(self) -> bool:
        return self.expr.dtype == INDEX


Operand = Scalar | Literal


def scalar(expr: Expr, dtype: DType | None = None) -> Scalar:
    """An expression as a scalar; narrow floats are widened, an index counts as int32."""
    if dtype is None:
        dtype = INT32 if expr.dtype == INDEX else expr.dtype
    if not expr.dtype.is_arithmetic:
        expr = Cast(expr, expr.dtype.evaluation, span=expr.span)
    return Scalar(expr, dtype)


def constant(value: int | float | bool, dtype: DType) -> Const:
    """A Python number as a constant of ``dtype``; it must fit an integer dtype."""
    if dtype == BOOL:
        return Const(bool(value), dtype, span=here())
    if dtype.is_float:
        return Const(rounded(value, dtype), dtype, span=here())
    if (
        value != value
        or value in (float("inf"), -float("inf"))
        or not fits(int(value), dtype)
    ):
        raise KernelError(
            "E0302",
            f"the literal does not fit {dtype}",
            span=here(),
            expected=f"a value from {dtype.minimum} to {dtype.maximum}",
            got=brief(value),
            hint="give the number a dtype that holds it, e.g. T.int64(...)",
        )
    return Const(int(value), dtype, span=here())


def coerced(operand: Operand, dtype: DType) -> Expr:
    """The operand in the evaluation dtype of ``dtype``, where an operation meets it."""
    return evaluated(operand, dtype.evaluation)


def evaluated(operand: Operand, dtype: DType) -> Expr:
    """The operand in exactly ``dtype``, one in which operations are evaluated."""
    if isinstance(operand, Literal):
        value = operand.value
        if dtype.is_integer and isinstance(value, int) and not fits(value, dtype):
            value = wrapped(value, dtype)  # it counted as a wider or signed dtype
        return constant(value, dtype)
    if operand.expr.dtype == dtype:
        return operand.expr
    return Cast(operand.expr, dtype, span=here())


def wrapped(value: int, dtype: DType) -> int:
    """The low bits of an integer, read as this integer dtype."""
    low = value & ((1 << dtype.bits) - 1)
    negative = dtype.is_signed and low >> (dtype.bits - 1)
    return low - (1 << dtype.bits) if negative else low


def as_index_expr(operand: Operand) -> Expr:
    """The operand in an index position: every integer leaf widened first (rule L29)."""
    if isinstance(operand, Literal):
        if isinstance(operand.value, int) and not isinstance(operand.value, bool):
            return constant(operand.value, INDEX)
        raise _not_an_index(type(operand.value).__name__)
    if operand.is_index:
        return operand.expr
    if not operand.dtype.is_integer:
        raise _not_an_index(operand.dtype)
    if isinstance(operand.expr, Const):
        return constant(operand.expr.value, INDEX)
    if operand.operation == "select":
        condition, then, otherwise = operand.operands
        return Select(
            coerced(condition, BOOL),
            as_index_expr(then),
            as_index_expr(otherwise),
            span=here(),
        )
    if operand.operation:
        args = tuple(as_index_expr(part) for part in operand.operands)
        return Apply(operand.operation, args, span=here())
    return Cast(operand.expr, INDEX, span=here())


def _not_an_index(got: str) -> KernelError:
    return KernelError(
        "E0311",
        "an index, bound or extent must be an integer",
        span=here(),
        expected="an integer",
        got=str(got),
        hint="convert it with T.int32(...)" if "float" in got else None,
    )
