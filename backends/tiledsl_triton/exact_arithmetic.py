"""What NumPy computes inexactly or leaves open, as the GPU and IEEE 754 define it."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np

_NARROW = {
    "bf16": ml_dtypes.bfloat16,
    "fp8e4nv": ml_dtypes.float8_e4m3fn,
    "fp8e5": ml_dtypes.float8_e5m2,
}


def widened(data: np.ndarray, dtype: object) -> np.ndarray:
    """Narrow floats as float32, other data as it is."""
    carrier = _NARROW.get(str(dtype))
    if carrier is None:
        return data
    wide: np.ndarray = np.ascontiguousarray(data).view(carrier).astype(np.float32)
    return wide


def stored(data: np.ndarray, dtype: object, plain: np.dtype[Any]) -> np.ndarray:
    """Values in the representation of a Triton dtype, rounded to nearest even."""
    carrier = _NARROW.get(str(dtype))
    if carrier is None:
        return np.asarray(data).astype(plain)
    narrow = np.asarray(data).astype(np.float32).astype(carrier)
    return narrow.view(plain)


def _ordered(choose: Callable[..., np.ndarray], zero: float) -> Callable[..., Any]:
    """A minimum or maximum with -0 < +0."""

    def choice(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        result = choose(a, b)
        if result.dtype.kind != "f":
            return result
        either = (a == 0) & (b == 0)
        signed = np.signbit(a) | np.signbit(b)
        other = np.signbit(a) & np.signbit(b)
        negative = signed if zero < 0 else other
        zeros = np.where(negative, result.dtype.type(-0.0), result.dtype.type(0.0))
        return np.asarray(np.where(either, zeros, result))

    return choice


def quiet(data: np.ndarray) -> np.ndarray:
    """The same with every NaN quiet: of a signaling one NumPy's fmax may give NaN."""
    if data.dtype.kind != "f" or not np.isnan(data).any():
        return data
    return np.where(np.isnan(data), data.dtype.type(np.nan), data)


def _ignoring_nan(choose: np.ufunc) -> Callable[..., np.ndarray]:
    return lambda a, b: np.asarray(choose(quiet(a), quiet(b)))


fmin = _ordered(_ignoring_nan(np.fmin), -1.0)
fmax = _ordered(_ignoring_nan(np.fmax), 1.0)
minimum, maximum = _ordered(np.minimum, -1.0), _ordered(np.maximum, 1.0)


def _reduced(data: np.ndarray, axis: int | None, kind: str) -> np.ndarray:
    """Max or min along an axis: NaN ignored, -0 < +0."""
    if axis is None:
        data, axis = data.reshape(-1), 0
    biggest = kind == "max"
    if data.dtype.kind != "f":
        whole: np.ufunc = np.maximum if biggest else np.minimum
        return np.asarray(whole.reduce(data, axis=axis))
    choose: np.ufunc = np.fmax if biggest else np.fmin
    result = np.asarray(choose.reduce(quiet(data), axis=axis))
    zeros = np.where(data == 0, np.copysign(1.0, data), 0.0)
    wanted = 1.0 if biggest else -1.0
    sign = np.where((zeros == wanted).any(axis=axis), wanted, -wanted)
    signed = np.copysign(np.zeros_like(result), sign.astype(result.dtype))
    return np.asarray(np.where(result == 0, signed, result))


def _fused_one(x: float, y: float, z: float) -> float:
    if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(z)):
        return x * y + z
    exact = Fraction(x) * Fraction(y) + Fraction(z)
    if exact == 0:
        return x * y + z
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


_fused_float64 = np.frompyfunc(_fused_one, 3, 1)


def fused(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """X * y + z, rounded once."""
    if z.dtype == np.float64:
        return np.asarray(_fused_float64(x, y, z)).astype(np.float64)
    # the product is exact in float64; the sum, rounded to odd, survives a second rounding
    product = x.astype(np.float64) * y
    total = product + z
    share = total - product
    lost = (product - (total - share)) + (z - share)
    even = np.ascontiguousarray(total).view(np.int64)
    toward = np.where((lost > 0) == (total > 0), 1, -1)
    inexact = (lost != 0) & np.isfinite(total) & (even & 1 == 0)
    odd = np.where(inexact, even + toward, even).view(np.float64)
    return odd.astype(np.float32)


REDUCTIONS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "product_of": lambda data, axis: np.multiply.reduce(data, axis=axis),
    "all_bits_of": lambda data, axis: np.bitwise_and.reduce(data, axis=axis),
    "any_bits_of": lambda data, axis: np.bitwise_or.reduce(data, axis=axis),
    "odd_bits_of": lambda data, axis: np.bitwise_xor.reduce(data, axis=axis),
    "_elementwise_max": lambda data, axis: _reduced(data, axis, "max"),
    "_elementwise_min": lambda data, axis: _reduced(data, axis, "min"),
}
