"""Fusing the steps of loops over copies and products: what it makes, and what it leaves."""

from __future__ import annotations

import ctypes

import ml_dtypes
import numpy as np
import pytest
from tiledsl_llvm.fuse_steps import FuseSteps
from tiledsl_numpy import NumpyBackend

from tiledsl.analysis.claims import recheck_claims
from tiledsl.backend import Arguments, ArrayRef, BuildOptions
from tiledsl.ir.nodes import For, Function
from tiledsl.ir.parser import parse_function
from tiledsl.ir.printer import print_function
from tiledsl.ir.verifier import verify
from tiledsl.ir.visitor import walk

BACKEND = NumpyBackend()
CPU = BACKEND.targets()[0]


def product(
    *,
    steps: str = "8",
    dtype: str = "float32",
    sums: str = "float32",
    inside: str = "",
    after: str = "",
    start: str = "k * 32",
) -> Function:
    """C[32, 48] = A[32, :] @ B[48, :]^T, 32 of k a step, with changes."""
    text = f"""tiledsl.ir 1
func f(A: {dtype}[32, 272], B: {dtype}[48, 272], C: {sums}[32, 48], n: int32)
  launch (bx: 1) threads 1
    alloc shared a: {dtype}[32, 32]
    alloc shared b: {dtype}[48, 32]
    alloc fragment c: {sums}[32, 48]
    copy C[0 +: 32, 0 +: 48] -> c[0 +: 32, 0 +: 48] shape (32, 48)
    for serial k in 0 .. {steps} step 1
      copy A[0 +: 32, {start} +: 32] -> a[0 +: 32, 0 +: 32] shape (32, 32)
      copy B[0 +: 48, k * 32 +: 32] -> b[0 +: 48, 0 +: 32] shape (48, 32)
      gemm c[0 +: 32, 0 +: 48] += a[0 +: 32, 0 +: 32] @ b[0 +: 48, 0 +: 32].T
      {inside}
    {after}
    copy c[0 +: 32, 0 +: 48] -> C[0 +: 32, 0 +: 48] shape (32, 48)
"""
    # what the passes before have proved
    text = text.replace("[0 +:", "[!0 +:").replace(", 0 +:", ", !0 +:")
    lines = [line for line in text.splitlines() if line.strip()]
    return parse_function("\n".join(lines) + "\n", settle_claims=recheck_claims)


def fused(function: Function, *, bfloat_products: bool = False) -> Function:
    result = FuseSteps(bfloat_products).run(function, BACKEND.capabilities(CPU))
    verify(result)
    return result


def run(function: Function, dtype: str, sums: str, n: int = 0) -> np.ndarray:
    generator = np.random.default_rng(3)
    kinds = {"bfloat16": ml_dtypes.bfloat16, "float16": np.float16}
    a = generator.normal(size=(32, 272)).astype(kinds.get(dtype, np.float32))
    b = generator.normal(size=(48, 272)).astype(kinds.get(dtype, np.float32))
    c = np.zeros((32, 48), kinds.get(sums, np.float32))
    values = [
        ArrayRef(
            array.ctypes.data,
            array.shape,
            (array.shape[1], 1),
            part.dtype,
            "cpu",
            array,
            array,
        )
        for array, part in zip((a, b, c), function.params, strict=False)
    ]
    executable = BACKEND.build(function, CPU, BuildOptions())
    executable.launch(Arguments((*values, ctypes.c_int32(n).value), ()))
    return c


def loops(function: Function) -> list[For]:
    return [part for part in walk(function) if isinstance(part, For)]


def test_all_steps_become_one() -> None:
    after = fused(product())
    (loop,) = loops(after)
    assert "k_long in 0 .. 1 step 1" in print_function(after)
    assert "a_long: float32[32, 256]" in print_function(after)
    assert len(loop.body) == 3


@pytest.mark.parametrize("steps", ["1", "2", "7", "8", "9", "13", "17"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_sums_keep_their_bits(steps: str, dtype: str) -> None:
    # from the ninth step on a part of k lies outside and reads as zero
    before = product(steps=steps, dtype=dtype)
    expected = run(before, dtype, "float32")
    for bfloat_products in (False, True):
        after = fused(before, bfloat_products=bfloat_products)
        assert (after == before) == (steps == "1")
        np.testing.assert_allclose(run(after, dtype, "float32"), expected, 1e-4, 1e-4)


@pytest.mark.parametrize("n", [-3, 0, 1, 7, 8, 9, 20])
def test_a_number_of_steps_known_at_run_time(n: int) -> None:
    before = product(steps="index(n)")
    after = fused(before)
    assert len(loops(after)) == 2
    expected = run(before, "float32", "float32", n)
    got = run(after, "float32", "float32", n)
    np.testing.assert_allclose(got, expected, 1e-4, 1e-4)


def test_narrow_tiles_become_wide_unless_the_processor_multiplies_them() -> None:
    for dtype, kept in [
        ("bfloat16", "bfloat16"),
        ("float8_e4m3fn", "bfloat16"),
        ("float16", "float32"),
    ]:
        function = product(dtype=dtype)
        assert "a_long: float32[32, 256]" in print_function(fused(function))
        after = print_function(fused(function, bfloat_products=True))
        assert f"a_long: {kept}" in after


@pytest.mark.parametrize(
    "change",
    [
        {"inside": "fill c[0 +: 32, 0 +: 48] = 0.0"},
        {"inside": "copy c[0 +: 32, 0 +: 32] -> A[0 +: 32, 0 +: 32] shape (32, 32)"},
        {"after": "copy a[0 +: 32, 0 +: 32] -> C[0 +: 32, 0 +: 32] shape (32, 32)"},
        {"start": "k * 31"},
        {"start": "k * k * 32"},
        {"start": "0"},
        {"sums": "float16", "dtype": "float16"},
    ],
)
def test_other_loops_stay_as_they_are(change: dict[str, str]) -> None:
    function = product(**change)
    assert fused(function) == function
