"""Running a function on the interpreter and, for a second opinion, element by element."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from tiledsl_numpy import NumpyBackend

from tiledsl.analysis.claims import recheck_claims
from tiledsl.backend import Arguments, ArrayRef, BuildOptions
from tiledsl.ir import nodes as ir
from tiledsl.ir.parser import parse_function
from tiledsl.testing.scalar_evaluator import evaluate

Argument = np.ndarray | int | float | bool
Run = Callable[..., list[Argument]]


def launch(
    function: ir.Function,
    values: Sequence[Argument],
    dims: Sequence[int] = (),
    *,
    poison: int = 0,
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
    options = BuildOptions(extra=(("check-proofs", "on"), ("poison", str(poison))))
    backend = NumpyBackend()
    executable = backend.build(function, backend.targets()[0], options)
    executable.launch(Arguments(tuple(references), tuple(dims)))


def parse(text: str) -> ir.Function:
    body = "\n".join(line for line in text.splitlines() if line.strip())
    return parse_function(
        f"tiledsl.ir 1\n{_dedented(body)}\n", settle_claims=recheck_claims
    )


def _dedented(body: str) -> str:
    margin = len(body) - len(body.lstrip())
    return "\n".join(line[margin:] for line in body.splitlines())


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


@pytest.fixture(scope="session")
def run() -> Run:
    """Interprets a text with two poisons and element by element; all must agree."""

    def run_all(
        text: str | ir.Function, *values: Argument, dims: Sequence[int] = ()
    ) -> list[Argument]:
        function = parse(text) if isinstance(text, str) else text
        results = []
        for poison in (0, 3):
            results.append(copied(values))
            launch(function, results[-1], dims, poison=poison)
        results.append(copied(values))
        evaluate(function, results[-1], dims)
        first, *others = results
        for name, other in zip(("poison", "scalar evaluator"), others, strict=True):
            for parameter, mine, theirs in zip(
                function.params, first, other, strict=True
            ):
                if isinstance(mine, np.ndarray) and isinstance(theirs, np.ndarray):
                    np.testing.assert_array_equal(
                        as_bits(mine), as_bits(theirs), f"{parameter.name}: {name}"
                    )
        return first

    return run_all


@pytest.fixture(scope="session")
def interpret() -> Run:
    """Interprets a text once, changing the arguments."""

    def interpret_once(
        text: str | ir.Function,
        *values: Argument,
        dims: Sequence[int] = (),
        poison: int = 0,
    ) -> list[Argument]:
        function = parse(text) if isinstance(text, str) else text
        launch(function, values, dims, poison=poison)
        return list(values)

    return interpret_once
