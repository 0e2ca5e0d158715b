"""Launches on a GPU: one compiled kernel for each class of argument alignment."""

from __future__ import annotations

from math import prod
from typing import Any

from tiledsl.analysis.fold import Number
from tiledsl.backend import Arguments, ArrayRef
from tiledsl.ir.nodes import Buffer, Function, Launch
from tiledsl_triton.compilation import (
    DIVISIBILITY,
    SMALL,
    Arrangement,
    Compiled,
    compile_kernel,
)
from tiledsl_triton.functionalize import Kernel
from tiledsl_triton.host import HostRun, named_arguments
from tiledsl_triton.targets import Gpu


class Launcher:
    """Runs a function's launches; keeps what it compiled."""

    def __init__(
        self, function: Function, kernels: tuple[Kernel, ...], gpu: Gpu
    ) -> None:
        self._function, self._gpu = function, gpu
        self._kernels = {id(kernel.launch): kernel for kernel in kernels}
        self._compiled: dict[tuple[int, Arrangement], Compiled] = {}

    def launch(self, arguments: Arguments) -> None:
        """Enqueues everything on the stream of the call, or the current one."""
        numbers, arrays = named_arguments(self._function, arguments)
        stream = arguments.stream if arguments.stream is not None else _current_stream()

        def enqueue(
            launch: Launch, grid: tuple[int, ...], run: HostRun[ArrayRef]
        ) -> None:
            self._enqueue(launch, grid, run, stream)

        HostRun(numbers, arrays, self._allocate, enqueue).block(self._function.body)

    def _allocate(self, buffer: Buffer, shape: tuple[int, ...]) -> ArrayRef:
        elements = prod(shape)
        owner, address = _device_memory(elements * buffer.dtype.bytes)
        strides = tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
        return ArrayRef(address, shape, strides, buffer.dtype, self._gpu.vendor, owner)

    def _enqueue(
        self,
        launch: Launch,
        grid: tuple[int, ...],
        run: HostRun[ArrayRef],
        stream: Any,
    ) -> None:
        kernel = self._kernels[id(launch)]
        programs = prod(grid)
        values: list[Number] = []
        scratch = []
        small = set()
        for argument in kernel.arguments:
            if argument.elements:
                size = programs * argument.elements * argument.dtype.bytes
                owner, address = _device_memory(size)
                scratch.append(owner)
                values.append(address)
            elif argument.pointer:
                array = run.arrays[argument.source.name]
                values.append(array.address)
                if _reach(array) < SMALL:
                    small.add(argument.name)
            else:
                values.append(run.numbers[argument.source.name])
        compiled = self._specialized(kernel, values, frozenset(small))
        extents = (programs,) if kernel.folded else grid
        compiled.handle[(*extents, 1, 1)[:3]](*values, stream=stream)

    def _specialized(
        self, kernel: Kernel, values: list[Number], small: frozenset[str]
    ) -> Compiled:
        """The kernel for arguments arranged like these."""
        aligned = frozenset(
            argument.name
            for argument, value in zip(kernel.arguments, values, strict=True)
            if isinstance(value, int)
            and not isinstance(value, bool)
            and value % DIVISIBILITY == 0
        )
        arrangement = Arrangement(aligned, small)
        key = (id(kernel.launch), arrangement)
        if key not in self._compiled:
            self._compiled[key] = compile_kernel(kernel, self._gpu, arrangement)
        return self._compiled[key]


def _reach(array: ArrayRef) -> int:
    """Bytes from element 0 to the furthest one; without bound if some lie before it."""
    if any(stride < 0 for stride in array.strides):
        return SMALL
    steps = zip(array.shape, array.strides, strict=True)
    return (sum((n - 1) * step for n, step in steps if n) + 1) * array.dtype.bytes


def _current_stream() -> Any:
    from triton.runtime import driver

    device = driver.active.get_current_device()
    return driver.active.get_current_stream(device)


def _device_memory(size: int) -> tuple[object, int]:
    """Uninitialized memory of the current device, and its address."""
    import torch

    owner = torch.empty(max(size, 1), dtype=torch.uint8, device="cuda")
    return owner, owner.data_ptr()
