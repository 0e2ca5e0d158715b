"""Arguments of packed dtypes, one element a byte while a function runs (rule L47)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from tiledsl.analysis.effects import written
from tiledsl.backend import Arguments, ArrayRef
from tiledsl.ir import nodes as ir
from tiledsl.ir.dtypes import DType


@contextmanager
def unpacked(function: ir.Function, arguments: Arguments) -> Iterator[Arguments]:
    """The arguments with unpacked copies; what the function writes is packed after it."""
    packed = [
        position
        for position, parameter in enumerate(function.params)
        if isinstance(parameter, ir.Buffer) and parameter.dtype.is_packed
    ]
    if not packed:
        yield arguments
        return
    values, changed = list(arguments.values), []
    writes = written(function.body)
    for position in packed:
        value, parameter = values[position], function.params[position]
        if isinstance(value, ArrayRef) and value.numpy is not None:
            elements = unpack(value.numpy, parameter.dtype)
            values[position] = value._replace(
                dtype=parameter.dtype, shape=elements.shape, host=elements
            )
            if parameter.name in writes:
                changed.append((value.numpy, elements))
    yield arguments._replace(values=tuple(values))
    for memory, elements in changed:
        memory[...] = pack(elements).view(memory.dtype)


def unpack(pairs: np.ndarray, dtype: DType) -> np.ndarray:
    """The elements of bytes that hold two, in the dtype's carrier."""
    codes = np.empty((*pairs.shape[:-1], 2 * pairs.shape[-1]), np.uint8)
    halves = pairs.view(np.uint8)
    codes[..., 0::2] = halves & 15
    codes[..., 1::2] = halves >> 4
    if dtype == "int4":
        return (codes ^ np.uint8(8)).view(np.int8) - np.int8(8)
    return codes.view(dtype.as_numpy())


def pack(elements: np.ndarray) -> np.ndarray:
    """Two elements a byte, the first in the low half."""
    codes = elements.view(np.uint8) & np.uint8(15)
    return codes[..., 0::2] | codes[..., 1::2] << np.uint8(4)
