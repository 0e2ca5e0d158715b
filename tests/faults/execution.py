"""Running programs and generated functions, also after the default passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from random import Random

import numpy as np

from tiledsl.backend import Arguments, ArrayRef, Backend, BuildOptions
from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.nodes import Buffer, Function
from tiledsl.passes.pipeline import DEFAULT_PIPELINE, run_pipeline
from tiledsl.runtime.backends import find_backend
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing.programs import Case, Wrong, run_program, same
from tiledsl.testing.random_functions import random_function
from tiledsl.testing.registry import Array
from tiledsl.testing.rims import Rimmed
from tiledsl.testing.scalar_evaluator import evaluate
from tiledsl.testing.scalar_evaluator.expressions import integer
from tiledsl.testing.scalar_evaluator.scope import Scope

CHECKED = BuildOptions(extra=(("check-proofs", "on"),))
SIZES = (0, 1, 5)  # of the dim of generated functions


# ------------------------------------------------------------------ programs


def run_case(case: Case, backend: str) -> None:
    """Raises Wrong unless the kernel gives the outputs that its case says.

    ``passes`` is the interpreter after the default passes, which checks their proofs.
    """
    if backend == "passes":
        # the passes drop what only looks at a run
        run_program(replace(case, printed=""), "numpy", _after_passes)
    else:
        run_program(case, backend)


def _after_passes(function: Function) -> JITKernel:
    interpreter = find_backend("numpy")
    capabilities = interpreter.capabilities(interpreter.targets()[0])
    final = run_pipeline(function, DEFAULT_PIPELINE, capabilities)
    return JITKernel(final, options=CHECKED)


# ------------------------------------------------------- generated functions


def run_generated(seed: int, backend: str) -> None:
    """Raises Wrong unless a random function keeps its meaning on a backend.

    ``passes`` is the interpreter after the default passes, which checks their proofs;
    ``numpy`` is the interpreter on the function as it is.
    """
    function = generated(seed)
    chosen: Backend = find_backend("numpy" if backend == "passes" else backend)
    target = chosen.targets()[0]
    final = function
    if backend != "numpy":
        passes = DEFAULT_PIPELINE if backend == "passes" else chosen.pipeline(target)
        final = run_pipeline(function, passes, chosen.capabilities(target))
    options = CHECKED if backend == "passes" else BuildOptions()
    executable = chosen.build(final, target, options)
    for m in SIZES:
        memory = [
            Rimmed(value, 0x5A) if isinstance(value, np.ndarray) else value
            for value in arguments_of(function, seed, m)
        ]
        executable.launch(_arguments(function, memory, m))
        for part, right in zip(memory, meaning(seed, m), strict=True):
            if isinstance(part, Rimmed) and isinstance(right, np.ndarray):
                same(f"program {seed}, m = {m}", part.array, right)
                if not part.intact:
                    raise Wrong(f"program {seed}, m = {m}: stray write")


@lru_cache(maxsize=4096)
def generated(seed: int) -> Function:
    return random_function(Random(seed))


@lru_cache(maxsize=8192)
def meaning(seed: int, m: int) -> tuple[Array | int, ...]:
    """The arguments afterwards, as the scalar evaluator leaves them."""
    function = generated(seed)
    values = arguments_of(function, seed, m)
    evaluate(function, values, [m])
    return tuple(values)


def arguments_of(function: Function, seed: int, m: int) -> list[Array | int]:
    rng = np.random.default_rng(seed)
    return [
        _random_array(part, m, rng) if isinstance(part, Buffer) else 3
        for part in function.params
    ]


def _random_array(buffer: Buffer, m: int, rng: np.random.Generator) -> Array:
    shape = [integer(extent, Scope({"m": m})) for extent in buffer.shape]
    codes = rng.integers(0, 256, (*shape, buffer.dtype.bytes), dtype=np.uint8)
    if buffer.dtype == BOOL:
        codes %= 2
    wild = codes.view(buffer.dtype.as_numpy()).reshape(shape)
    tame = rng.integers(0, 5, shape).astype(buffer.dtype.as_numpy())
    return np.where(rng.integers(0, 4, shape) == 0, wild, tame)


def _arguments(
    function: Function, values: Sequence[Rimmed | Array | int], m: int
) -> Arguments:
    found: list[ArrayRef | int] = []
    for part, value in zip(function.params, values, strict=True):
        if not isinstance(value, Rimmed):
            found.append(value)  # type: ignore[arg-type]  # a number
            continue
        array = value.array
        strides = tuple(step // array.itemsize for step in array.strides)
        found.append(
            ArrayRef(
                array.ctypes.data, array.shape, strides, part.dtype, "cpu", array, array
            )
        )
    return Arguments(tuple(found), (m,))
