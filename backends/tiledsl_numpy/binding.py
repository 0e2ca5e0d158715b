"""From the arguments of a call to the names of a frame."""

from __future__ import annotations

import numpy as np

from tiledsl.backend import Arguments, ArrayRef
from tiledsl.diagnostics import ArgumentError
from tiledsl.ir import nodes as ir
from tiledsl_numpy.casts import from_number
from tiledsl_numpy.frame import Frame, Storage


def bind(function: ir.Function, arguments: Arguments, frame: Frame) -> None:
    """Gives the parameters and dims of a function their values."""
    for parameter, value in zip(function.params, arguments.values, strict=True):
        if isinstance(parameter, ir.Buffer):
            frame.storage[parameter.name] = Storage(_memory(parameter, value))
        elif not isinstance(value, ArrayRef):
            frame.values[parameter.name] = from_number(value, parameter.dtype)
    for dim, size in zip(function.dims, arguments.dims, strict=True):
        frame.values[dim.name] = np.int64(size)  # type: ignore[assignment]


def _memory(parameter: ir.Buffer, value: ArrayRef | float) -> np.ndarray:
    if isinstance(value, ArrayRef) and value.numpy is not None:
        return value.numpy
    raise ArgumentError(
        "E5002",
        f"argument {parameter.name} is not in host memory",
        expected="an array that NumPy can read",
        got=value.device if isinstance(value, ArrayRef) else type(value).__name__,
        hint="copy it to the CPU, or choose the backend of its device",
    )
