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
    """The last reader, writer, atomic updater and atomic reader ("watcher") of each element
    of one memory, as stamps.
    """

    __slots__ = ("reader", "updater", "watcher", "writer")

    def __init__(self, size: int) -> None:
        self.reader = np.zeros(size, np.int64)
        self.writer = np.zeros(size, np.int64)
        self.updater: np.ndarray | None = None  # made when something is updated
        self.watcher: np.ndarray | None = None

    def read(self, elements: np.ndarray, own: np.ndarray, epoch: int) -> np.ndarray:
        """Notes reads of elements; where another owner has written or updated them."""
        first = np.int64(epoch << 32)
        _note(self.reader, elements, own, first)
        written = _elsewhere(self.writer, elements, own, first)
        updated = _elsewhere(self.updater, elements, own, first)
        return np.asarray(written | updated)

    def write(self, elements: np.ndarray, own: np.ndarray, epoch: int) -> Claim:
        """Notes writes of elements and says what they meet."""
        first = np.int64(epoch << 32)
        elsewhere = _elsewhere(self.writer, elements, own, first)
        stamps = np.where(elsewhere, first + _MANY, own)
        self.writer[elements] = stamps
        repeated = self.writer[elements] != stamps
        if repeated.any():
            self.writer[elements[repeated]] = first + _MANY
        read = _elsewhere(self.reader, elements, own, first)
        for others in (self.updater, self.watcher):
            read = read | _elsewhere(others, elements, own, first)
        return Claim(read, elsewhere, repeated, self.reader[elements] >= first)

    def update(
        self, elements: np.ndarray, own: np.ndarray, epoch: int, *, writes: bool
    ) -> np.ndarray:
        """Notes atomic updates, or atomic reads; where plain accesses of others conflict."""
        first = np.int64(epoch << 32)
        if self.updater is None or self.watcher is None:
            self.updater = np.zeros(self.reader.size, np.int64)
            self.watcher = np.zeros(self.reader.size, np.int64)
        _note(self.updater if writes else self.watcher, elements, own, first)
        wrong = _elsewhere(self.writer, elements, own, first)
        if writes:
            wrong = wrong | _elsewhere(self.reader, elements, own, first)
        return wrong


def _elsewhere(
    stamps: np.ndarray | None, elements: np.ndarray, own: np.ndarray, first: np.int64
) -> np.ndarray:
    """Where another owner has left its stamp in this epoch."""
    if stamps is None:
        return np.zeros(elements.shape, np.bool_)
    found = stamps[elements]
    result: np.ndarray = (found >= first) & (found != own)
    return result


def _note(
    stamps: np.ndarray, elements: np.ndarray, own: np.ndarray, first: np.int64
) -> None:
    """Leaves stamps; that of many where several owners meet."""
    several = _elsewhere(stamps, elements, own, first)
    stamps[elements] = np.where(several, first + _MANY, own)
    if own.ndim:
        landed = stamps[elements]
        stamps[elements[landed != own]] = first + _MANY
