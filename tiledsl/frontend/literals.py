"""Python numbers as constants of a dtype, rounded once from their exact value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.builder import here
from tiledsl.ir.dtypes import DType

# the exponent of the smallest normal number
_LEAST_EXPONENT: Final = {
    "float16": -14,
    "bfloat16": -126,
    "float32": -126,
    "tfloat32": -126,
    "float64": -1022,
    "float8_e4m3fn": -6,
    "float8_e5m2": -14,
    "float4_e2m1fn": 0,
}


@dataclass(frozen=True, slots=True)
class Literal:
    """A number that was written in Python: it takes its dtype from its neighbor (L28)."""

    value: int | float | bool


def fits(value: int, dtype: DType) -> bool:
    """Whether an integer is a value of this integer dtype."""
    return int(dtype.minimum) <= value <= int(dtype.maximum)


def integer_literal_dtype(value: int) -> DType:
    """int32, or int64 or uint64 if the value needs it (rule L28)."""
    for name in ("int32", "int64", "uint64"):
        if fits(value, DType(name)):
            return DType(name)
    raise KernelError(
        "E0302",
        "an integer literal does not fit any integer dtype",
        span=here(),
        expected="a value from -2**63 to 2**64 - 1",
        got=brief(value),
    )


def rounded(value: int | float | bool, dtype: DType) -> float:
    """The value in a float dtype as a store converts it (rule L35)."""
    if dtype == "float8_e8m0fnu":
        return _nearest_power_of_two(float(value))
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            return value if dtype.has_nan else float(dtype.maximum)
        return _overflow(value, dtype)
    if value == 0 or (isinstance(value, float) and dtype == "float64"):
        return float(value)
    exact = Fraction(value)
    exponent = _exponent(abs(exact))
    quantum = Fraction(2) ** (
        max(exponent, _LEAST_EXPONENT[dtype]) - dtype.fraction_bits
    )
    result = round(exact / quantum) * quantum  # Fraction rounds ties to even
    if abs(result) > Fraction(dtype.maximum):
        return _overflow(math.inf if exact > 0 else -math.inf, dtype)
    return math.copysign(float(result), float(exact > 0) - 0.5)


def _exponent(value: Fraction) -> int:
    """floor(log2(value)) for a positive value."""
    guess = value.numerator.bit_length() - value.denominator.bit_length()
    return guess if Fraction(2) ** guess <= value else guess - 1


def _overflow(infinity: float, dtype: DType) -> float:
    if dtype in ("float8_e4m3fn", "float8_e5m2", "float4_e2m1fn"):
        return math.copysign(float(dtype.maximum), infinity)
    return infinity


def _nearest_power_of_two(value: float) -> float:
    """A float8_e8m0fnu: ties go up, the ends clamp, negative numbers are NaN."""
    if math.isnan(value) or value < 0:
        return math.nan
    if value <= 2.0**-127:
        return 2.0**-127
    if value >= 2.0**127:
        return 2.0**127
    mantissa, exponent = math.frexp(value)  # mantissa in [0.5, 1)
    return math.ldexp(1.0, exponent if mantissa >= 0.75 else exponent - 1)
