"""Correctly rounded float operations, through exact rationals."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from tiledsl.ir.dtypes import DType
from tiledsl.testing.scalar_evaluator.conversion import narrow, narrow_exact

FloatOp = Callable[..., float]


def _add(a: float, b: float, dtype: DType) -> float:
    if not (math.isfinite(a) and math.isfinite(b)):
        return a + b
    exact = Fraction(a) + Fraction(b)
    return narrow_exact(exact, dtype) if exact else a + b


def _subtract(a: float, b: float, dtype: DType) -> float:
    return _add(a, -b, dtype)


def _multiply(a: float, b: float, dtype: DType) -> float:
    if not (math.isfinite(a) and math.isfinite(b)) or a == 0 or b == 0:
        return a * b
    return narrow_exact(Fraction(a) * Fraction(b), dtype)


def _divide(a: float, b: float, dtype: DType) -> float:
    if math.isnan(a) or math.isnan(b) or (math.isinf(a) and math.isinf(b)):
        return math.nan
    sign = math.copysign(1.0, a) * math.copysign(1.0, b)
    if b == 0:
        return math.nan if a == 0 else sign * math.inf
    if a == 0 or math.isinf(b):
        return sign * 0.0
    if math.isinf(a):
        return sign * math.inf
    return narrow_exact(Fraction(a) / Fraction(b), dtype)


def _fused(a: float, b: float, c: float, dtype: DType) -> float:
    if not (math.isfinite(a) and math.isfinite(b)):
        return a * b + c
    if not math.isfinite(c):
        return c
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact:
        return narrow_exact(exact, dtype)
    product_is_zero = a == 0 or b == 0
    return a * b + c if product_is_zero else 0.0


def _smaller(a: float, b: float) -> float:
    if a == b == 0:
        return a if math.copysign(1.0, a) < 0 else b
    return min(a, b)


def minimum(a: float, b: float) -> float:
    """NaN is ignored; -0 < +0."""
    if math.isnan(a):
        return b
    return a if math.isnan(b) else _smaller(a, b)


def maximum(a: float, b: float) -> float:
    """NaN is ignored; -0 < +0."""
    return -minimum(-a, -b)


def _either_nan(a: float, b: float) -> bool:
    return math.isnan(a) or math.isnan(b)


def _keep_special(function: Callable[[float], int]) -> FloatOp:
    """A function to integers, with zeros' signs, infinities and NaN kept."""

    def evaluate(a: float) -> float:
        return math.copysign(float(function(a)), a) if math.isfinite(a) else a

    return evaluate


def _away(a: float) -> int:
    whole = math.trunc(a)
    tie = abs(Fraction(a) - whole) >= Fraction(1, 2)
    return whole + (1 if a > 0 else -1) if tie else whole


def _remainder(a: float, b: float) -> float:
    if _either_nan(a, b) or math.isinf(a) or b == 0:
        return math.nan
    return math.fmod(a, b)


def _root(a: float, dtype: DType) -> float:
    # two roundings are as good as one here: 53 bits are more than 2 * 24 + 2
    return math.nan if a < 0 else narrow(math.sqrt(a), dtype)


def _scale(a: float, exponent: float, dtype: DType) -> float:
    if not math.isfinite(a) or a == 0:
        return a
    power = (
        0 if math.isnan(exponent) else math.trunc(max(-5000.0, min(exponent, 5000.0)))
    )
    return narrow_exact(Fraction(a) * Fraction(2) ** power, dtype)


def _next(a: float, b: float, dtype: DType) -> float:
    if dtype == "float64" or _either_nan(a, b):
        return math.nextafter(a, b)
    if a == b:
        return b
    if a == 0:
        return math.copysign(math.ldexp(1.0, -149), b)
    (bits,) = struct.unpack("<i", struct.pack("<f", a))
    bits += 1 if (b > a) == (a > 0) else -1
    return float(struct.unpack("<f", struct.pack("<i", bits))[0])


# functions of values
PLAIN: Final[dict[str, FloatOp]] = {
    "neg": lambda a: -a,
    "abs": abs,
    "min": minimum,
    "max": maximum,
    "min_nan": lambda a, b: math.nan if _either_nan(a, b) else _smaller(a, b),
    "max_nan": lambda a, b: math.nan if _either_nan(a, b) else -_smaller(-a, -b),
    "floor": _keep_special(math.floor),
    "ceil": _keep_special(math.ceil),
    "trunc": _keep_special(math.trunc),
    "round": _keep_special(round),
    "round_away": _keep_special(_away),
    "fmod": _remainder,
    "copysign": math.copysign,
}

# functions of values and their dtype, in which the result is rounded
SIZED: Final[dict[str, FloatOp]] = {
    "add": _add,
    "sub": _subtract,
    "mul": _multiply,
    "div": _divide,
    "fma": _fused,
    "sqrt": _root,
    "ldexp": _scale,
    "nextafter": _next,
}
