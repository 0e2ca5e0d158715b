"""Reduce: kinds, dtypes, special values, edges."""

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


REDUCE = """
        func f(X: {x}[{shape}], Y: {y}[{kept}])
          launch (z: 1) threads 1
            reduce {kind} X[{ranges}] axis {axis} -> Y[{targets}]{how}
        """


def reduction(
    kind: str, shape: tuple[int, ...], axis: int, x: str, y: str, how: str
) -> str:
    kept = shape[:axis] + shape[axis + 1 :]
    return REDUCE.format(
        kind=kind, axis=axis, x=x, y=y, how=how,
        shape=", ".join(map(str, shape)), kept=", ".join(map(str, kept)),
        ranges=", ".join(f"0 +: {n}" for n in shape),
        targets=", ".join(f"0 +: {n}" for n in kept),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["sum", "max", "min", "abssum", "absmax", "mul"])
@pytest.mark.parametrize("dtypes", [("float32", "float32"), ("float16", "float32"),
                                    ("bfloat16", "bfloat16"), ("int32", "int32"),
                                    ("uint8", "int32"), ("int8", "float64")])  # fmt: skip
@pytest.mark.parametrize("shape", [(4, 5, 3), (2, 1, 2), (3, 0, 2), (1, 127, 1)])
def test_reduce(
    run: Run, kind: str, dtypes: tuple[str, str], shape: tuple[int, ...]
) -> None:
    x, y = dtypes
    high = 2 if kind == "mul" or shape[1] > 9 else 5
    value = integers(*shape, low=0 if x == "uint8" else -high, high=high).astype(
        carrier(x)
    )
    start = integers(shape[0], shape[2], low=0, high=4).astype(carrier(y))
    for how in ("", " clear", " clear nan_propagate"):
        run(reduction(kind, shape, 1, x, y, how), value, start)


@pytest.mark.parametrize("kind", ["and", "or", "xor"])
@pytest.mark.parametrize("dtype", ["int16", "uint64", "bool"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_reduce_bits(run: Run, kind: str, dtype: str, axis: int) -> None:
    shape = (3, 4, 2)
    high = 2 if dtype == "bool" else 2**15
    value = integers(*shape, low=0, high=high).astype(dtype)
    kept = shape[:axis] + shape[axis + 1 :]
    for how in ("", " clear"):
        run(
            reduction(kind, shape, axis, dtype, dtype, how), value, np.ones(kept, dtype)
        )


SPECIAL = [0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, -1.0]


@pytest.mark.parametrize("kind", ["max", "min", "absmax"])
def test_reduce_special_values(run: Run, kind: str) -> None:
    rows = np.array(list(itertools.product(SPECIAL, repeat=3)), np.float32)
    for how in ("", " clear", " nan_propagate"):
        for start in SPECIAL:
            text = reduction(kind, rows.shape, 1, "float32", "float32", how)
            run(text, rows, np.full(len(rows), start, np.float32))


def test_reduce_of_zeros_orders_them(run: Run) -> None:
    x = np.array([[0.0, -0.0], [-0.0, 0.0], [-0.0, -0.0]], np.float32)
    text = reduction("max", (3, 2), 1, "float32", "float32", " clear")
    assert np.signbit(run(text, x, empty(3))[1]).tolist() == [False, False, True]
    text = reduction("min", (3, 2), 1, "float32", "float32", " clear")
    assert np.signbit(run(text, x, empty(3))[1]).tolist() == [True, True, True]
    text = reduction("sum", (3, 2), 1, "float32", "float32", " clear")
    assert not np.signbit(run(text, x, empty(3))[1]).any()


def test_reduce_over_edges_reads_the_fill(run: Run) -> None:
    x = floats(3, 4) - 20
    _, y = run(
        """
        func f(X: float32[3, 4], Y: float32[2, 3])
          launch (z: 1) threads 1
            reduce max X[1 +: 3, 2 +: 5; fill -7.0] axis 1 -> Y[1, 0 +: 3] clear
        """,
        x,
        empty(2, 3),
    )
    np.testing.assert_array_equal(y[1], [-7, -7, -7])
    np.testing.assert_array_equal(y[0], [77] * 3)


def test_reduce_of_an_extent_at_run_time(run: Run) -> None:
    text = """
        func f[n](X: float32[3, n], S: float32[3], M: float32[3], K: float32[3])
          launch (z: 1) threads 1
            reduce sum X[0 +: 3, 0 +: n] axis 1 -> S[0 +: 3] clear
            reduce max X[0 +: 3, 0 +: n] axis 1 -> M[0 +: 3] clear
            reduce min X[0 +: 3, 0 +: n] axis 1 -> K[0 +: 3]
        """
    for n in (0, 1, 576):
        x = floats(3, n)
        _, s, m, k = run(text, x, empty(3), empty(3), empty(3), dims=[n])
        np.testing.assert_array_equal(s, x.sum(axis=1))
        np.testing.assert_array_equal(m, x.max(axis=1, initial=-np.inf))
        np.testing.assert_array_equal(k, x.min(axis=1, initial=77))


def test_order_of_float_sums_stays_within_the_bound(interpret: Run) -> None:
    x = np.random.default_rng(0).normal(size=(4, 3000)).astype(np.float32)
    for dtype, unit in (("float32", 2.0**-23), ("float16", 2.0**-11)):
        text = reduction("sum", x.shape, 1, "float32", dtype, " clear")
        _, found = interpret(text, x, empty(4, dtype=carrier(dtype)))
        exact = x.astype(np.float64).sum(axis=1)
        bound = 3000 * 2.0**-23 * np.abs(x).sum(axis=1) + unit * np.abs(exact)
        assert (np.abs(found.astype(np.float64) - exact) <= bound).all()
