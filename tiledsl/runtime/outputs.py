"""Allocating what a call returns, in the caller's kind of array."""

from __future__ import annotations

import sys

import numpy as np

from tiledsl.diagnostics import ArgumentError
from tiledsl.ir.nodes import Buffer
from tiledsl.runtime import torch_arrays
from tiledsl.runtime.arrays import ArrayFacts, describe
from tiledsl.runtime.overlap import byte_range, overlaps_itself


def allocate(
    buffer: Buffer,
    shape: tuple[int, ...],
    strides: tuple[int, ...] | None,
    like: ArrayFacts | None,
) -> object:
    """A new array, its content undefined, of the kind and on the device of ``like``."""
    _require_possible(buffer, shape, strides)
    device_memory = like is not None and like.device != "cpu"
    if device_memory and "torch" not in sys.modules:
        raise _cannot(buffer, shape, "results in device memory need torch imported")
    try:
        if like is not None and (like.kind == "torch" or device_memory):
            return torch_arrays.empty(shape, strides, buffer.dtype, like.place)
        return _empty_numpy(shape, strides, buffer.dtype.as_numpy())
    except (MemoryError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _cannot(buffer, shape, reason) from None


def refer(buffer: Buffer, array: object) -> ArrayFacts:
    """The facts of an array that ``allocate`` returned."""
    return describe(buffer.name, array)


def _require_possible(
    buffer: Buffer, shape: tuple[int, ...], strides: tuple[int, ...] | None
) -> None:
    if any(extent < 0 for extent in shape):
        raise _cannot(buffer, shape, "a dimension is negative")
    if strides is not None and any(step < 0 for step in strides):
        raise _cannot(buffer, shape, f"a stride of {strides} is negative")
    if strides is not None and overlaps_itself(shape, strides):
        raise _cannot(buffer, shape, f"with strides {strides} it overlaps itself")


def _empty_numpy(
    shape: tuple[int, ...],
    strides: tuple[int, ...] | None,
    dtype: np.dtype[np.generic],
) -> np.ndarray:
    if strides is None:
        try:
            return np.empty(shape, dtype)
        except ValueError as error:  # more bytes than can be addressed
            raise MemoryError(str(error)) from None
    _, size = byte_range(shape, strides, dtype.itemsize)
    steps = tuple(step * dtype.itemsize for step in strides)
    return np.ndarray(shape, dtype, np.empty(max(size, 1), np.uint8).data, 0, steps)


def _cannot(buffer: Buffer, shape: tuple[int, ...], reason: str) -> ArgumentError:
    return ArgumentError(
        "E1018",
        f"cannot allocate the output '{buffer.name}' of shape {shape} and "
        f"dtype {buffer.dtype}: {reason}",
        span=buffer.span,
    )
