"""Rounding float64 values to the values of a narrower format, once, in any direction."""

from __future__ import annotations

import numpy as np

from tiledsl.ir.dtypes import DType

# how a quotient by the format's quantum becomes an integer
_TO_INTEGER = {"rn": np.rint, "rz": np.trunc, "rp": np.ceil, "rm": np.floor}

# exponent of the smallest normal number: 2 ** _SMALLEST[dtype]
_SMALLEST = {
    "float32": -126,
    "tfloat32": -126,
    "float16": -14,
    "bfloat16": -126,
    "float8_e4m3fn": -6,
    "float8_e5m2": -14,
    "float4_e2m1fn": 0,
}


def round_to_format(
    value: np.ndarray, dtype: DType, rounding: str, saturate: bool
) -> np.ndarray:
    """The value of ``dtype`` nearest to each float64 in the given direction (rule L35)."""
    if dtype == "float8_e8m0fnu":
        return _round_to_power(value, rounding)
    finite = np.isfinite(value)
    magnitude = np.where(finite, value, 0.0)
    _, exponent = np.frexp(magnitude)
    quantum = np.maximum(exponent - 1, _SMALLEST[dtype]) - dtype.fraction_bits
    steps = _TO_INTEGER[rounding](np.ldexp(magnitude, -quantum))
    rounded = np.copysign(np.ldexp(steps, quantum), value)
    rounded = np.where(finite, rounded, value)
    if not dtype.has_nan:
        rounded = np.where(np.isnan(value), float(dtype.maximum), rounded)
    return _bound(rounded, value, dtype, rounding, saturate)


def _bound(
    rounded: np.ndarray, value: np.ndarray, dtype: DType, rounding: str, saturate: bool
) -> np.ndarray:
    """Replaces what lies beyond the largest finite value."""
    largest = float(dtype.maximum)
    beyond = np.abs(rounded) > largest
    if not beyond.any():
        return rounded
    clamped = np.copysign(largest, value)
    overflow = np.copysign(np.inf if dtype.has_infinity else np.nan, value)
    if (saturate and dtype.bits == 8) or not dtype.has_nan:
        return np.where(beyond, clamped, rounded)
    # a direction that leads inward never leaves the finite values
    inward = {"rn": False, "rz": True, "rp": value < 0, "rm": value > 0}[rounding]
    return np.where(
        beyond, np.where(inward & np.isfinite(value), clamped, overflow), rounded
    )


def _round_to_power(value: np.ndarray, rounding: str) -> np.ndarray:
    """The power of two from 2**-127 to 2**127: nearest and ties up, or up, or down."""
    fraction, exponent = np.frexp(value)
    up = {"rn": fraction >= 0.75, "rp": fraction > 0.5}.get(rounding, False)
    power = np.clip(exponent - 1 + up, -127, 127)
    result = np.ldexp(1.0, np.where(value == 0, -127, power))
    result = np.where(np.isposinf(value), 2.0**127, result)
    return np.where(np.isnan(value) | (value < 0), np.nan, result)
