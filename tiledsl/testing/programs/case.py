"""A small kernel with what plain NumPy says that it computes.

A case is made afresh for each use, so that it is traced and compiled with the code that
is in force then.  Numbers are small integers, or floats on which every step is exact.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

import tiledsl
from tiledsl.frontend.prim_func import PrimFunc
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing.registry import CompilableKernel

# of any dtype: expected values are computed with operators of NumPy
Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class Case:
    """A kernel with its arguments, its static arguments and the outputs it shall give.

    ``printed`` is what a run writes to the standard output.
    """

    kernel: CompilableKernel
    inputs: tuple[Array | int | float, ...]
    expected: tuple[Array, ...]
    static: Mapping[str, object] = field(default_factory=dict)
    printed: str = ""


@dataclass(frozen=True)
class Declared:
    """A ``T.prim_func`` and which of its parameters is the output, as a kernel."""

    function: PrimFunc
    output: int

    def compile(self, *_: object, **options: Any) -> JITKernel:
        return tiledsl.compile(self.function, out_idx=self.output, **options)


PROGRAMS: dict[str, Callable[[], Case]] = {}


def program(make: Callable[..., Case]) -> Callable[..., Case]:
    """Enters a maker of cases; its argument is a random source with a seed of its own."""
    name = make.__name__.replace("_", "-")
    PROGRAMS[name] = partial(_with_source, make, name)
    return make


def _with_source(make: Callable[..., Case], name: str) -> Case:
    return make(Source(name))


class Source:
    """Random arrays that depend on nothing but the program's name."""

    def __init__(self, name: str) -> None:
        self._rng = np.random.default_rng(zlib.crc32(name.encode()))

    def integers(
        self,
        shape: tuple[int, ...],
        dtype: npt.DTypeLike = np.int32,
        low: int = -9,
        high: int = 10,
    ) -> Array:
        return self._rng.integers(low, high, shape).astype(dtype)

    def codes(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """Every bit pattern is equally likely."""
        size = np.dtype(dtype).itemsize
        found = self._rng.integers(0, 256, (*shape, size), dtype=np.uint8)
        return found.view(dtype).reshape(shape)
