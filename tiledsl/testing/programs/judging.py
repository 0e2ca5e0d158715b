"""Running a small program on a backend and comparing every bit of what it gives."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO

import numpy as np

from tiledsl.backend import Backend
from tiledsl.diagnostics import TileWarning
from tiledsl.ir.nodes import Function
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing.bits import first_unequal
from tiledsl.testing.oracles import Verdict, settled
from tiledsl.testing.programs.case import PROGRAMS, Case
from tiledsl.testing.registry import Array
from tiledsl.testing.rims import Rimmed
from tiledsl.testing.subject import POISONS


class Wrong(Exception):
    """The compiled program computes something else than it says."""


def judge_program(name: str, backend: str | Backend) -> Verdict:
    """Runs a program of ``PROGRAMS``; nothing that it raises gets out."""

    def judge() -> Verdict:
        try:
            run_program(PROGRAMS[name](), backend)
        except Wrong as error:
            return Verdict("wrong", str(error))
        return Verdict("ok")

    return settled(judge)


def run_program(
    case: Case,
    backend: str | Backend,
    kernel_of: Callable[[Function], JITKernel] = JITKernel,
) -> None:
    """Raises Wrong unless the kernel gives the outputs that its case says.

    It runs twice, on different bytes in and around its arrays.  ``kernel_of`` makes a
    kernel of a function that fills the outputs it is given.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", TileWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        function = case.kernel.compile(*case.inputs, **case.static).function
        kernel = kernel_of(replace(function, outputs=()))
        for poison in POISONS:
            _run_once(case, kernel, function.outputs, backend, poison)


def _run_once(
    case: Case,
    kernel: JITKernel,
    outputs: Sequence[int],
    backend: str | Backend,
    poison: int,
) -> None:
    given, wanted = iter(case.inputs), iter(case.expected)
    rims: list[Rimmed] = []
    arguments: list[Array | int | float] = []
    results: list[Array] = []
    for position in range(len(kernel.function.params)):
        is_output = position in outputs
        value = next(wanted) if is_output else next(given)
        if not isinstance(value, np.ndarray):
            arguments.append(value)
            continue
        rims.append(Rimmed(value, poison))
        arguments.append(rims[-1].array)
        if is_output:
            rims[-1].spoil()
            results.append(rims[-1].array)
    with redirect_stdout(StringIO()) as out:
        kernel(*arguments, backend=backend)
    if out.getvalue() != case.printed:
        raise Wrong(f"printed {out.getvalue()!r} instead of {case.printed!r}")
    for number, (found, right) in enumerate(zip(results, case.expected, strict=True)):
        same(f"output {number}", found, right)
    if not all(rim.intact for rim in rims):
        raise Wrong("memory outside an argument was written")


def same(name: str, found: Array, expected: Array) -> None:
    """Raises Wrong unless the bits are equal, NaN with NaN."""
    if found.shape != expected.shape or found.dtype != expected.dtype:
        raise Wrong(f"{name}: {found.dtype}{found.shape}")
    wrong = first_unequal(found, expected)
    if wrong is not None:
        at = wrong.index
        raise Wrong(f"{name}{list(at)}: {found[at]} instead of {expected[at]}")
