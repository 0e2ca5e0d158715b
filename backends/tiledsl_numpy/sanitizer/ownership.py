"""Who has read and written each element since a launch or a ``Parallel`` began.

An owner is a block of a launch or an iteration of a ``Parallel``.  Its stamp is the number
of the launch or loop (its epoch) in the upper 32 bits and its own number in the lower; a
stamp of an earlier epoch means nobody, so nothing is ever reset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# the owner that stands for several
_MANY = (1 << 32) - 1


def stamp(epoch: int, owner: int | np.ndarray) -> np.ndarray:
    """The stamps of owners in an epoch; epochs count from 1."""
    return np.int64(epoch << 32) + np.asarray(owner, np.int64)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a write meets, for each written element.

    ``read_elsewhere`` and ``written_elsewhere``: by another owner before; ``repeated``:
    by another owner in this very statement; ``was_read``: by anyone before.
    """

    read_elsewhere: np.ndarray
    written_elsewhere: np.ndarray
    repeated: np.ndarray
    was_read: np.ndarray


class Owners:
    """The last reader and writer of each element of one memory, as stamps."""

    __slots__ = ("reader", "writer")

    def __init__(self, size: int) -> None:
        self.reader = np.zeros(size, np.int64)
        self.writer = np.zeros(size, np.int64)

    def read(self, elements: np.ndarray, own: np.ndarray, epoch: int) -> np.ndarray:
        """Notes reads of elements; where another owner has written them."""
        first = np.int64(epoch << 32)
        writer, reader = self.writer[elements], self.reader[elements]
        several = (reader >= first) & (reader != own)
        self.reader[elements] = np.where(several, first + _MANY, own)
        if own.ndim:
            landed = self.reader[elements]
            self.reader[elements[landed != own]] = first + _MANY
        result: np.ndarray = (writer >= first) & (writer != own)
        return result

    def write(self, elements: np.ndarray, own: np.ndarray, epoch: int) -> Claim:
        """Notes writes of elements and says what they meet."""
        first = np.int64(epoch << 32)
        writer, reader = self.writer[elements], self.reader[elements]
        elsewhere = (writer >= first) & (writer != own)
        stamps = np.where(elsewhere, first + _MANY, own)
        self.writer[elements] = stamps
        repeated = self.writer[elements] != stamps
        if repeated.any():
            self.writer[elements[repeated]] = first + _MANY
        return Claim(
            (reader >= first) & (reader != own), elsewhere, repeated, reader >= first
        )
