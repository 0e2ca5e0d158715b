"""Element reads and writes of all lanes at once."""

from __future__ import annotations

from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest
from tiledsl_numpy import parallel
from tiledsl_numpy.indexing import Box

Run = Callable[..., list]


def floats(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(sum(shape))
    return rng.integers(-8, 9, shape).astype(np.float32)


def empty(*shape: int, dtype: object = np.float32) -> np.ndarray:
    return np.full(shape, 77, dtype)


def test_elementwise_with_edges(run: Run) -> None:
    x = floats(10, 7)
    _, y = run(
        """
        func f(X: float32[10, 7], Y: float32[10, 7])
          launch (bx: 3, by: 2) threads 128
            parallel (i: 4, j: 5)
              Y[bx * 4 + i, by * 5 + j] = X[bx * 4 + i, by * 5 + j] * 2.0 + 1.0
        """,
        x,
        empty(10, 7),
    )
    np.testing.assert_array_equal(y, x * 2 + 1)


def test_reads_outside_give_zero_or_the_fill(run: Run) -> None:
    x = floats(5) + 100
    _, y, z = run(
        """
        func f(X: float32[5], Y: float32[9], Z: float32[9])
          launch (b: 1) threads 1
            parallel (i: 9)
              Y[i] = X[i - 2]
              Z[i] = X[2 - i; fill -3.0]
        """,
        x,
        empty(9),
        empty(9),
    )
    np.testing.assert_array_equal(y, [0, 0, *x, 0, 0])
    np.testing.assert_array_equal(z, [*x[2::-1], *[-3] * 6])


def test_each_dimension_is_tested_by_itself(run: Run) -> None:
    x = floats(3, 4) + 50
    _, y = run(
        """
        func f(X: float32[3, 4], Y: float32[5, 8])
          launch (b: 1) threads 1
            parallel (i: 5, j: 8)
              Y[i, j] = X[i - 1, j - 2]
        """,
        x,
        empty(5, 8),
    )
    expected = np.zeros((5, 8), np.float32)
    expected[1:4, 2:6] = x
    np.testing.assert_array_equal(y, expected)


def test_transposed_diagonal_and_broadcast_indices(run: Run) -> None:
    x = floats(4, 6)
    _, y, z, w = run(
        """
        func f(X: float32[4, 6], Y: float32[6, 4], Z: float32[4], W: float32[4, 6, 2])
          launch (b: 1) threads 1
            parallel (i: 6, j: 4)
              Y[i, j] = X[j, i]
            parallel (d: 4)
              Z[d] = X[d, d]
            parallel (u: 4, v: 6, w: 2)
              W[u, v, w] = X[u, 5 - v] + X[2, v]
        """,
        x,
        empty(6, 4),
        empty(4),
        empty(4, 6, 2),
    )
    np.testing.assert_array_equal(y, x.T)
    np.testing.assert_array_equal(z, np.diagonal(x))
    np.testing.assert_array_equal(w[..., 0], x[:, ::-1] + x[2])


def test_gather_and_scatter_by_loaded_indices(run: Run) -> None:
    x = floats(6, 3)
    rows = np.array([5, -1, 0, 6, 2, -(2**31), 2**31 - 1, 5], np.int32)
    targets = np.array([0, 1, 8, -1, 3, 2, 9, 5], np.int64)
    _, _, _, y, z = run(
        """
        func f(X: float32[6, 3], R: int32[8], T: int64[8], Y: float32[8, 3], Z: float32[8])
          launch (b: 1) threads 1
            parallel (i: 8, j: 3)
              Y[i, j] = X[index(R[i]), j]
            parallel (k: 8)
              Z[index(T[k])] = float32(k)
        """,
        x,
        rows,
        targets,
        empty(8, 3),
        empty(8),
    )
    valid = (rows >= 0) & (rows < 6)
    np.testing.assert_array_equal(y, np.where(valid[:, None], x[rows * valid], 0))
    np.testing.assert_array_equal(z, [0, 1, 5, 4, 77, 7, 77, 77])


def test_strided_arguments(run: Run) -> None:
    x = np.broadcast_to(floats(5), (4, 5))
    y = empty(5, 8)[::-1, ::2].T
    _, y = run(
        """
        func f[m](X: float32[m, 5] strides(0, 1), Y: float32[m, 5] strides(2, -8))
          launch (b: m) threads 1
            parallel (j: 5)
              Y[b, j] = X[b, j] + 1.0
        """,
        x,
        y,
        dims=[4],
    )
    np.testing.assert_array_equal(y, x + 1)


def test_loads_and_casts_of_narrow_floats(run: Run) -> None:
    h = floats(8).astype(np.float16) / np.float16(3)
    b = (floats(8) * 1.7).astype(ml_dtypes.bfloat16)
    q = (floats(8) * 100).astype(ml_dtypes.float8_e4m3fn)
    run(
        """
        func f(H: float16[8], B: bfloat16[8], Q: float8_e4m3fn[8], Z: float32[8])
          launch (b: 1) threads 1
            parallel (i: 8)
              let product: float32 = float32(H[i]) * float32(B[i])
              Z[i] = product
              H[i] = float16(product)
              B[i] = bfloat16(product + float32(Q[i]), rounding rz)
              Q[i] = float8_e4m3fn(product * 60.0)
              Z[i] = Z[i] + bitcast(1073741824:int32, float32)
        """,
        h,
        b,
        q,
        empty(8),
    )


def test_select_reads_only_the_chosen_arm_and_both_have_one_value(run: Run) -> None:
    x = floats(6)
    _, y = run(
        """
        func f[n](X: float32[n], Y: float32[6])
          launch (b: 1) threads 1
            parallel (i: 6)
              Y[i] = select(i < n, X[i], 1.0) + select_both(X[i] > 0.0, X[i], 2.0)
        """,
        x[:4],
        empty(6),
        dims=[4],
    )
    padded = np.array([*x[:4], 0, 0], np.float32)
    first = np.where(np.arange(6) < 4, padded, 1)
    np.testing.assert_array_equal(y, first + np.where(padded > 0, padded, 2))


def test_what_is_whole_is_read_without_a_copy() -> None:
    x = floats(6, 5)
    inner = Box.of((2, 1), (3, 4), x.shape).read(x, np.float32(0))
    assert np.shares_memory(inner, x)
    np.testing.assert_array_equal(inner, x[2:5, 1:5])
    assert not np.shares_memory(Box.of((4, 1), (3, 4), x.shape).read(x, x[0, 0]), x)


@pytest.mark.parametrize("shape", [(20,), (3, 5), (5, 3), (2, 3, 2), (2, 2, 9)])
def test_large_spaces_run_in_parts_in_their_order(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "_MOST_LANES", 8)
    numbers = np.arange(np.prod(shape)).reshape(shape)
    found: list[int] = []
    for origin, extents in parallel._parts(shape):
        ends = zip(origin, extents, strict=True)
        part = numbers[tuple(slice(low, low + extent) for low, extent in ends)]
        assert part.shape == extents
        assert part.size <= 8
        found += part.reshape(-1).tolist()
    assert found == list(range(numbers.size))


def test_index_arithmetic_wraps_where_positions_are_gathered(run: Run) -> None:
    x, p = floats(4, 3) + 50, np.array([2, 0, 1], np.int32)
    _, _, _, y, z = run(
        """
        func f(X: float32[4, 3], P: int32[3], far: int64, Y: float32[3], Z: float32[3])
          launch (b: 1) threads 1
            let a: index = index(far)
            parallel (i: 3)
              Y[i] = X[i + a + a, index(P[i])]
              Z[i] = X[i + a + a + a + a + 1, index(P[i])]
        """,
        x,
        p,
        2**62,
        empty(3),
        empty(3),
    )
    np.testing.assert_array_equal(y, [0, 0, 0])
    np.testing.assert_array_equal(z, x[[1, 2, 3], p])
