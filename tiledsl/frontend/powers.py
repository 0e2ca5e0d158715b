"""``x ** n`` (function table of language.md section 4)."""

from __future__ import annotations

from typing import Final

from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.frontend.arithmetic import (
    binary,
    counted_dtype,
    float_function,
    shared,
    static_value,
)
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.literals import Literal
from tiledsl.frontend.scalars import Operand, Scalar, coerced
from tiledsl.ir.nodes import Const

# beyond this a float product would exceed the 4 ulp that `pow` promises
_LONGEST_FLOAT_PRODUCT: Final = 8
_LONGEST_HOST_PRODUCT: Final = 64


def power(base: Operand, exponent: Operand) -> Scalar:
    """A repeated product for a static integer n >= 0, C ``pow`` on floats otherwise."""
    count = static_value(exponent)
    dtype = counted_dtype(base, exponent)
    natural = isinstance(count, int) and not isinstance(count, bool) and count >= 0
    if natural and (dtype.is_integer or int(count or 0) <= _LONGEST_FLOAT_PRODUCT):
        return _product(base, int(count or 0))
    return float_function("pow", base, exponent)


def _product(base: Operand, count: int) -> Scalar:
    if count == 0:
        return binary("mul", _one_like(base), Literal(1))
    if isinstance(base, Scalar) and count > 1:
        _require_short(base, count)
        base = Scalar(shared("base", base.expr), base.dtype)
    if base_is_float(base):
        result = base
        for _ in range(count - 1):
            result = binary("mul", result, base)
        return result if isinstance(result, Scalar) else binary("mul", base, Literal(1))
    return _squarings(base, count)


def _require_short(base: Scalar, count: int) -> None:
    """Outside launches and loops the product is one expression."""
    builder = Builder.active_or_none()
    expression = builder is not None and builder.at_host_level
    constant = isinstance(base.expr, Const)
    if expression and count > _LONGEST_HOST_PRODUCT and not constant:
        raise UnsupportedByTarget(
            "E2001",
            f"the power {count} of a run-time size outside T.Kernel",
            span=here(),
            hint=f"powers up to {_LONGEST_HOST_PRODUCT}, or compute it before the call",
        )


def base_is_float(base: Operand) -> bool:
    return counted_dtype(base).is_float


def _squarings(base: Operand, count: int) -> Scalar:
    """Integers wrap, so the order of the product does not matter."""
    result: Operand = Literal(1)
    square = base
    while True:
        if count & 1:
            result = binary("mul", result, square)
        count >>= 1
        if not count:
            break
        squared = binary("mul", square, square)
        square = Scalar(shared("square", squared.expr), squared.dtype)
    return result if isinstance(result, Scalar) else binary("mul", result, base)


def _one_like(base: Operand) -> Operand:
    dtype = counted_dtype(base)
    if isinstance(base, Literal):
        return base if isinstance(base.value, float) else Literal(1)
    return Scalar(coerced(Literal(1), dtype), dtype)
