"""Copy and Fill: bounds, conversion, aliasing."""

from __future__ import annotations

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


def test_tile_load_and_store_over_edges(run: Run) -> None:
    x = floats(10, 7)
    _, y = run(
        """
        func f(X: float32[10, 7], Y: bfloat16[9, 6])
          launch (bx: 2, by: 3) threads 128
            alloc shared t: bfloat16[4, 5]
            copy X[by * 4 +: 4, bx * 5 +: 5] -> t[0 +: 4, 0 +: 5] shape (4, 5)
            copy t[0 +: 4, 0 +: 5] -> Y[by * 4 +: 4, bx * 5 +: 5] shape (4, 5)
        """,
        x,
        empty(9, 6, dtype=BF16),
    )
    np.testing.assert_array_equal(y.astype(np.float32), x[:9, :6])


@pytest.mark.parametrize("start", [-3, -1, 0, 2, 5, 6, 9, -(2**62), 2**62])
@pytest.mark.parametrize("extent", [-2, 0, 1, 3, 8])
def test_slices_never_pass_their_end(run: Run, start: int, extent: int) -> None:
    x = np.arange(6, dtype=np.int32) + 10
    text = """
        func f(s: int64, n: int64, X: int32[6], Y: int32[5], Z: int32[6])
          launch (b: 1) threads 1
            copy X[index(s) +: index(n); fill -4:int32] -> Y[0 +: 5] shape (5)
            copy Y[0 +: 5] -> Z[index(s) +: index(n)] shape (5)
        """
    *_, y, z = run(
        text, start, extent, x, empty(5, dtype=np.int32), empty(6, dtype=np.int32)
    )
    expected, stored = [-4] * 5, [77] * 6
    for p in range(min(5, extent)):
        if 0 <= start + p < 6:
            expected[p] = int(x[start + p])
            stored[start + p] = expected[p]
    assert y.tolist() == expected and z.tolist() == stored


def test_points_and_ranges_mix(run: Run) -> None:
    x = floats(3, 4, 5, 2)
    _, y, z = run(
        """
        func f(X: float32[3, 4, 5, 2], Y: float32[6, 5], Z: float32[2])
          launch (b: 3) threads 1
            alloc shared t: float32[4, 5]
            copy X[b, 0 +: 4, 0 +: 5, 1] -> t[0 +: 4, 0 +: 5] shape (4, 5)
            copy t[3, 0 +: 5] -> Y[b * 2, 0 +: 5] shape (5)
            copy X[b + 1, 1, 2, 0 +: 2] -> Y[b * 2 + 1, 1 +: 2] shape (2)
            copy X[1, 2, 3, 1] -> Z[1] shape ()
            copy X[3, 0, 0, 0] -> Z[0] shape ()
            copy X[0, 0, 0, 0] -> Z[2] shape ()
        """,
        x,
        empty(6, 5),
        empty(2),
    )
    np.testing.assert_array_equal(y[::2], x[:, 3, :, 1])
    np.testing.assert_array_equal(y[1:5:2, 1:3], x[1:, 1, 2])
    np.testing.assert_array_equal(y[5, 1:3], [0, 0])
    assert z.tolist() == [0, x[1, 2, 3, 1]]


def test_copy_of_scalars_and_extents_at_run_time(run: Run) -> None:
    x = floats(9)
    _, y = run(
        """
        func f[n](X: float32[n], Y: float32[n + 2])
          launch (b: 1) threads 1
            alloc shared s: float32[]
            copy X[2] -> s[] shape ()
            copy X[0 +: n] -> Y[1 +: n] shape (n)
            copy s[] -> Y[0] shape ()
        """,
        x,
        empty(11),
        dims=[9],
    )
    np.testing.assert_array_equal(y, [x[2], *x, 77])


def test_copy_within_one_buffer(run: Run) -> None:
    (y,) = run(
        """
        func f(Y: float32[10])
          launch (b: 1) threads 1
            copy Y[0 +: 3] -> Y[5 +: 3] shape (3)
            copy Y[0 +: 10] -> Y[0 +: 10] shape (10)
            copy Y[8 +: 4] -> Y[8 +: 4] shape (4)
        """,
        floats(10),
    )
    np.testing.assert_array_equal(y[5:8], y[:3])


def test_copy_converts_once_and_keeps_bits_of_one_dtype(run: Run) -> None:
    values = np.array([1 + 2.0**-8 + 2.0**-40, 500.0, -np.inf, np.nan, -0.0, 1e-9, 3.7])
    codes = np.arange(256, dtype=np.uint8)
    *_, e, i, q, p = run(
        """
        func f(X: float64[7], C: float8_e5m2[256], B: bfloat16[7], E: float8_e4m3fn[7], I: uint8[7], Q: float8_e5m2[256], P: float8_e8m0fnu[9])
          launch (b: 1) threads 1
            copy X[0 +: 7] -> B[0 +: 7] shape (7)
            copy X[0 +: 7] -> E[0 +: 7] shape (7)
            copy X[0 +: 7] -> I[0 +: 7] shape (7)
            copy C[0 +: 256] -> Q[0 +: 256] shape (256)
            copy X[0 +: 7] -> P[0 +: 7] shape (7)
            copy P[9 +: 2] -> P[7 +: 2] shape (2)
        """,  # noqa: E501
        values,
        codes.view(E5M2),
        empty(7, dtype=BF16),
        empty(7, dtype=E4M3),
        empty(7, dtype=np.uint8),
        empty(256, dtype=E5M2),
        np.full(9, 2.0, ml_dtypes.float8_e8m0fnu),
    )
    assert i.tolist() == [1, 255, 0, 0, 0, 0, 3]
    assert e[1] == 448 and e[2] == -448 and np.isnan(e[3].astype(float))
    np.testing.assert_array_equal(q.view(np.uint8), codes)
    assert p.view(np.uint8)[7:].tolist() == [
        0,
        0,
    ]  # outside: all bits zero, not the value 0


def test_fill_evaluates_once_and_is_clipped(run: Run) -> None:
    (y,) = run(
        """
        func f(Y: int32[4, 5])
          launch (b: 1) threads 1
            Y[1, 1] = 3:int32
            fill Y[-1 +: 3, 1 +: 9] = Y[1, 1] + 1:int32
            fill Y[3, 0 +: 2] = 5:int32
            fill Y[2, 2] = 6:int32
            fill Y[7, 0 +: 5] = 7:int32
        """,
        empty(4, 5, dtype=np.int32),
    )
    expected = np.full((4, 5), 77)
    expected[:2, 1:] = 4
    expected[3, :2] = 5
    expected[2, 2] = 6
    np.testing.assert_array_equal(y, expected)
