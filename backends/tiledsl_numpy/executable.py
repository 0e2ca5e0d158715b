"""A function ready to be interpreted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tiledsl.backend import Arguments, ArrayRef
from tiledsl.diagnostics import ArgumentError
from tiledsl.ir import nodes as ir
from tiledsl.ir.printer import print_function
from tiledsl_numpy.casts import from_number
from tiledsl_numpy.frame import Frame, Options, Storage
from tiledsl_numpy.statements import EXECUTE


@dataclass(frozen=True, slots=True)
class NumpyExecutable:
    """Interprets ``function``; its only stage is the IR text, which is what runs."""

    function: ir.Function
    options: Options

    @property
    def stages(self) -> Mapping[str, Callable[[], str]]:
        return MappingProxyType({"numpy": lambda: print_function(self.function)})

    @property
    def binary(self) -> bytes | None:
        return None

    def launch(self, arguments: Arguments) -> None:
        """Runs to completion.  NumPy's warnings are off: every operation is total."""
        frame = Frame(EXECUTE, self.options)
        values = zip(self.function.params, arguments.values, strict=True)
        for parameter, value in values:
            if isinstance(parameter, ir.Buffer):
                frame.storage[parameter.name] = Storage(_memory(parameter, value))
            elif not isinstance(value, ArrayRef):
                frame.values[parameter.name] = from_number(value, parameter.dtype)
        for dim, size in zip(self.function.dims, arguments.dims, strict=True):
            frame.values[dim.name] = np.int64(size)  # type: ignore[assignment]
        with np.errstate(all="ignore"):
            frame.run(self.function.body)


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
