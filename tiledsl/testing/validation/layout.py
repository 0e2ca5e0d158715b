"""Arrays with the strides that a parameter declares."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence

import numpy as np

from tiledsl.ir.nodes import Buffer, Var
from tiledsl.runtime.dimensions import evaluate
from tiledsl.testing.registry import Array


class NoLayout(Exception):
    """No strides were found in which elements are apart."""


def choose_strides(
    buffer: Buffer,
    shape: Sequence[int],
    known: MutableMapping[str, int],
    *,
    apart: bool,
) -> tuple[int, ...]:
    """The strides of a buffer, row-major where they are open.

    Dims that occur only in strides are chosen, with a gap, and added to ``known``.
    Raises NoLayout if different positions would share an element and must be ``apart``.
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
        if value is None:
            raise NoLayout(f"no strides were found for {buffer.name}")
        strides[axis] = value
        end = max(end, abs(value) * max(shape[axis], 1))
    if apart:
        _require_apart(buffer.name, shape, strides)
    return tuple(strides)


def _require_apart(name: str, shape: Sequence[int], strides: Sequence[int]) -> None:
    reach = 0
    steps = [(abs(step), size) for step, size in zip(strides, shape, strict=True)]
    for step, extent in sorted(steps):
        if extent > 1:
            if step <= reach:
                raise NoLayout(f"elements of {name} would overlap")
            reach += step * (extent - 1)


def strided_array(
    shape: Sequence[int], strides: Sequence[int], dtype: np.dtype[np.generic]
) -> Array:
    """A new array of zeros with strides in elements."""
    if 0 in shape:
        return np.zeros(tuple(shape), dtype)
    ends = [(size - 1) * step for size, step in zip(shape, strides, strict=True)]
    before = -sum(end for end in ends if end < 0)
    after = sum(end for end in ends if end > 0)
    memory = np.zeros((before + after + 1) * dtype.itemsize, np.uint8)
    steps = [step * dtype.itemsize for step in strides]
    return np.ndarray(tuple(shape), dtype, memory, before * dtype.itemsize, steps)


def copy_of(array: Array) -> Array:
    """A copy with the strides of the original."""
    strides = [step // array.itemsize for step in array.strides]
    copied = strided_array(array.shape, strides, array.dtype)
    copied[...] = array
    return copied
