"""Running kernels and functions in memory with rims, so that stray writes are seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from random import Random

import numpy as np

from tests.faults.programs import Array, Case
from tiledsl.backend import Arguments, ArrayRef, Backend, BuildOptions
from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.nodes import Buffer, Function
from tiledsl.passes.pipeline import DEFAULT_PIPELINE, run_pipeline
from tiledsl.runtime.backends import find_backend
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing.random_functions import random_function
from tiledsl.testing.scalar_evaluator import evaluate
from tiledsl.testing.scalar_evaluator.expressions import integer
from tiledsl.testing.scalar_evaluator.scope import Scope

RIM = 1 << 14  # bytes on each side
CHECKED = BuildOptions(extra=(("check-proofs", "on"),))
SIZES = (0, 1, 5)  # of the dim of generated functions


class Wrong(AssertionError):
    """The compiled program computes something else than it says."""


class Rimmed:
    """An array in the middle of memory that nobody may write."""

    def __init__(self, value: Array, fill: int) -> None:
        low, high = np.lib.array_utils.byte_bounds(value) if value.size else (0, 0)
        self._memory = np.full(high - low + 2 * RIM, fill, np.uint8)
        self._fill = fill
        start = value.ctypes.data - low if value.size else 0
        self.array = np.ndarray(
            value.shape, value.dtype, self._memory.data, RIM + start, value.strides
        )

    def check(self, name: str) -> None:
        """Raises Wrong if a byte outside was written."""
        before, after = self._memory[:RIM], self._memory[len(self._memory) - RIM :]
        if (before != self._fill).any() or (after != self._fill).any():
            raise Wrong(f"{name}: memory outside was written")


def rimmed(value: Array, fill: int) -> Rimmed:
    result = Rimmed(value, fill)
    result.array[...] = value
    return result


def same(name: str, found: Array, expected: Array) -> None:
    """Raises Wrong unless the bits are equal, NaN with NaN."""
    if found.shape != expected.shape or found.dtype != expected.dtype:
        raise Wrong(f"{name}: {found.dtype}{found.shape}")
    mine, right = (_bits(part) for part in (found, expected))
    wrong = np.argwhere(mine != right)
    if len(wrong):
        at = tuple(map(int, wrong[0]))
        raise Wrong(f"{name}{list(at)}: {found[at]} instead of {expected[at]}")


def _bits(value: Array) -> Array:
    bits = np.ascontiguousarray(value).view(f"u{value.itemsize}").copy()
    if value.dtype.kind not in "biu":
        with np.errstate(invalid="ignore"):
            nan = np.isnan(value.astype(np.float64))
        bits[nan] = (1 << 8 * value.itemsize) - 1
    return bits


# ------------------------------------------------------------------ programs


def run_case(case: Case, backend: str) -> None:
    """Raises Wrong unless the kernel gives the outputs that its case says.

    ``passes`` is the interpreter after the default passes, which checks their proofs.
    """
    traced = case.kernel.compile(*case.inputs, **case.static)  # type: ignore[attr-defined]
    function: Function = traced.function
    outputs = function.outputs
    kernel = _explicit(replace(function, outputs=()), backend)
    for fill in (0x5A, 0xFF):
        given = iter(case.inputs)
        wanted = iter(case.expected)
        memory: list[Rimmed] = []
        arguments: list[object] = []
        for position in range(len(function.params)):
            value = next(wanted) if position in outputs else next(given)
            if not isinstance(value, np.ndarray):
                arguments.append(value)
                continue
            memory.append(rimmed(value, fill))
            if position in outputs:
                code = fill & 1 if value.dtype == np.bool_ else fill
                memory[-1].array.view(np.uint8)[...] = code
            arguments.append(memory[-1].array)
        kernel(*arguments, backend="numpy" if backend == "passes" else backend)
        results = [arguments[position] for position in outputs]
        for number, (found, right) in enumerate(
            zip(results, case.expected, strict=True)
        ):
            assert isinstance(found, np.ndarray)
            same(f"output {number}", found, right)
        for part in memory:
            part.check("an argument")


def _explicit(function: Function, backend: str) -> JITKernel:
    """The kernel of a function that fills the outputs it is given."""
    if backend != "passes":
        return JITKernel(function)
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
            rimmed(value, 0x5A) if isinstance(value, np.ndarray) else value
            for value in arguments_of(function, seed, m)
        ]
        executable.launch(_arguments(function, memory, m))
        for part, right in zip(memory, meaning(seed, m), strict=True):
            if isinstance(part, Rimmed) and isinstance(right, np.ndarray):
                same(f"program {seed}, m = {m}", part.array, right)
                part.check(f"program {seed}, m = {m}")


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
