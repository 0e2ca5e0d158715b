"""Running a function compiled, with one thread and with two, against the interpreter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from tiledsl_llvm import LlvmBackend
from tiledsl_numpy import NumpyBackend

from tiledsl.analysis.claims import recheck_claims
from tiledsl.backend import Arguments, ArrayRef, Backend, BuildOptions, Executable
from tiledsl.ir import nodes as ir
from tiledsl.ir.parser import parse_function

Argument = np.ndarray | int | float | bool
Same = Callable[..., list[Argument]]


def parse(text: str) -> ir.Function:
    lines = [line for line in text.splitlines() if line.strip()]
    margin = len(lines[0]) - len(lines[0].lstrip())
    body = "\n".join(line[margin:] for line in lines)
    return parse_function(f"tiledsl.ir 1\n{body}\n", settle_claims=recheck_claims)


def references(
    function: ir.Function, values: Sequence[Argument], dims: Sequence[int]
) -> Arguments:
    found = tuple(
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
    )
    return Arguments(found, tuple(dims))


def build(function: ir.Function, backend: Backend | None = None) -> Executable:
    chosen = backend or LlvmBackend()
    return chosen.build(function, chosen.targets()[0], BuildOptions())


def copied(values: Sequence[Argument]) -> list[Argument]:
    """Copies with the same strides, each in the middle of memory of its own."""
    result: list[Argument] = []
    for value in values:
        if not isinstance(value, np.ndarray):
            result.append(value)
            continue
        low, high = np.lib.array_utils.byte_bounds(value) if value.size else (0, 0)
        room = np.full(high - low + 256, 0xA5, np.uint8)
        start = 128 + (value.ctypes.data - low if value.size else 0)
        copy = np.ndarray(value.shape, value.dtype, room, start, value.strides)
        copy[...] = value
        result.append(copy)
    return result


def rim_is_whole(value: Argument) -> bool:
    """Whether the memory around a copy is untouched."""
    if not isinstance(value, np.ndarray) or not isinstance(value.base, np.ndarray):
        return True
    return bool((value.base[:128] == 0xA5).all() and (value.base[-128:] == 0xA5).all())


def as_bits(array: np.ndarray) -> np.ndarray:
    """Bits, with all NaNs made one."""
    bits = np.ascontiguousarray(array).view(f"u{array.itemsize}").copy()
    if array.dtype.kind not in "biu":
        with np.errstate(invalid="ignore"):
            bits[np.isnan(array.astype(np.float64))] = (1 << 8 * array.itemsize) - 1
    return bits


@pytest.fixture
def same(monkeypatch: pytest.MonkeyPatch) -> Same:
    """Runs compiled and interpreted; gives the compiled results.

    ``tolerance`` per parameter name: the largest difference allowed, relative to
    ``1 + |expected|``; parameters without one agree bit for bit.  One and two threads
    always agree bit for bit.
    """

    def check(
        text: str | ir.Function,
        *values: Argument,
        dims: Sequence[int] = (),
        tolerance: dict[str, float] | None = None,
    ) -> list[Argument]:
        function = parse(text) if isinstance(text, str) else text
        executable = build(function)
        results = []
        for threads in ("1", "2"):
            monkeypatch.setenv("TILEDSL_THREADS", threads)
            results.append(copied(values))
            executable.launch(references(function, results[-1], dims))
            assert all(rim_is_whole(value) for value in results[-1])
        expected = copied(values)
        build(function, NumpyBackend()).launch(references(function, expected, dims))
        for parameter, one, two, right in zip(
            function.params, *results, expected, strict=True
        ):
            if not isinstance(one, np.ndarray):
                continue
            name = parameter.name
            np.testing.assert_array_equal(
                as_bits(one), as_bits(two), f"{name}: threads"
            )
            bound = (tolerance or {}).get(name)
            if bound is None:
                np.testing.assert_array_equal(as_bits(one), as_bits(right), name)
            else:
                mine, other = one.astype(np.float64), right.astype(np.float64)
                np.testing.assert_allclose(mine, other, bound, bound, err_msg=name)
        return results[0]

    return check


@pytest.fixture
def compile_text() -> Callable[[str], tuple[ir.Function, Executable]]:
    def compile_it(text: str) -> tuple[ir.Function, Executable]:
        function = parse(text)
        return function, build(function)

    return compile_it


@pytest.fixture
def arguments() -> Callable[..., Arguments]:
    """Arrays and numbers as the arguments of a function."""
    return references
