"""Kernels that describe themselves: how to call them, what is right, what it costs.

A package registers its kernels under the entry-point group ``tiledsl.kernels``: a module
whose ``KERNELS`` is a tuple of ``KernelEntry``.  Verification, the demo table and the
benchmarks work on entries and know no kernel by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from tiledsl.testing.bounds import Booleans, Bounded

if TYPE_CHECKING:
    from tiledsl.runtime.kernel import JITKernel

Size: TypeAlias = Literal["small", "model"]
Static: TypeAlias = int | float | bool | str | None
Array: TypeAlias = npt.NDArray[np.generic]
Inputs: TypeAlias = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Exact:
    """An output that must match bit for bit.

    ``undecided`` marks elements that depend on the order of two values which rounding may
    exchange; they are not judged.
    """

    value: Array
    undecided: Booleans | None = None


Expected: TypeAlias = Bounded | Exact


@dataclass(frozen=True, slots=True)
class Call:
    """What a kernel is called with: run-time arguments, and static ones by name."""

    arguments: tuple[Array | int | float, ...]
    options: Mapping[str, Static]


class Workload(Protocol):
    """One problem for a kernel: its sizes, data, reference and cost.

    ``size`` is ``small`` (odd sizes that reach every edge) or ``model`` (the sizes of a
    real model, few tokens).  ``linear``: with small integers as inputs every honest
    evaluation is exact, so that the outputs can be compared bit for bit.
    """

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> Size: ...

    @property
    def linear(self) -> bool: ...

    def make_inputs(
        self, rng: np.random.Generator, *, integers: bool = False
    ) -> Inputs:
        """Random arrays; ``integers`` asks for small integers in place of reals."""

    def call(self, inputs: Inputs) -> Call: ...

    def reference(self, inputs: Inputs) -> Mapping[str, Expected]:
        """The outputs in the order in which the kernel returns them."""

    def flops(self, inputs: Inputs) -> float: ...

    def bytes(self, inputs: Inputs) -> float:
        """The least traffic with memory: every input read and output written once."""


class CompilableKernel(Protocol):
    """What ``tiledsl.jit`` makes of a function."""

    def compile(self, *arguments: object, **options: object) -> JITKernel: ...


@dataclass(frozen=True, slots=True)
class KernelEntry:
    """A kernel of the library."""

    name: str
    area: str
    summary: str
    kernel: CompilableKernel
    workloads: tuple[Workload, ...]

    def of_size(self, size: Size) -> tuple[Workload, ...]:
        return tuple(work for work in self.workloads if work.size == size)


def discover_kernels() -> tuple[KernelEntry, ...]:
    """All registered kernels, by area and name."""
    found: list[KernelEntry] = []
    for point in entry_points(group="tiledsl.kernels"):
        found += point.load().KERNELS
    return tuple(sorted(found, key=lambda entry: (entry.area, entry.name)))


def find_kernel(name: str) -> KernelEntry:
    """The entry of that name.  Raises KeyError with the known names."""
    entries = {entry.name: entry for entry in discover_kernels()}
    if name not in entries:
        raise KeyError(f"no kernel {name!r}; there are {', '.join(sorted(entries))}")
    return entries[name]
