"""Conversions between dtypes, from the exact value (rule L35).

A value is a bool, an int, or a float that its dtype can represent.
"""

from __future__ import annotations

import math
from fractions import Fraction

from tiledsl.ir.dtypes import DType
from tiledsl.testing.scalar_evaluator.formats import (
    decode,
    encode,
    floor_log2,
    largest,
    round_exact,
)

Value = bool | int | float


def convert(
    value: Value, target: DType, rounding: str = "rn", saturate: bool = True
) -> Value:
    """The value in ``target``; the source dtype shows in nothing but the value."""
    if target.kind == "bool":
        return value != 0
    if target.is_float:
        if isinstance(value, float):
            return narrow(value, target, rounding, saturate)
        return narrow_exact(Fraction(value), target, saturate=saturate)
    return (
        to_integer(value, target) if isinstance(value, float) else wrap(value, target)
    )


def wrap(value: int, dtype: DType) -> int:
    """The low bits of an int, read in two's complement."""
    low = int(value) & ((1 << dtype.bits) - 1)
    return (
        low - (1 << dtype.bits) if dtype.is_signed and low >> (dtype.bits - 1) else low
    )


def to_integer(value: float, dtype: DType) -> int:
    """Toward zero, saturating; NaN gives 0."""
    if math.isnan(value):
        return 0
    low, high = int(dtype.minimum), int(dtype.maximum)
    if math.isinf(value):
        return high if value > 0 else low
    return min(max(math.trunc(value), low), high)


def narrow(
    value: float, dtype: DType, rounding: str = "rn", saturate: bool = True
) -> float:
    """A float in another format."""
    if math.isnan(value):
        return 6.0 if dtype == "float4_e2m1fn" else math.nan
    if dtype == "float64":
        return value
    if math.isinf(value):
        return _infinity(value, dtype, saturate)
    if value == 0 and dtype != "float8_e8m0fnu":
        return value
    return narrow_exact(Fraction(value), dtype, rounding, saturate)


def narrow_exact(
    exact: Fraction, dtype: DType, rounding: str = "rn", saturate: bool = True
) -> float:
    """An exact number in a format: rounded once, then overflow as the format has it."""
    if dtype == "float8_e8m0fnu":
        return _power(exact, rounding)
    rounded = round_exact(exact, dtype, rounding)
    if rounded == 0:
        return -0.0 if exact < 0 else 0.0
    limit = largest(dtype)
    if abs(rounded) <= limit:
        return float(rounded)
    inward = rounding == "rz" or rounding == ("rm" if exact > 0 else "rp")
    if inward or (saturate and dtype.bits == 8) or dtype == "float4_e2m1fn":
        return float(limit if exact > 0 else -limit)
    return _infinity(float("inf") if exact > 0 else float("-inf"), dtype, saturate)


def _infinity(value: float, dtype: DType, saturate: bool) -> float:
    if dtype == "float8_e8m0fnu":
        return 2.0**127 if value > 0 else math.nan
    if (dtype.bits == 8 and saturate) or dtype == "float4_e2m1fn":
        return math.copysign(float(largest(dtype)), value)
    return value if dtype.has_infinity else math.nan


def _power(exact: Fraction, rounding: str) -> float:
    """The nearest power of two, ties up; never below 2**-127 or above 2**127."""
    if exact < 0:
        return math.nan
    if exact <= Fraction(1, 2**127):
        return 2.0**-127
    exponent = floor_log2(exact)
    rest = exact / Fraction(2) ** exponent
    if (rounding == "rn" and rest >= Fraction(3, 2)) or (rounding == "rp" and rest > 1):
        exponent += 1
    return math.ldexp(1.0, min(exponent, 127))


def to_bits(value: Value, dtype: DType) -> int:
    """The code of a value."""
    if dtype.is_float:
        return encode(float(value), dtype)
    return int(value) & ((1 << dtype.bits) - 1)


def from_bits(bits: int, dtype: DType) -> Value:
    """The value of a code; any non-zero byte is a true bool."""
    if dtype.is_float:
        return decode(bits, dtype)
    return bits != 0 if dtype.kind == "bool" else wrap(bits, dtype)
