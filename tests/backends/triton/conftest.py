"""Running a function on the NumPy backend and on Triton's interpreter, and comparing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from tiledsl_numpy import NumpyBackend
from tiledsl_triton import TritonBackend

from tiledsl.analysis.claims import recheck_claims
from tiledsl.backend import Arguments, ArrayRef, Backend, BuildOptions
from tiledsl.ir import nodes as ir
from tiledsl.ir.parser import parse_function

pytest.importorskip("triton")

Argument = np.ndarray | int | float | bool
Run = Callable[..., list[Argument]]
Pair = Callable[..., tuple[list[Argument], list[Argument]]]


def parse(text: str) -> ir.Function:
    lines = [line for line in text.splitlines() if line.strip()]
    margin = len(lines[0]) - len(lines[0].lstrip())
    body = "\n".join(line[margin:] for line in lines)
    return parse_function(f"tiledsl.ir 1\n{body}\n", settle_claims=recheck_claims)


def launch(
    backend: Backend,
    function: ir.Function,
    values: Sequence[Argument],
    dims: Sequence[int] = (),
) -> None:
    references = [
        ArrayRef(
            value.ctypes.data,
            value.shape,
            tuple(step // value.itemsize for step in value.strides),
            parameter.dtype,
            "cpu",
            value,
            value,
        )
        if isinstance(value, np.ndarray)
        else value
        for parameter, value in zip(function.params, values, strict=True)
    ]
    executable = backend.build(function, backend.targets()[0], BuildOptions())
    executable.launch(Arguments(tuple(references), tuple(dims)))


def as_bits(array: np.ndarray) -> np.ndarray:
    """Bits, with all NaNs made one."""
    bits = np.ascontiguousarray(array).view(f"u{array.itemsize}").copy()
    if array.dtype.kind not in "biu":
        with np.errstate(invalid="ignore"):
            bits[np.isnan(array.astype(np.float64))] = (1 << 8 * array.itemsize) - 1
    return bits


def copied(values: Sequence[Argument]) -> list[Argument]:
    """Copies with the same strides."""
    return [
        np.copy(value, order="K") if isinstance(value, np.ndarray) else value
        for value in values
    ]


@pytest.fixture
def run_pair() -> Pair:
    """Runs a function on Triton's interpreter and on the NumPy backend."""

    def run_both(
        text: str | ir.Function, *values: Argument, dims: Sequence[int] = ()
    ) -> tuple[list[Argument], list[Argument]]:
        function = parse(text) if isinstance(text, str) else text
        wanted, found = copied(values), copied(values)
        launch(NumpyBackend(), function, wanted, dims)
        launch(TritonBackend(), function, found, dims)
        return found, wanted

    return run_both


@pytest.fixture
def run_triton() -> Run:
    """Runs a function on Triton's interpreter alone, changing the arguments."""

    def run_once(
        function: ir.Function, *values: Argument, dims: Sequence[int] = ()
    ) -> list[Argument]:
        launch(TritonBackend(), function, values, dims)
        return list(values)

    return run_once


@pytest.fixture
def run(run_pair: Pair) -> Run:
    """Runs a text on Triton's interpreter; the NumPy backend must agree bit for bit."""

    def run_and_compare(
        text: str | ir.Function, *values: Argument, dims: Sequence[int] = ()
    ) -> list[Argument]:
        found, wanted = run_pair(text, *values, dims=dims)
        for place, (mine, theirs) in enumerate(zip(found, wanted, strict=True)):
            if isinstance(mine, np.ndarray) and isinstance(theirs, np.ndarray):
                np.testing.assert_array_equal(
                    as_bits(mine), as_bits(theirs), f"argument {place}"
                )
        return found

    return run_and_compare
