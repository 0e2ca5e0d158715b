"""Matrix products against exact integers and float64, for every form of the operands."""

from __future__ import annotations

from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest

Same = Callable[..., list[np.ndarray]]
CARRIERS = {
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "float8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8_e5m2": ml_dtypes.float8_e5m2,
}
SHAPES = [
    (1, 1, 1),
    (8, 32, 4),
    (7, 33, 5),
    (16, 16, 16),
    (13, 50, 31),
    (40, 3, 9),
    (24, 95, 64),
]


def carrier(dtype: str) -> np.dtype:
    return np.dtype(CARRIERS.get(dtype, dtype))


def small(*shape: int, dtype: str) -> np.ndarray:
    """Small integers: every order of the sums is exact."""
    low = 0 if dtype.startswith("u") else -4
    return np.random.default_rng(9).integers(low, 5, shape).astype(carrier(dtype))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("a_transposed", "b_transposed", "clear"),
    [
        (False, False, "false"),
        (False, True, "true"),
        (True, False, "bx == 0"),
        (True, True, "bx == 1"),
    ],
)
def test_exact_products_of_tiles(
    same: Same,
    shape: tuple[int, int, int],
    a_transposed: bool,
    b_transposed: bool,
    clear: str,
) -> None:
    m, n, k = shape
    rows_a, columns_a = (k, m) if a_transposed else (m, k)
    rows_b, columns_b = (n, k) if b_transposed else (k, n)
    size_a, size_b = f"{rows_a}, {columns_a}", f"{rows_b}, {columns_b}"
    all_a, all_b = (
        f"0 +: {rows_a}, 0 +: {columns_a}",
        f"0 +: {rows_b}, 0 +: {columns_b}",
    )
    all_c = f"0 +: {m}, 0 +: {n}"
    left = f"a[{all_a}]{'.T' * a_transposed}"
    right = f"b[{all_b}]{'.T' * b_transposed}"
    same(
        f"""
        func f(A: float32[{size_a}], B: float32[{size_b}], C: float32[{m}, {n}])
          launch (bx: 1) threads 1
            alloc shared a: float32[{size_a}]
            alloc shared b: float32[{size_b}]
            alloc fragment c: float32[{m}, {n}]
            copy A[{all_a}] -> a[{all_a}] shape ({size_a})
            copy B[{all_b}] -> b[{all_b}] shape ({size_b})
            copy C[{all_c}] -> c[{all_c}] shape ({m}, {n})
            gemm c[{all_c}] += {left} @ {right} clear {clear}
            copy c[{all_c}] -> C[{all_c}] shape ({m}, {n})
        """,
        small(rows_a, columns_a, dtype="float32"),
        small(rows_b, columns_b, dtype="float32"),
        small(m, n, dtype="float32"),
    )


TRIPLES = [
    ("float64", "float64", "float64"),
    ("float16", "float16", "float32"),
    ("float16", "float16", "float16"),
    ("bfloat16", "bfloat16", "float32"),
    ("bfloat16", "bfloat16", "bfloat16"),
    ("float8_e4m3fn", "float8_e5m2", "float32"),
    ("float8_e5m2", "float8_e5m2", "bfloat16"),
    ("int8", "uint8", "int32"),
    ("int8", "int8", "int32"),
    ("int32", "int32", "int32"),
    ("uint32", "uint32", "uint32"),
    ("int64", "int64", "int64"),
    ("tfloat32", "tfloat32", "float32"),
]


@pytest.mark.parametrize(("a", "b", "c"), TRIPLES)
@pytest.mark.parametrize("shape", [(9, 21, 17), (32, 64, 32)])
def test_dtypes_on_global_slices_over_the_edge(
    same: Same, a: str, b: str, c: str, shape: tuple[int, int, int]
) -> None:
    m, n, k = shape
    names = {name: "float32" if name == "tfloat32" else name for name in (a, b, c)}
    left = f"A[bx, 6 +: {m}, 15 +: {k}]"
    right = f"B[bx - 1 +: {k}, bx * 9 +: {n}]"
    same(
        f"""
        func f(A: {a}[3, 20, 30], B: {b}[25, 40], C: {c}[30, 2, 50])
          launch (bx: 3) threads 1
            gemm C[bx * 10 +: {m}, bx - 1, 3 +: {n}] += {left} @ {right} clear bx == 1
        """,
        small(3, 20, 30, dtype=names[a]),
        small(25, 40, dtype=names[b]),
        small(30, 2, 50, dtype=names[c]),
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_error_bound_of_random_products(same: Same, dtype: str) -> None:
    rng = np.random.default_rng(4)
    a, b = (
        rng.normal(size=(37, 200)).astype(dtype),
        rng.normal(size=(200, 45)).astype(dtype),
    )
    (_, _, c) = same(
        f"""
        func f(A: {dtype}[37, 200], B: {dtype}[200, 45], C: {dtype}[37, 45])
          launch (bx: 1) threads 1
            gemm C[0 +: 37, 0 +: 45] += A[0 +: 37, 0 +: 200] @ B[0 +: 200, 0 +: 45] clear true
        """,
        a,
        b,
        np.full((37, 45), np.nan, dtype),
        tolerance={"C": 1e-4},
    )
    exact = a.astype(np.longdouble) @ b.astype(np.longdouble)
    unit = np.finfo(dtype).eps / 2
    bound = 201 * unit * (np.abs(a).astype(np.longdouble) @ np.abs(b)) + unit * np.abs(
        exact
    )
    assert (np.abs(c - exact) <= bound).all()


def test_nan_and_infinity_spread_as_in_ieee(same: Same) -> None:
    a, b = small(20, 16, dtype="float32"), small(16, 36, dtype="float32")
    a[3, 2], a[5, 7], b[4, 9], b[6, 30] = np.nan, np.inf, -np.inf, np.nan
    same(
        """
        func f(A: float32[20, 16], B: float32[16, 36], C: float32[20, 36])
          launch (bx: 1) threads 1
            gemm C[0 +: 20, 0 +: 36] += A[0 +: 20, 0 +: 16] @ B[0 +: 16, 0 +: 36] clear true
        """,
        a,
        b,
        np.zeros((20, 36), np.float32),
    )
