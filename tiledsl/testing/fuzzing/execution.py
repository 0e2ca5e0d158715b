"""Running generated functions on backends, without the caches and checks of a call."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO

import numpy as np

from tiledsl import settings
from tiledsl.backend import (
    Arguments,
    ArrayRef,
    Backend,
    BuildOptions,
    Capabilities,
    Executable,
    Target,
)
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.nodes import Function, Var
from tiledsl.passes.base import Pass
from tiledsl.runtime.backends import find_backend, targets_of
from tiledsl.testing.bits import first_unequal
from tiledsl.testing.generator.program import Program, Value
from tiledsl.testing.registry import Array

PREFILLS = (0xFF, 0x5A)


@dataclass(frozen=True)
class Engine:
    """A backend with its target for host arrays."""

    backend: Backend
    target: Target

    @property
    def name(self) -> str:
        return self.backend.name

    @property
    def capabilities(self) -> Capabilities:
        return self.backend.capabilities(self.target)

    @property
    def passes(self) -> tuple[Pass, ...]:
        return self.backend.pipeline(self.target)

    def build(self, function: Function, *, poison: int = 0) -> Executable:
        """Compiles a function that went through the passes; nothing is cached."""
        extra: tuple[tuple[str, str], ...] = ()
        if self.name == settings.REFERENCE:
            extra = (("check-proofs", "on"), ("poison", str(poison)))
        options = BuildOptions(fast_math=function.fast_math, extra=extra)
        return self.backend.build(function, self.target, options)


@lru_cache
def engine(name: str) -> Engine:
    """The engine of a backend.  Raises UnsupportedByTarget if it cannot run here."""
    targets = targets_of(name)
    for target in () if isinstance(targets, str) else targets:
        if target.runnable and target.device == "cpu":
            return Engine(find_backend(name), target)
    raise UnsupportedByTarget(
        "E2002", f"backend {name!r} cannot run kernels on host arrays here"
    )


def launch(
    executable: Executable, program: Program, values: Sequence[Value]
) -> tuple[Array, ...]:
    """The outputs of one run, which are among the values."""
    references: list[ArrayRef | int | float | bool] = []
    for parameter, value in zip(program.function.params, values, strict=True):
        if isinstance(value, np.ndarray):
            steps = tuple(step // value.itemsize for step in value.strides)
            owner = value if not isinstance(parameter, Var) else None
            references.append(
                ArrayRef(
                    value.__array_interface__["data"][0],
                    value.shape,
                    steps,
                    parameter.dtype,
                    "cpu",
                    owner,
                    value,
                )
            )
        else:
            references.append(value)
    with redirect_stdout(StringIO()):  # programs print
        executable.launch(Arguments(tuple(references), program.dims))
    return outputs(program, values)


def outputs(program: Program, values: Sequence[Value]) -> tuple[Array, ...]:
    """The arrays that the function wrote."""
    found = (values[position] for position in program.function.outputs)
    return tuple(array for array in found if isinstance(array, np.ndarray))


@dataclass(frozen=True, slots=True)
class Difference:
    """The first element of which two runs disagree."""

    output: str
    index: tuple[int, ...]
    expected: str
    got: str
    count: int

    def __str__(self) -> str:
        place = ", ".join(map(str, self.index))
        more = f" ({self.count} elements differ)" if self.count > 1 else ""
        return f"{self.output}[{place}]: expected {self.expected}, got {self.got}{more}"


def first_difference(
    program: Program, expected: Sequence[Array], got: Sequence[Array]
) -> Difference | None:
    """Compares bit by bit; a NaN equals a NaN and nothing else."""
    names = [program.function.params[at].name for at in program.function.outputs]
    for name, a, b in zip(names, expected, got, strict=True):
        wrong = first_unequal(a, b)
        if wrong is not None:
            values = repr(a[wrong.index].item()), repr(b[wrong.index].item())
            return Difference(name, wrong.index, *values, wrong.count)
    return None
