"""Runs generated kernels on NumPy memory: every pointer checked, programs shuffled.

Imports Triton.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import triton.language as tl
from triton.runtime import interpreter

from tiledsl.diagnostics import InternalError
from tiledsl_triton.device_functions import DeviceFunctions
from tiledsl_triton.functionalize import Kernel
from tiledsl_triton.modules import load_module
from tiledsl_triton.pointers import Pointer
from tiledsl_triton.repairs import interpreted, is_triton_function, patched
from tiledsl_triton.values import triton_type

# Triton's language modules are patched while a kernel runs, for all threads
_ONE_AT_A_TIME = threading.RLock()
if hasattr(os, "register_at_fork"):
    # a fork waits for other threads' launches: the child has neither patches nor lock
    os.register_at_fork(
        before=_ONE_AT_A_TIME.acquire,
        after_in_parent=_ONE_AT_A_TIME.release,
        after_in_child=_ONE_AT_A_TIME.release,
    )


class OutOfBounds(Exception):
    """A generated access outside all arguments."""


class _Spans:
    """The memory of one launch."""

    def __init__(self, pointers: Sequence[Pointer]) -> None:
        spans = sorted((p.first, p.stop) for p in pointers if p.stop > p.first)
        self._first = np.array([first for first, _ in spans], np.uint64)
        stops = [stop for _, stop in spans]
        # arguments may share memory
        self._stop = np.maximum.accumulate(np.array(stops, np.uint64))

    def check(self, addresses: np.ndarray, size: int, access: str) -> None:
        if addresses.size == 0:
            return
        place = np.searchsorted(self._first, addresses, side="right").astype(int) - 1
        bad = place < 0
        if self._first.size:
            bad |= addresses + np.uint64(size) > self._stop[np.maximum(place, 0)]
        if bad.any():
            raise OutOfBounds(
                f"{access} of {int(bad.sum())} lanes outside all arguments"
            )


class InterpretedKernel:
    """A kernel that the interpreter can run."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        with _ONE_AT_A_TIME:
            namespace = load_module(kernel.source)
            for name, value in list(namespace.items()):
                if is_triton_function(value):
                    namespace[name] = interpreted(value)
            namespace["libdevice"] = DeviceFunctions()
        self._function = namespace[kernel.name]

    def launch(
        self, grid: Sequence[int], values: Sequence[Pointer | int | float | bool]
    ) -> None:
        """Runs all programs, in a shuffled but fixed order."""
        spans = _Spans([value for value in values if isinstance(value, Pointer)])
        extents = (*grid, 1, 1)[:3]
        programs = list(product(*(range(extent) for extent in extents)))
        random.Random(0).shuffle(programs)
        with _ONE_AT_A_TIME, patched(spans) as builder, np.errstate(all="ignore"):
            arguments = [
                _tensor(value, argument.dtype)
                for value, argument in zip(values, self._kernel.arguments, strict=True)
            ]
            builder.set_grid_dim(*extents)
            function = self._function.rewrite()
            for program in programs:
                builder.set_grid_idx(*program)
                self._run(function, arguments)

    def _run(self, function: Any, arguments: list[Any]) -> None:
        try:
            function(*arguments)
        except Exception as error:
            notes = (f"{type(error).__name__}: {error}", self._kernel.source)
            raise InternalError(
                "E9002",
                f"generated kernel {self._kernel.name} failed in Triton's interpreter",
                notes=notes,
            ) from error


def _tensor(value: Pointer | int | float | bool, dtype: Any) -> Any:
    """An argument as the interpreter holds it."""
    element = getattr(tl, triton_type(dtype))
    if isinstance(value, Pointer):
        kind: Any = tl.pointer_type(element)
        data = np.array([value.address], np.uint64)
    else:
        kind, data = (
            element,
            np.array([value]).astype(interpreter._get_np_dtype(element)),
        )
    return tl.tensor(interpreter.TensorHandle(data, kind), kind)
