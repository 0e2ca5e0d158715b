"""Memory one element at a time, as bits.  Nothing outside is ever touched."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from tiledsl.ir.dtypes import DType

Position = tuple[int, ...]


class Memory(Protocol):
    """The elements of one buffer."""

    @property
    def shape(self) -> Position: ...

    @property
    def dtype(self) -> DType: ...

    def read(self, position: Position) -> int: ...

    def write(self, position: Position, bits: int) -> None: ...


class ArrayMemory:
    """The elements of a NumPy array."""

    def __init__(self, array: np.ndarray, dtype: DType) -> None:
        self._array, self.dtype = array, dtype

    @property
    def shape(self) -> Position:
        return self._array.shape

    def read(self, position: Position) -> int:
        return int.from_bytes(self._array[position].tobytes(), "little")

    def write(self, position: Position, bits: int) -> None:
        code = bits.to_bytes(self._array.itemsize, "little")
        self._array[position] = np.frombuffer(code, self._array.dtype)[0]


class PackedMemory:
    """The elements of an array that holds two in each byte, the first in the low half."""

    def __init__(self, array: np.ndarray, dtype: DType) -> None:
        self._array, self.dtype = array, dtype

    @property
    def shape(self) -> Position:
        return (*self._array.shape[:-1], 2 * self._array.shape[-1])

    def read(self, position: Position) -> int:
        *before, last = position
        byte = int(self._array[(*before, last // 2)]) & 0xFF
        return byte >> 4 if last % 2 else byte & 15

    def write(self, position: Position, bits: int) -> None:
        *before, last = position
        at = (*before, last // 2)
        byte = int(self._array[at]) & 0xFF
        byte = byte & 0x0F | bits << 4 if last % 2 else byte & 0xF0 | bits
        self._array[at] = np.uint8(byte).astype(self._array.dtype)


class LocalMemory:
    """Elements that a block allocated; garbage until written."""

    def __init__(self, shape: Position, dtype: DType) -> None:
        self.shape, self.dtype = shape, dtype
        self._cells: dict[Position, int] = {}

    def read(self, position: Position) -> int:
        garbage = 1 if self.dtype.kind == "bool" else 0x5B << self.dtype.bits >> 8
        return self._cells.get(position, garbage)

    def write(self, position: Position, bits: int) -> None:
        self._cells[position] = bits


class ViewedMemory:
    """The bytes of another memory, in row-major order, as elements of another dtype."""

    def __init__(self, memory: Memory, shape: Position, dtype: DType) -> None:
        self.shape, self.dtype = shape, dtype
        self._memory = memory

    def read(self, position: Position) -> int:
        own, parts = self.dtype.bits, self._parts(position)
        bits = 0
        for place, low, at in parts:
            part = self._memory.read(place) >> low
            bits |= part << at
        return bits & ((1 << own) - 1)

    def write(self, position: Position, bits: int) -> None:
        width = self._memory.dtype.bits
        for place, low, at in self._parts(position):
            count = min(width, self.dtype.bits)
            mask = ((1 << count) - 1) << low
            old = self._memory.read(place)
            self._memory.write(place, (old & ~mask) | (((bits >> at) << low) & mask))

    def _parts(self, position: Position) -> list[tuple[Position, int, int]]:
        """Elements of the memory, the bit of each where we start, and our bit there."""
        own, width = self.dtype.bits, self._memory.dtype.bits
        start = _number(position, self.shape) * own
        return [
            (
                _position((start + at) // width, self._memory.shape),
                (start + at) % width,
                at,
            )
            for at in range(0, own, width)
        ]


def _number(position: Position, shape: Position) -> int:
    number = 0
    for index, extent in zip(position, shape, strict=True):
        number = number * extent + index
    return number


def _position(number: int, shape: Position) -> Position:
    found: list[int] = []
    for extent in reversed(shape):
        number, index = divmod(number, extent)
        found.insert(0, index)
    return tuple(found)


def contains(memory: Memory, position: Position) -> bool:
    """Whether each coordinate is inside its own dimension."""
    return all(
        0 <= index < extent
        for index, extent in zip(position, memory.shape, strict=True)
    )


def points(shape: Position) -> Iterator[Position]:
    """All positions of a box, the last dimension fastest; none if an extent is negative."""
    return itertools.product(*[range(extent) for extent in shape])
