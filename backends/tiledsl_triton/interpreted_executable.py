"""The executable of the target ``interpreter``: host memory, no GPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from tiledsl.analysis.fold import Number
from tiledsl.backend import Arguments, ArrayRef
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Buffer, Function, Launch
from tiledsl_triton.functionalize import Kernel
from tiledsl_triton.host import HostRun, named_arguments
from tiledsl_triton.pointers import Pointer, pointer_to

if TYPE_CHECKING:
    from tiledsl_triton.interpreter import InterpretedKernel


def host_array(dtype: DType, shape: tuple[int, ...]) -> ArrayRef:
    """Undefined host memory, filled with a pattern that is unlikely to look right."""
    owner = np.empty(shape, dtype.as_numpy())
    owner.view(np.uint8).reshape(-1)[:] = 0xA5 if owner.size else 0
    strides = tuple(stride // owner.itemsize for stride in owner.strides)
    return ArrayRef(owner.ctypes.data, shape, strides, dtype, "cpu", owner, owner)


class InterpretedExecutable:
    """Runs kernels one program at a time."""

    def __init__(
        self,
        function: Function,
        kernels: tuple[Kernel, ...],
        stages: Mapping[str, Callable[[], str]],
    ) -> None:
        self._function, self._kernels, self._stages = function, kernels, stages

    @property
    def stages(self) -> Mapping[str, Callable[[], str]]:
        return self._stages

    @property
    def binary(self) -> bytes | None:
        return None

    @cached_property
    def _compiled(self) -> dict[int, InterpretedKernel]:
        # imports Triton, which choosing this backend must not
        from tiledsl_triton.interpreter import InterpretedKernel

        return {id(k.launch): InterpretedKernel(k) for k in self._kernels}

    def launch(self, arguments: Arguments) -> None:
        """Runs to completion."""
        numbers, arrays = named_arguments(self._function, arguments)
        run = HostRun(numbers, arrays, _allocate, self._launch)
        run.block(self._function.body)

    def _launch(
        self, launch: Launch, grid: tuple[int, ...], run: HostRun[ArrayRef]
    ) -> None:
        kernel = next(k for k in self._kernels if k.launch is launch)
        programs = prod(grid)
        values: list[Pointer | Number] = []
        alive = []
        for argument in kernel.arguments:
            if argument.elements:
                scratch = host_array(argument.dtype, (programs * argument.elements,))
                alive.append(scratch)
                values.append(pointer_to(scratch))
            elif argument.pointer:
                values.append(pointer_to(run.arrays[argument.source.name]))
            else:
                values.append(run.numbers[argument.source.name])
        extents = (programs,) if kernel.folded else grid
        self._compiled[id(launch)].launch(extents, values)


def _allocate(buffer: Buffer, shape: tuple[int, ...]) -> ArrayRef:
    return host_array(buffer.dtype, shape)
