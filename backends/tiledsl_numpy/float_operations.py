"""Float operations that are exact or correctly rounded (language.md section 4)."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from tiledsl_numpy.exact_sums import to_odd, two_sum


def minimum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The smaller; NaN is ignored; -0 comes before +0."""
    return _order_zeros(np.fmin(quiet(a), quiet(b)), a, b, -1.0)


def maximum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The larger; NaN is ignored; -0 comes before +0."""
    return _order_zeros(np.fmax(quiet(a), quiet(b)), a, b, 1.0)


def quiet(a: np.ndarray) -> np.ndarray:
    """The same with every NaN quiet: fmax and fmin of NumPy may give a signaling one.

    Whether they do depends on the shapes and strides of their operands.
    """
    nan = np.isnan(a)
    return np.where(nan, a.dtype.type(np.nan), a) if nan.any() else a


def minimum_nan(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """As ``minimum``, but NaN if either is."""
    return _order_zeros(np.minimum(a, b), a, b, -1.0)


def maximum_nan(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """As ``maximum``, but NaN if either is."""
    return _order_zeros(np.maximum(a, b), a, b, 1.0)


def _order_zeros(
    result: np.ndarray, a: np.ndarray, b: np.ndarray, sign: float
) -> np.ndarray:
    """Among two zeros, -0 + +0 = +0 is the larger and -(0 - -0) the smaller."""
    zero = result == 0
    if not zero.any():
        return result
    sign = result.dtype.type(sign)
    return np.where(zero & (a == b), sign * (sign * a + sign * b), result)


def round_half_away(a: np.ndarray) -> np.ndarray:
    """The nearest integer, ties away from zero, keeping the sign of zero."""
    magnitude = np.abs(a)
    whole = np.trunc(magnitude)
    up = (magnitude - whole >= 0.5).astype(a.dtype)
    result: np.ndarray = np.copysign(whole + up, a)
    return result


def scale_by_power(a: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """The float a * 2**exponent, rounded once; beyond +-5000 every result is 0 or infinite."""
    whole = np.where(np.isnan(exponent), 0, np.clip(exponent, -5000, 5000))
    result: np.ndarray = np.ldexp(a, whole.astype(np.int32))
    return result


def fused_multiply_add(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """The float a * b + c, rounded once."""
    if a.dtype == np.float64:
        return _fused_float64(*np.broadcast_arrays(a, b, c))
    # the product of two float32 is a float64
    product = a.astype(np.float64) * b.astype(np.float64)
    return to_odd(*two_sum(product, c.astype(np.float64))).astype(a.dtype)


def _fused_float64(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Element by element through exact rationals: slow, and rare."""
    plain = a * b + c
    exact = np.isfinite(a) & np.isfinite(b)
    terms = zip(a[exact].tolist(), b[exact].tolist(), c[exact].tolist(), strict=True)
    result = np.array(plain)
    result[exact] = [_fused(*term) for term in terms]
    return result


def _fused(a: float, b: float, c: float) -> float:
    if not math.isfinite(c):
        return c
    total = Fraction(a) * Fraction(b) + Fraction(c)
    if total == 0:
        # an exact zero takes the sign that IEEE gives to a sum of two zeros
        return a * b + c if a * b == 0 else 0.0
    try:
        return float(total)
    except OverflowError:
        return float("inf") if total > 0 else float("-inf")
