"""Arrays with the strides that a parameter declares."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tiledsl.ir.nodes import Buffer, Var
from tiledsl.runtime.dimensions import evaluate
from tiledsl.testing.registry import Array


class NoLayout(Exception):
    """No strides were found in which elements are apart."""


def choose_strides(
    buffer: Buffer, shape: Sequence[int], known: MutableMapping[str, int]
) -> tuple[int, ...]:
    """The strides of a buffer, row-major where they are open.

    Dims that occur only in strides are chosen, with a gap, and added to ``known``.
    Raises NoLayout if different positions would share an element.
    """
    dense = [1] * len(shape)
    for axis in reversed(range(len(shape) - 1)):
        dense[axis] = dense[axis + 1] * max(shape[axis + 1], 1)
    if buffer.strides is None:
        return tuple(dense)
    strides = [0] * len(shape)
    end = 1
    for axis in reversed(range(len(shape))):
        expression = buffer.strides[axis]
        if isinstance(expression, Var) and expression.name not in known:
            known[expression.name] = end + 1
        value = evaluate(expression, known)
        if value is None or value < 0:
            raise NoLayout(f"no strides were found for {buffer.name}")
        strides[axis] = value
        end = max(end, value * max(shape[axis], 1))
    _require_apart(buffer.name, shape, strides)
    return tuple(strides)


def _require_apart(name: str, shape: Sequence[int], strides: Sequence[int]) -> None:
    reach = 0
    for stride, extent in sorted(zip(strides, shape, strict=True)):
        if extent > 1:
            if stride <= reach:
                raise NoLayout(f"elements of {name} would overlap")
            reach += stride * (extent - 1)


def strided_array(
    shape: Sequence[int], strides: Sequence[int], dtype: np.dtype[np.generic]
) -> Array:
    """A new array of zeros with strides in elements; overlapping ones become dense."""
    if not shape or 0 in shape:
        return np.zeros(tuple(shape), dtype)
    if any(step <= 0 for step, size in zip(strides, shape, strict=True) if size > 1):
        return np.zeros(tuple(shape), dtype)
    last = sum(
        (size - 1) * max(step, 0) for size, step in zip(shape, strides, strict=True)
    )
    memory = np.zeros(last + 1, dtype)
    bytes_ = tuple(max(step, 0) * dtype.itemsize for step in strides)
    return as_strided(memory, tuple(shape), bytes_)


def copy_of(array: Array) -> Array:
    """A copy with the strides of the original."""
    strides = [step // array.itemsize for step in array.strides]
    copied = strided_array(array.shape, strides, array.dtype)
    copied[...] = array
    return copied
