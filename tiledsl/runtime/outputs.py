"""Allocating what a call returns, in the caller's kind of array."""

from __future__ import annotations

import sys
from functools import partial

import numpy as np

from tiledsl.backend import ArrayRef
from tiledsl.runtime import torch_arrays
from tiledsl.runtime.arrays import address_of
from tiledsl.runtime.planning import Slot, cannot_allocate


def allocate(slot: Slot, kind: str, device: str, place: str) -> tuple[object, ArrayRef]:
    """A new array, its content undefined, and the reference that a backend takes."""
    if kind == "torch" or device != "cpu":
        return _allocate_torch(slot, device, place)
    try:
        array = _empty(slot)
    except (MemoryError, ValueError) as error:
        raise cannot_allocate(slot, str(error)) from None
    reference = ArrayRef(
        address_of(array), slot.shape, slot.strides, slot.dtype, "cpu", array, array
    )
    return array, reference


def _allocate_torch(slot: Slot, device: str, place: str) -> tuple[object, ArrayRef]:
    if "torch" not in sys.modules:
        raise cannot_allocate(
            slot, "results in device memory need torch to be imported"
        )
    try:
        tensor = torch_arrays.empty(slot.shape, slot.declared, slot.dtype, place)
    except (MemoryError, RuntimeError) as error:
        raise cannot_allocate(
            slot, (str(error).splitlines() or ["no memory"])[0]
        ) from None
    host = None
    if device == "cpu":
        host = partial(torch_arrays.host_view, tensor, slot.dtype)
    address = tensor.data_ptr()
    reference = ArrayRef(
        address, slot.shape, slot.strides, slot.dtype, device, tensor, host
    )
    return tensor, reference


def _empty(slot: Slot) -> np.ndarray:
    dtype = slot.dtype.as_numpy()
    if slot.declared is None:
        return np.empty(slot.shape, dtype)
    steps = tuple(step * dtype.itemsize for step in slot.declared)
    memory = np.empty(max(slot.high, 1), np.uint8)
    return np.ndarray(slot.shape, dtype, memory.data, 0, steps)
