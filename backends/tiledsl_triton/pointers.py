"""Addresses of arguments in host memory, with the bytes that belong to them."""

from __future__ import annotations

from dataclasses import dataclass

from tiledsl.backend import ArrayRef


@dataclass(frozen=True, slots=True)
class Pointer:
    """Element 0 of an argument; ``first`` to ``stop`` are its bytes."""

    address: int
    first: int
    stop: int


def pointer_to(array: ArrayRef) -> Pointer:
    """The pointer to an array of any strides."""
    if 0 in array.shape:
        return Pointer(array.address, array.address, array.address)
    low = high = 0
    for extent, stride in zip(array.shape, array.strides, strict=True):
        reach = (extent - 1) * stride
        low, high = low + min(reach, 0), high + max(reach, 0)
    size = array.dtype.bytes
    first = array.address + low * size
    return Pointer(array.address, first, array.address + (high + 1) * size)
