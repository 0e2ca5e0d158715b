"""Statements as generated code, against the NumPy backend, bit for bit."""

from __future__ import annotations

from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest

Run = Callable[..., list[np.ndarray]]


def integers(*shape: int, dtype: object = np.float32) -> np.ndarray:
    rng = np.random.default_rng(sum(shape))
    return rng.integers(-4, 5, shape).astype(dtype)


def empty(*shape: int, dtype: object = np.float32) -> np.ndarray:
    return np.full(shape, 77, dtype)


@pytest.mark.parametrize("size", [1, 3, 16, 24, 96, 100, 132, 192, 576])
def test_tiles_of_any_size(run: Run, size: int) -> None:
    x = integers(5, size)
    _, y, s = run(
        f"""
        func f(X: float32[5, {size}], Y: float32[5, {size}], S: float32[5])
          launch (b: 2) threads 64
            alloc fragment t: float32[3, {size}]
            alloc fragment m: float32[3]
            copy X[b * 3 +: 3, 0 +: {size}] -> t[0 +: 3, 0 +: {size}] shape (3, {size})
            reduce max t[0 +: 3, 0 +: {size}] axis 1 -> m[0 +: 3] clear
            parallel (i: 3, j: {size})
              t[i, j] = t[i, j] - m[i]
            reduce sum t[0 +: 3, 0 +: {size}] axis 1 -> m[0 +: 3] clear
            copy t[0 +: 3, 0 +: {size}] -> Y[b * 3 +: 3, 0 +: {size}] shape (3, {size})
            copy m[0 +: 3] -> S[b * 3 +: 3] shape (3)
        """,
        x,
        empty(5, size),
        empty(5),
    )
    np.testing.assert_array_equal(y, x - x.max(1, keepdims=True))
    np.testing.assert_array_equal(s, y.sum(1))


@pytest.mark.parametrize("sizes", [(5, 3, 7), (64, 192, 96), (16, 24, 576), (1, 1, 1)])
@pytest.mark.parametrize(
    "dtype", ["bfloat16", "float32", "float8_e4m3fn", "int8", "int32"]
)
def test_products_of_any_size(run: Run, sizes: tuple[int, ...], dtype: str) -> None:
    m, n, k = sizes
    product = (
        f"gemm c[0 +: {m}, 0 +: {n}] += a[0 +: {m}, 0 +: {k}] @ b[0 +: {n}, 0 +: {k}].T"
    )
    out = {"int8": "int32", "int32": "int32"}.get(dtype, "float32")
    carrier = getattr(ml_dtypes, dtype, None) or np.dtype(dtype)
    a, b = integers(m, k, dtype=carrier), integers(n, k, dtype=carrier)
    *_, c = run(
        f"""
        func f(A: {dtype}[{m}, {k}], B: {dtype}[{n}, {k}], C: {out}[{m}, {n}])
          launch (z: 1) threads 128
            alloc shared a: {dtype}[{m}, {k}]
            alloc shared b: {dtype}[{n}, {k}]
            alloc fragment c: {out}[{m}, {n}]
            copy A[0 +: {m}, 0 +: {k}] -> a[0 +: {m}, 0 +: {k}] shape ({m}, {k})
            copy B[0 +: {n}, 0 +: {k}] -> b[0 +: {n}, 0 +: {k}] shape ({n}, {k})
            {product} clear true
            copy c[0 +: {m}, 0 +: {n}] -> C[0 +: {m}, 0 +: {n}] shape ({m}, {n})
        """,
        a,
        b,
        empty(m, n, dtype=out),
    )
    np.testing.assert_array_equal(c, a.astype(np.float64) @ b.astype(np.float64).T)


def test_product_ignores_what_lies_in_padding(run: Run) -> None:
    """exp(0) = 1 in the padding of k must not be summed."""
    *_, c = run(
        """
        func f(A: float32[16, 5], C: float32[16, 16])
          launch (b: 1) threads 128
            alloc fragment a: float32[16, 5]
            alloc fragment c: float32[16, 16]
            parallel (i: 16, j: 5)
              a[i, j] = A[i, j] + 1.0
            gemm c[0 +: 16, 0 +: 16] += a[0 +: 16, 0 +: 5] @ a[0 +: 16, 0 +: 5].T clear true
            copy c[0 +: 16, 0 +: 16] -> C[0 +: 16, 0 +: 16] shape (16, 16)
        """,
        np.zeros((16, 5), np.float32),
        empty(16, 16),
    )
    np.testing.assert_array_equal(c, np.full((16, 16), 5))


