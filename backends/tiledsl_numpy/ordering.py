"""Floats as integers in the order of rule L34: -inf < ... < -0 < +0 < ... < +inf."""

from __future__ import annotations

import numpy as np


def to_keys(value: np.ndarray, reduction: str) -> np.ndarray:
    """Integers whose max (or min) is that of the floats, NaN losing against all."""
    bits = value.view(np.dtype(f"i{value.dtype.itemsize}"))
    limits = np.iinfo(bits.dtype)
    keys = np.where(bits < 0, bits ^ limits.max, bits)
    loser = limits.min if reduction == "max" else limits.max
    return np.where(np.isnan(value), bits.dtype.type(loser), keys)


def from_keys(keys: np.ndarray) -> np.ndarray:
    """The floats again; both losers decode to a NaN."""
    bits = np.where(keys < 0, keys ^ np.iinfo(keys.dtype).max, keys)
    return bits.view(np.dtype(f"f{keys.dtype.itemsize}"))
