"""Arrays amid memory that nobody may write, so that stray writes are seen.

What lies around an array also tells reads outside of it, when it has other bytes in a
second run.
"""

from __future__ import annotations

import numpy as np

from tiledsl.testing.registry import Array

RIM = 1 << 14  # bytes on each side: more than a row of any tile in the tests


class Rimmed:
    """A copy of an array, strides included, with a rim of ``fill`` bytes on each side."""

    def __init__(self, value: Array, fill: int) -> None:
        low, high = np.lib.array_utils.byte_bounds(value) if value.size else (0, 0)
        self._memory = np.full(high - low + 2 * RIM, fill, np.uint8)
        self._fill = fill
        start = value.ctypes.data - low if value.size else 0
        self.array: Array = np.ndarray(
            value.shape, value.dtype, self._memory.data, RIM + start, value.strides
        )
        self.array[...] = value

    @property
    def intact(self) -> bool:
        """Whether no byte of the rim was written."""
        before, after = self._memory[:RIM], self._memory[len(self._memory) - RIM :]
        return bool((before == self._fill).all() and (after == self._fill).all())

    def spoil(self) -> None:
        """Fills the array, too, so that elements left unwritten are seen."""
        # a bool has but two values
        code = self._fill & 1 if self.array.dtype == np.bool_ else self._fill
        self.array.view(np.uint8)[...] = code