def test_products_of_tiles_in_scratch_memory(run: Run) -> None:
    """Shifted reads make buffers addressable; they still multiply."""
    *_, c = run(
        """
        func f(A: float32[24, 20], C: float32[24, 24])
          launch (b: 2) threads 128
            alloc shared a: float32[24, 20]
            alloc fragment c: float32[24, 24]
            copy A[0 +: 24, 0 +: 20] -> a[0 +: 24, 0 +: 20] shape (24, 20)
            fill c[0 +: 24, 0 +: 24] = 2.0
            gemm c[0 +: 24, 0 +: 24] += a[0 +: 24, 0 +: 20] @ a[0 +: 24, 0 +: 20].T
            parallel (i: 24, j: 24)
              C[i, j] = c[i - 1, 23 - j] + a[i, j + 1]
        """,
        integers(24, 20),
        empty(24, 24),
    )
    assert np.isfinite(c).all()


def test_slices_of_one_tile_are_pieces(run: Run) -> None:
    x = integers(16, 96)
    _, y = run(
        """
        func f(X: float32[16, 96], Y: float32[16, 16])
          launch (b: 1) threads 128
            alloc shared t: float32[16, 96]
            alloc fragment c: float32[16, 16]
            copy X[0 +: 16, 64 +: 32] -> t[0 +: 16, 0 +: 32] shape (16, 32)
            copy X[0 +: 16, 0 +: 64] -> t[0 +: 16, 32 +: 64] shape (16, 64)
            gemm c[0 +: 16, 0 +: 16] += t[0 +: 16, 0 +: 32] @ t[0 +: 16, 64 +: 32].T clear true
            copy c[0 +: 16, 0 +: 16] -> Y[0 +: 16, 0 +: 16] shape (16, 16)
        """,
        x,
        empty(16, 16),
    )
    np.testing.assert_array_equal(y, x[:, 64:] @ x[:, 32:64].T)


def test_gathers_and_scatters_within_a_block(run: Run) -> None:
    x = integers(9)
    order = np.array([3, 0, 8, -1, 2, 40, 7, 1, 6], np.int32)
    *_, y, z = run(
        """
        func f(X: float32[9], P: int32[9], Y: float32[9], Z: float32[9])
          launch (b: 1) threads 32
            alloc shared t: float32[9]
            alloc shared u: float32[9]
            copy X[0 +: 9] -> t[0 +: 9] shape (9)
            fill u[0 +: 9] = 5.0
            parallel (i: 9)
              Y[i] = t[index(P[i])] + t[8 - i]
              u[index(P[i])] = t[i]
            copy u[0 +: 9] -> Z[0 +: 9] shape (9)
        """,
        x,
        order,
        empty(9),
        empty(9),
    )
    gathered = [x[p] if 0 <= p < 9 else 0 for p in order]
    np.testing.assert_array_equal(y, np.array(gathered) + x[::-1])
    assert z[3] == x[0] and z[4] == 5


def test_columns_at_run_time_positions(run: Run) -> None:
    x = integers(6, 5)
    _, y = run(
        """
        func f(X: float32[6, 5], Y: float32[6, 5])
          launch (b: 1) threads 32
            alloc fragment t: float32[6, 5]
            alloc fragment u: float32[6, 5]
            copy X[0 +: 6, 0 +: 5] -> t[0 +: 6, 0 +: 5] shape (6, 5)
            fill u[0 +: 6, 0 +: 5] = 0.0
            for serial k in 0 .. 5 step 1
              parallel (i: 6)
                u[i, 4 - k] = t[i, k]
              u[0, k] = t[5, 4 - k] + 100.0
            copy u[0 +: 6, 0 +: 5] -> Y[0 +: 6, 0 +: 5] shape (6, 5)
        """,
        x,
        empty(6, 5),
    )
    np.testing.assert_array_equal(y[1:], x[1:, ::-1])


@pytest.mark.parametrize("kind", ["sum", "max", "min", "mul", "and", "or", "xor"])
def test_histograms(run: Run, kind: str) -> None:
    ids = np.array([3, 1, 3, 3, 0, 9, -2, 1, 4, 4], np.int32)
    values = np.arange(1, 11, dtype=np.int32)
    run(
        f"""
        func f(I: int32[10], V: int32[10], H: int32[5], G: int32[5])
          launch (b: 1) threads 32
            alloc fragment h: int32[5]
            fill h[0 +: 5] = 6:int32
            parallel (i: 10)
              h[index(I[i])] {kind}= V[i]
              G[index(I[i])] {kind}= V[i]
            copy h[0 +: 5] -> H[0 +: 5] shape (5)
        """,
        ids,
        values,
        empty(5, dtype=np.int32),
        np.full(5, 6, np.int32),
    )


