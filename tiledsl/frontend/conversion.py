"""Conversion of a scalar to the dtype of a store, a cast or a typed variable (rule L35)."""

from __future__ import annotations

import math
from typing import Final
from typing import Literal as OneOf

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.literals import Literal, rounded
from tiledsl.frontend.scalars import Operand, constant, wrapped
from tiledsl.ir.dtypes import BOOL, DType
from tiledsl.ir.nodes import Cast, Const, Expr

Rounding = OneOf["rn", "rz", "rp", "rm"]
ROUNDINGS: Final[tuple[Rounding, ...]] = ("rn", "rz", "rp", "rm")


def convert(
    operand: Operand,
    dtype: DType,
    *,
    implicit: bool,
    rounding: Rounding = "rn",
    saturate: bool = True,
) -> Expr:
    """The operand as an expression of exactly ``dtype``, rounded once.

    ``implicit`` (a store): a float that becomes an integer gets warning W0302.  Raises
    KernelError E0302 for a literal that does not fit an integer ``dtype``.
    """
    if isinstance(operand, Literal):
        return _literal(operand.value, dtype, implicit, rounding, saturate)
    expr = operand.expr
    if expr.dtype == dtype:
        return expr
    if implicit:
        warn_truncation(operand.dtype, dtype)
    plain = rounding == "rn" and saturate
    if isinstance(expr, Const) and plain:
        return _constant(expr, dtype)
    # a narrow value that was only widened: its own dtype gives it back unchanged
    if isinstance(expr, Cast) and expr.value.dtype == dtype == operand.dtype:
        return expr.value
    return Cast(expr, dtype, rounding, saturate, span=here())


def _literal(
    value: int | float | bool,
    dtype: DType,
    implicit: bool,
    rounding: Rounding,
    saturate: bool,
) -> Expr:
    if isinstance(value, float) and dtype.is_integer:
        if not math.isfinite(value):
            return constant(value, dtype)  # raises: no integer is infinite or NaN
        if implicit and not value.is_integer():
            _warn(repr(value), dtype)
        return constant(int(value), dtype)
    if dtype.is_float and not (rounding == "rn" and saturate):
        wide = Const(rounded(value, DType("float64")), DType("float64"), span=here())
        return Cast(wide, dtype, rounding, saturate, span=here())
    return constant(value, dtype)


def _constant(const: Const, dtype: DType) -> Expr:
    """A typed constant converted while tracing."""
    value = const.value
    if dtype == BOOL:
        return Const(value != 0, BOOL, span=const.span)
    if dtype.is_float:
        return Const(rounded(value, dtype), dtype, span=const.span)
    if isinstance(value, float):
        return Const(_saturated(value, dtype), dtype, span=const.span)
    return Const(wrapped(int(value), dtype), dtype, span=const.span)


def _saturated(value: float, dtype: DType) -> int:
    if math.isnan(value):
        return 0
    least, greatest = int(dtype.minimum), int(dtype.maximum)
    if math.isinf(value):
        return greatest if value > 0 else least
    return min(max(int(value), least), greatest)


def warn_truncation(source: DType, target: DType) -> None:
    """Remarks on a store or copy that makes integers of floats (W0302)."""
    if source.is_float and target.is_integer:
        _warn(str(source), target)


def _warn(source: str, dtype: DType) -> None:
    builder = Builder.active_or_none()
    if builder is not None:
        builder.warn(
            "W0302",
            f"{source} is truncated to {dtype}; "
            f"write T.cast(value, {str(dtype)!r}) if this is meant",
        )


def check_rounding(name: str, dtype: DType) -> Rounding:
    """The rounding named by ``round=`` of a cast to ``dtype``."""
    for rounding in ROUNDINGS:
        if name in (rounding, "") and (rounding == "rn" or dtype.is_float):
            return rounding
    raise KernelError(
        "E0316",
        f"a cast to {dtype} has no rounding {name!r}",
        span=here(),
        expected=", ".join(ROUNDINGS) if dtype.is_float else "'rn' or nothing",
    )
