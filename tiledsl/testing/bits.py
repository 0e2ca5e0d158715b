"""Whether two arrays hold the same bits: one answer for everything that compares them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tiledsl.testing.registry import Array


@dataclass(frozen=True, slots=True)
class Unequal:
    """The first element that differs, and how many do."""

    index: tuple[int, ...]
    count: int

    @property
    def place(self) -> str:
        return ", ".join(map(str, self.index))


def as_bits(array: Array, *, one_nan: bool = True) -> Array:
    """The bits of each element; with ``one_nan`` every NaN has the same."""
    bits = np.ascontiguousarray(array).view(f"u{array.itemsize}").reshape(array.shape)
    if not one_nan or array.dtype.kind in "biu":
        return bits
    with np.errstate(invalid="ignore"):
        nan = np.isnan(array.astype(np.float64))
    return np.where(nan, bits.dtype.type((1 << 8 * array.itemsize) - 1), bits)


def first_unequal(a: Array, b: Array, *, one_nan: bool = True) -> Unequal | None:
    """Compares arrays of one shape and dtype; None if their bits are equal."""
    wrong = as_bits(a, one_nan=one_nan) != as_bits(b, one_nan=one_nan)
    if not wrong.any():
        return None
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    return Unequal(index, int(wrong.sum()))