def test_narrow_sums_are_rounded_once(run: Run) -> None:
    x = np.full((1, 96), 1 / 256, np.float16)
    _, y = run(
        """
        func f(X: float16[1, 96], Y: float16[1])
          launch (b: 1) threads 32
            alloc fragment s: float16[1]
            fill s[0 +: 1] = 8.0:float16
            parallel (i: 1, j: 96)
              s[i] sum= float32(X[i, j])
            copy s[0 +: 1] -> Y[0 +: 1] shape (1)
        """,
        x,
        empty(1, dtype=np.float16),
    )
    assert y[0] == np.float16(8.375)


def test_private_scratch_and_loops_with_jumps(run: Run) -> None:
    x = np.arange(-3, 10, dtype=np.int32)
    run(
        """
        func f(X: int32[13], Y: int32[13])
          launch (b: 1) threads 32
            parallel (i: 13)
              alloc local w: int32[3]
              alloc local n: int32[]
              w[0] = X[i]
              w[1] = X[i] * 2:int32
              w[2] = 0:int32
              n[] = X[i]
              if X[i] == 5:int32
                Y[i] = 55:int32
                continue
              for serial k in 0 .. index(X[i]) step 2
                if k == 4
                  continue
                if k > 6
                  break
                w[k % 2 + 1] = w[k % 2 + 1] + w[0]
              while n[] > 2:int32
                n[] = n[] - 3:int32
                w[2] = w[2] + 1:int32
              Y[i] = w[0] + w[1] * 100:int32 + w[2] * 10000:int32
        """,
        x,
        empty(13, dtype=np.int32),
    )


def test_loops_of_a_block_with_jumps(run: Run) -> None:
    x = np.array([4, 7, 0, 5, 9, 9], np.int32)
    _, y = run(
        """
        func f(X: int32[6], Y: int32[3])
          launch (b: 3) threads 32
            alloc local n: int32[]
            n[] = 0:int32
            for serial k in b .. 6 step 1
              if X[k] == 0:int32
                continue
              if X[k] == 9:int32
                break
              n[] = n[] + X[k]
            for serial r in 5 .. 0 - 1 step 0 - 2
              n[] = n[] * 2:int32 + X[r]
            Y[b] = n[]
        """,
        x,
        empty(3, dtype=np.int32),
    )
    assert y[0] == ((16 * 2 + 9) * 2 + 5) * 2 + 7


def test_launches_share_a_workspace(run: Run) -> None:
    x = integers(40)
    _, y = run(
        """
        func f[n](X: float32[n], Y: float32[1])
          alloc global part: float32[4]
          launch (s: 4) threads 32
            alloc fragment t: float32[10]
            alloc fragment sum: float32[1]
            copy X[s * 10 +: 10] -> t[0 +: 10] shape (10)
            reduce sum t[0 +: 10] axis 0 -> sum[0] clear
            part[s] = sum[0]
          launch (z: 1) threads 32
            Y[0] = 0.0
            parallel (i: 4)
              Y[0] sum= part[i]
        """,
        x,
        empty(1),
        dims=[40],
    )
    assert y[0] == x.sum()


@pytest.mark.parametrize("n", [0, 1, 5, 4099])
def test_extents_at_run_time(run: Run, n: int) -> None:
    x = integers(n, 3)
    _, y = run(
        """
        func f[n](X: float32[n, 3], Y: float32[6, n])
          launch (b: 1) threads 128
            parallel (i: n, j: 3)
              if X[i, j] > 0.0
                Y[j, i] = X[i, j] + float32(i)
              else
                Y[j + 3, n - 1 - i] = X[i, j]
        """,
        x,
        empty(6, n),
        dims=[n],
    )
    assert (y[3:][y[3:] != 77] <= 0).all()


def test_grids_larger_than_the_device_takes_are_folded(run: Run) -> None:
    _, y = run(
        """
        func f[m](X: int32[1], Y: int32[m, 2, 3])
          launch (a: 3, b: 2, c: m) threads 32
            Y[c, b, a] = int32(c * 100 + b * 10 + a)
        """,
        empty(1, dtype=np.int32),
        empty(4, 2, 3, dtype=np.int32),
        dims=[4],
    )
    assert y[3, 1, 2] == 312


def test_a_block_sees_its_own_global_stores(run: Run) -> None:
    _, y = run(
        """
        func f(X: float32[64], Y: float32[64])
          launch (b: 1) threads 64
            for serial k in 0 .. 3 step 1
              parallel (i: 64)
                Y[i] = X[i] + float32(k)
              parallel (i2: 64)
                X[63 - i2] = Y[i2] * 2.0
        """,
        integers(64),
        empty(64),
    )
    assert np.isfinite(y).all()
