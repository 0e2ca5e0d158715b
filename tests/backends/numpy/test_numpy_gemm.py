"""Gemm: dtypes, transposes, edges, exact integers, bounded floats."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest

Run = Callable[..., list]


BF16 = ml_dtypes.bfloat16
E4M3, E5M2 = ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2


def integers(*shape: int, low: int = -8, high: int = 9) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(low, high, shape)


def floats(*shape: int) -> np.ndarray:
    return integers(*shape).astype(np.float32)


def empty(*shape: int, dtype: object = np.float32) -> np.ndarray:
    return np.full(shape, 77, dtype)


def carrier(name: str) -> np.dtype:
    names = {"bfloat16": BF16, "float8_e4m3fn": E4M3, "float8_e5m2": E5M2}
    return np.dtype(names.get(name, {"tfloat32": "float32"}.get(name, name)))


GEMM = """
        func f(go: bool, A: {a}[{am}, {an}], B: {b}[{bm}, {bn}], C: {c}[{m}, {n}])
          launch (z: 1) threads 1
            gemm C[0 +: {m}, 0 +: {n}] += A[0 +: {am}, 0 +: {an}]{ta} @ B[0 +: {bm}, 0 +: {bn}]{tb} clear go
        """  # noqa: E501


TRIPLES = [
    *((a, a, c) for a in ("float16", "bfloat16") for c in (a, "float32")),
    ("float32", "float32", "float32"),
    ("tfloat32", "tfloat32", "float32"),
    ("float64", "float64", "float64"),
    ("float8_e4m3fn", "float8_e5m2", "float32"),
    ("float8_e5m2", "float8_e5m2", "bfloat16"),
    ("int8", "uint8", "int32"),
    ("int32", "int32", "int32"),
    ("uint32", "uint32", "uint32"),
    ("int64", "int64", "int64"),
    ("uint64", "uint64", "uint64"),
]


@pytest.mark.parametrize("dtypes", TRIPLES, ids="-".join)
@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 3, 7), (4, 6, 0), (3, 2, 300)])
def test_gemm(
    run: Run, dtypes: tuple[str, str, str], shape: tuple[int, int, int]
) -> None:
    """Integers so small that every sum is exact in every accumulator."""
    (a, b, c), (m, n, k) = dtypes, shape
    if k == 300 and c in ("float16", "bfloat16"):
        k = 60  # so that sums stay exact
    for ta, tb in itertools.product((False, True), repeat=2):
        left = integers(m, k, low=0 if "u" in a else -2, high=3).astype(carrier(a))
        right = integers(k, n, low=0 if "u" in b else -2, high=3).astype(carrier(b))
        start = integers(m, n, low=0, high=9).astype(carrier(c))
        for go in (False, True):
            text = GEMM.format(
                a=a, b=b, c=c, m=m, n=n, am=k if ta else m, an=m if ta else k,
                bm=n if tb else k, bn=k if tb else n, ta=".T" * ta, tb=".T" * tb,
            )  # fmt: skip
            *_, found = run(
                text,
                go,
                np.ascontiguousarray(left.T if ta else left),
                np.ascontiguousarray(right.T if tb else right),
                start,
            )
            exact = left.astype(np.float64) @ right.astype(np.float64)
            expected = exact + (0 if go else start.astype(np.float64))
            np.testing.assert_array_equal(found.astype(np.float64), expected)


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64"])
def test_integer_gemm_wraps(run: Run, dtype: str) -> None:
    info = np.iinfo(dtype)
    rng = np.random.default_rng(2)
    a = rng.integers(info.min, info.max, (4, 9), dtype, endpoint=True)
    b = rng.integers(info.min, info.max, (9, 5), dtype, endpoint=True)
    text = GEMM.format(
        a=dtype, b=dtype, c=dtype, m=4, n=5, am=4, an=9, bm=9, bn=5, ta="", tb=""
    )
    start = rng.integers(info.min, info.max, (4, 5), dtype, endpoint=True)
    *_, found = run(text, False, a, b, start)
    exact = a.astype(object) @ b.astype(object) + start.astype(object)
    assert ((found.astype(object) - exact) % 2**info.bits == 0).all()


def test_bytes_multiply_exactly(run: Run) -> None:
    a = np.full((2, 701), -127, np.int8)
    b = np.full((701, 3), 255, np.uint8)
    text = GEMM.format(a="int8", b="uint8", c="int32", m=2, n=3, am=2, an=701, bm=701, bn=3,
                       ta="", tb="")  # fmt: skip
    *_, found = run(text, True, a, b, empty(2, 3, dtype=np.int32))
    assert (found == -127 * 255 * 701).all()


def test_gemm_does_not_read_what_clear_discards(run: Run) -> None:
    x = floats(3, 4)
    _, y = run(
        """
        func f(X: float32[3, 4], Y: float32[3, 3])
          launch (z: 1) threads 1
            alloc fragment c: float32[3, 3]
            for serial k in 0 .. 2 step 1
              let l: index = k * 2
              gemm c[0 +: 3, 0 +: 3] += X[0 +: 3, l +: 2] @ X[0 +: 3, l +: 2].T clear k == 0
            copy c[0 +: 3, 0 +: 3] -> Y[0 +: 3, 0 +: 3] shape (3, 3)
        """,
        x,
        empty(3, 3),
    )
    np.testing.assert_array_equal(y, x @ x.T)


def test_gemm_over_edges(run: Run) -> None:
    a, b = floats(5, 6) + 20, floats(6, 7)
    _, _, y = run(
        """
        func f(A: float32[5, 6], B: float32[6, 7], Y: float32[2, 4, 6])
          launch (z: 1) threads 1
            fill Y[0, 0 +: 4, 0 +: 6] = 1.0
            gemm Y[0, 1 +: 4, -1 +: 4] += A[3 +: 4, 4 +: 5] @ B[4 +: 5, 5 +: 4]
        """,
        a,
        b,
        empty(2, 4, 6),
    )
    expected = np.ones((4, 6), np.float32)
    expected[1:3, :1] += (a[3:, 4:] @ b[4:, 5:])[:, 1:]
    np.testing.assert_array_equal(y[0], expected)


def test_float_gemm_within_its_bound(interpret: Run) -> None:
    rng = np.random.default_rng(0)
    for name, unit in (
        ("float32", 2.0**-23),
        ("float64", 2.0**-52),
        ("bfloat16", 2.0**-8),
    ):
        a, b = (rng.normal(size=s).astype(carrier(name)) for s in ((16, 64), (64, 24)))
        text = GEMM.format(a=name, b=name, c=name, m=16, n=24, am=16, an=64, bm=64, bn=24,
                           ta="", tb="")  # fmt: skip
        *_, found = interpret(text, True, a, b, empty(16, 24, dtype=carrier(name)))
        wide = np.longdouble
        exact = a.astype(wide) @ b.astype(wide)
        bound = 64 * unit * (np.abs(a.astype(wide)) @ np.abs(b.astype(wide)))
        assert (np.abs(found.astype(wide) - exact) <= bound).all()


def test_half_accumulator_rounds_once_per_call(run: Run) -> None:
    a, b = np.ones((1, 5), np.float16), np.full((5, 1), 0.4, np.float16)
    text = GEMM.format(a="float16", b="float16", c="float16", m=1, n=1, am=1, an=5, bm=5, bn=1,
                       ta="", tb="")  # fmt: skip
    *_, found = run(text, False, a, b, np.full((1, 1), 1024, np.float16))
    assert found[0, 0] == 1026  # adding 0.4 five times in float16 would stay at 1024
