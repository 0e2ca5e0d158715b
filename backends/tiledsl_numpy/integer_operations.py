"""Integer operations: total, wrapping, and the same for every width and signedness."""

from __future__ import annotations

import numpy as np


def _is_signed(a: np.ndarray) -> bool:
    return a.dtype.kind == "i"


def _bits(a: np.ndarray) -> int:
    return a.dtype.itemsize * 8


def _unsigned(a: np.ndarray) -> np.ndarray:
    """The same bits read as an unsigned integer."""
    return a.view(np.dtype(f"u{a.dtype.itemsize}"))


def negate(a: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.subtract(a.dtype.type(0), a)
    return result


def absolute(a: np.ndarray) -> np.ndarray:
    return np.where(a < 0, negate(a), a) if _is_signed(a) else a


def floor_divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """floor(a / b); 0 if b is 0.  MIN // -1 wraps to MIN because -1 negates."""
    one = b.dtype.type(1)
    if b.ndim == 0 and b > 0:
        result: np.ndarray = np.floor_divide(a, b)
        return result
    minus_one = b == -1 if _is_signed(b) else np.zeros_like(b, np.bool_)
    safe = np.where((b == 0) | minus_one, one, b)
    quotient = np.where(minus_one, negate(a), np.floor_divide(a, safe))
    return np.where(b == 0, a.dtype.type(0), quotient)


def floor_modulo(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The remainder with the sign of b; a if b is 0."""
    result: np.ndarray = np.subtract(a, np.multiply(floor_divide(a, b), b))
    return result


def truncate_divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The quotient rounded toward zero; 0 if b is 0."""
    quotient = floor_divide(a, b)
    inexact = (floor_modulo(a, b) != 0) & (b != 0)
    result: np.ndarray = np.add(
        quotient, (inexact & ((a < 0) != (b < 0))).astype(a.dtype)
    )
    return result


def truncate_modulo(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The remainder with the sign of a; a if b is 0."""
    result: np.ndarray = np.subtract(a, np.multiply(truncate_divide(a, b), b))
    return result


def ceiling_divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The quotient rounded up; 0 if b is 0."""
    inexact = (floor_modulo(a, b) != 0) & (b != 0)
    result: np.ndarray = np.add(floor_divide(a, b), inexact.astype(a.dtype))
    return result


def shift_left(a: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The count is read as unsigned; 0 once every bit is shifted out."""
    small = _unsigned(count) < _bits(a)
    zero = a.dtype.type(0)
    result: np.ndarray = np.where(
        small, np.left_shift(a, np.where(small, count, zero)), zero
    )
    return result


def shift_right(a: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Arithmetic for signed a; shifting by the width or more leaves only the sign."""
    widest = a.dtype.type(_bits(a) - 1)
    small = _unsigned(count) < _bits(a)
    shifted = np.right_shift(a, np.where(small, count, widest))
    result: np.ndarray = (
        shifted if _is_signed(a) else np.where(small, shifted, a.dtype.type(0))
    )
    return result


def count_ones(a: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.bitwise_count(_unsigned(a)).astype(a.dtype)
    return result


def count_leading_zeros(a: np.ndarray) -> np.ndarray:
    """Copies the highest one bit into every lower place and counts the rest."""
    smeared = _unsigned(a)
    distance = 1
    while distance < _bits(a):
        smeared = np.bitwise_or(smeared, smeared >> smeared.dtype.type(distance))
        distance *= 2
    result: np.ndarray = np.bitwise_count(np.invert(smeared)).astype(a.dtype)
    return result
