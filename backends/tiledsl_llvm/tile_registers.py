"""Tile registers of x86 processors (AMX): their shapes, and the permission to use them.

A processor has eight of them, of up to 16 rows of 64 bytes.  A configuration gives each
its rows and the bytes of a row; loads, stores and products touch nothing beyond these.
"""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from typing import Final

ROWS: Final = 16
ROW_BYTES: Final = 64
COLUMNS: Final = 16  # words of 32 bits

# arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA): Linux gives threads the memory to
# save tile registers only when asked
_ARCH_PRCTL: Final = 158
_REQUEST_PERMISSION: Final = 0x1023
_TILE_DATA: Final = 18


def permitted() -> bool:
    """Asks the system for tile registers; they then are every thread's of this process."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        return False
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    return bool(syscall(_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA) == 0)


@dataclass(frozen=True, slots=True)
class Block:
    """Accumulators of up to 2 x 2 registers, by the rows and columns of each.

    Registers 0 to 3 hold sums, 4 and 5 rows of the left, 6 and 7 of the right operand.
    """

    heights: tuple[int, ...]
    widths: tuple[int, ...]

    def sum(self, i: int, j: int) -> int:
        return 2 * i + j

    def left(self, i: int) -> int:
        return 4 + i

    def right(self, j: int) -> int:
        return 6 + j

    @property
    def configuration(self) -> bytes:
        """What ``ldtilecfg`` reads: palette 1, bytes of a row, rows."""
        rows, row_bytes = bytearray(16), [0] * 16
        for i, height in enumerate(self.heights):
            rows[self.left(i)], row_bytes[self.left(i)] = height, ROW_BYTES
            for j, width in enumerate(self.widths):
                rows[self.sum(i, j)], row_bytes[self.sum(i, j)] = height, 4 * width
        for j, width in enumerate(self.widths):
            rows[self.right(j)], row_bytes[self.right(j)] = ROWS, 4 * width
        widths = b"".join(count.to_bytes(2, "little") for count in row_bytes)
        return bytes([1, 0]) + bytes(14) + widths + bytes(rows)


def split(extent: int, size: int) -> list[tuple[int, int, tuple[int, ...]]]:
    """Ranges of pairs of registers that cover ``extent``: first, end, size of each.

    >>> split(70, 16)
    [(0, 64, (16, 16)), (64, 70, (6,))]
    """
    whole = extent // (2 * size) * 2 * size
    ranges: list[tuple[int, int, tuple[int, ...]]] = []
    if whole:
        ranges.append((0, whole, (size, size)))
    if whole < extent:
        rest = extent - whole
        ranges.append((whole, extent, (size, rest - size) if rest > size else (rest,)))
    return ranges
