"""Reduction statements: every iteration counts once, one rounding."""

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


SPECIAL = [0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, -1.0]


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        (kind, dtype)
        for kind in ("sum", "mul", "max", "min", "and", "or", "xor")
        for dtype in ("int32", "uint8", "float32", "bfloat16", "float16")
        if kind not in ("and", "or", "xor") or "float" not in dtype
    ],
)
def test_accumulate(run: Run, kind: str, dtype: str) -> None:
    is_float = "float" in dtype
    ids = integers(40, low=-1, high=7).astype(np.int32)
    x = integers(40, low=1, high=3).astype(np.float32 if is_float else dtype)
    value = "float32" if is_float else dtype
    run(
        f"""
        func f(I: int32[40], X: {value}[40], R: {dtype}[6])
          launch (z: 1) threads 1
            parallel (i: 40)
              if i != 13
                R[index(I[i])] {kind}= X[i]
        """,
        ids,
        x,
        integers(6, low=0, high=5).astype(carrier(dtype)),
    )


def test_accumulate_counts_every_iteration(run: Run) -> None:
    n, rows, total = run(
        """
        func f(N: int32[], R: int32[5], T: float32[1, 1])
          launch (z: 1) threads 1
            alloc local c: int32[]
            c[] = 10:int32
            parallel (i: 5, j: 7, k: 3)
              N[] sum= 1:int32
              R[i] sum= int32(j)
              c[] sum= 2:int32
              for serial l in 0 .. j step 1
                if l == 4
                  break
                T[0, 0] sum= 1.0
            R[4] = c[]
        """,
        np.zeros((), np.int32),
        np.zeros(5, np.int32),
        np.zeros((1, 1), np.float32),
    )
    assert n[()] == 105 and rows.tolist() == [63, 63, 63, 63, 220]
    assert total[0, 0] == 15 * (0 + 1 + 2 + 3 + 4 + 4 + 4)


def test_private_elements_are_updated_at_once(run: Run) -> None:
    x = floats(6)
    _, y = run(
        """
        func f(X: float32[6], Y: float32[6])
          launch (z: 1) threads 1
            alloc local outer: float16[]
            parallel (i: 6)
              alloc local h: bfloat16[2]
              outer[] = 2048.0:float16
              h[0] = bfloat16(X[i])
              h[0] sum= 1.00390625
              outer[] sum= 1.0
              outer[] sum= 1.0
              Y[i] = float32(h[0]) + float32(outer[]) * 1000.0
        """,
        x,
        empty(6),
    )
    rounded = (x + np.float32(1.00390625)).astype(BF16).astype(np.float32)
    np.testing.assert_array_equal(y, rounded + np.float32(2048000))


def test_kept_updates_are_not_views(run: Run) -> None:
    x = floats(6)
    x_after, r = run(
        """
        func f(X: float32[6], R: float16[1])
          launch (z: 1) threads 1
            parallel (i: 6)
              R[0] sum= X[i]
              X[i] = 100.0
        """,
        x,
        np.zeros(1, np.float16),
    )
    assert r[0] == x.sum() and (x_after == 100).all()


def test_narrow_accumulators_round_once(run: Run) -> None:
    (r,) = run(
        """
        func f(R: float16[1])
          launch (z: 1) threads 1
            parallel (i: 10)
              for serial k in 0 .. 2 step 1
                R[0] sum= 0.25
              R[0] sum= 0.0
        """,
        np.full(1, 2048, np.float16),
    )
    assert r[0] == 2052  # 2053 is a tie; adding 0.25 in float16 would stay at 2048


def test_accumulated_extremes_order_zeros_and_ignore_nan(run: Run) -> None:
    rows = np.array(list(itertools.product(SPECIAL, repeat=3)), np.float32)
    for kind in ("max", "min"):
        for start in SPECIAL:
            run(
                f"""
                func f(X: float32[{len(rows)}, 3], R: float32[{len(rows)}])
                  launch (z: 1) threads 1
                    parallel (i: {len(rows)}, j: 3)
                      R[i] {kind}= X[i, j]
                """,
                rows,
                np.full(len(rows), start, np.float32),
            )


def test_accumulate_into_a_large_sparse_buffer(run: Run) -> None:
    ids = np.array([99_999, 5, 5, 250_000, 99_999, -3], np.int32)
    *_, r = run(
        """
        func f(I: int32[6], R: float32[100000])
          launch (z: 1) threads 1
            parallel (i: 6)
              R[index(I[i])] sum= float32(i + 1)
        """,
        ids,
        np.zeros(100_000, np.float32),
    )
    assert r[5] == 5 and r[99_999] == 6 and r.sum() == 11
