"""Error-free sums and products of float64, and rounding to odd.

A value rounded to odd (truncated, with the last bit set if anything was lost) keeps
enough to be rounded again, to a format at least two bits shorter, as if directly from
the exact value.
"""

from __future__ import annotations

import numpy as np


def two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rounded sum and its error, which is exact (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def to_odd(rounded: np.ndarray, error: np.ndarray) -> np.ndarray:
    """``rounded + error`` rounded to odd, given the sum rounded to nearest and its error.

    Non-finite values are returned as they are.
    """
    bits = np.asarray(rounded, np.float64).view(np.int64)
    lossy = (error != 0) & np.isfinite(rounded) & (bits & 1 == 0)
    grows = (error > 0) == (rounded > 0)
    # neighbours in magnitude are neighbours as integers
    return (bits + np.where(lossy, np.where(grows, 1, -1), 0)).view(np.float64)


def integer_to_odd(value: np.ndarray) -> np.ndarray:
    """An integer as float64, rounded to odd."""
    if value.dtype.itemsize < 8:
        return value.astype(np.float64)
    high = (value >> value.dtype.type(32)).astype(np.float64) * 2.0**32
    low = (value & value.dtype.type(0xFFFFFFFF)).astype(np.float64)
    return to_odd(*two_sum(high, low))
