"""Products of pairs of bfloat16, on processors that have the instruction."""

from __future__ import annotations

from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest
from tiledsl_llvm.machine import Machine, host_machine

Same = Callable[..., list[np.ndarray]]


@pytest.fixture(autouse=True)
def pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs are used even where float32 is faster."""
    machine = host_machine()
    if machine.vector_bytes < 64 or "avx512bf16" not in machine.features:
        pytest.skip("this processor does not multiply pairs")
    always = property(lambda self: True)
    monkeypatch.setattr(Machine, "has_bfloat_products", always)
    monkeypatch.setattr(Machine, "has_tile_products", property(lambda self: False))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    ("m", "n", "k"),
    [(1, 1, 2), (8, 32, 64), (9, 47, 34), (16, 16, 32), (5, 3, 66), (24, 95, 128)],
)
def test_exact_products(same: Same, m: int, n: int, k: int, transposed: bool) -> None:
    size = f"{n}, {k}" if transposed else f"{k}, {n}"
    box = ", ".join(f"0 +: {extent}" for extent in size.split(", "))
    turn = ".T" * transposed
    generator = np.random.default_rng(1)
    a = generator.integers(-8, 9, (m, k)).astype(ml_dtypes.bfloat16)
    shape = (n, k) if transposed else (k, n)
    b = generator.integers(-8, 9, shape).astype(ml_dtypes.bfloat16)
    c = generator.integers(-8, 9, (m, n)).astype(np.float32)
    (_, _, got) = same(
        f"""
        func f(A: bfloat16[{m}, {k}], B: bfloat16[{size}], C: float32[{m}, {n}])
          launch (bx: 1) threads 1
            alloc fragment c: float32[{m}, {n}]
            copy C[0 +: {m}, 0 +: {n}] -> c[0 +: {m}, 0 +: {n}] shape ({m}, {n})
            gemm c[0 +: {m}, 0 +: {n}] += A[0 +: {m}, 0 +: {k}] @ B[{box}]{turn}
            copy c[0 +: {m}, 0 +: {n}] -> C[0 +: {m}, 0 +: {n}] shape ({m}, {n})
        """,
        a,
        b,
        c,
    )
    right = (b.T if transposed else b).astype(np.float64)
    np.testing.assert_array_equal(got, c + a.astype(np.float64) @ right)
