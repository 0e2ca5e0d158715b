"""Programs of tile operations: copies, fills, products, reductions, grids."""

from __future__ import annotations

import ml_dtypes
import numpy as np

import tiledsl
import tiledsl.language as T
from tests.faults.programs import Case, Source, program

BF16 = ml_dtypes.bfloat16


@program
def copies_with_tails(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        m = T.dynamic("m")
        n = T.const("n")
        X: T.Tensor((m, n), "int32")
        Y = T.empty((m, n), "int32")
        Z = T.empty((m, n), "int32")
        with T.Kernel(T.ceildiv(n, 4), T.ceildiv(m, 3)) as (bx, by):
            x = T.alloc_shared((3, 4), "int32")
            y = T.alloc_fragment((3, 4), "int32")
            T.copy(X[by * 3, bx * 4], x)
            T.copy(x, y)
            T.copy(y, Y[by * 3, bx * 4])
            for i, j in T.Parallel(3, 4):
                x[i, j] = y[i, j] * 10 + j
            T.copy(x, Z[by * 3 : by * 3 + 3, bx * 4 : bx * 4 + 4])
        return Y, Z

    x = source.integers((7, 10))
    return Case(kernel, (x,), (x, x * 10 + np.arange(10, dtype=np.int32) % 4))


@program
def reads_outside_are_zero(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        n = T.const("n")
        X: T.Tensor((n,), "int32")
        Y = T.empty((8,), "int32")
        Z = T.empty((8,), "int32")
        with T.Kernel(1):
            x = T.alloc_shared((8,), "int32")
            T.copy(X[2], x)
            T.copy(x, Y)
            for i in T.Parallel(8):
                Z[i] = X[i + 1] + 7
        return Y, Z

    x = source.integers((5,), low=1)
    y = np.zeros(8, np.int32)
    y[:3] = x[2:]
    z = np.full(8, 7, np.int32)
    z[:4] += x[1:]
    return Case(kernel, (x,), (y, z))


@program
def safe_value_outside(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        n = T.const("n")
        X: T.Tensor((n,), "int32")
        Y = T.empty((8,), "int32")
        Z = T.empty((8,), "int32")
        with T.Kernel(1):
            T.annotate_safe_value({X: 55})
            x = T.alloc_shared((8,), "int32")
            T.copy(X[2], x)
            T.copy(x, Y)
            for i in T.Parallel(8):
                Z[i] = X[i * 2]
        return Y, Z

    x = source.integers((5,))
    y, z = np.full(8, 55, np.int32), np.full(8, 55, np.int32)
    y[:3], z[:3] = x[2:], x[::2]
    return Case(kernel, (x,), (y, z))


@program
def slices_inside_buffers(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((6, 8), "int32")
        Y = T.empty((6, 8), "int32")
        with T.Kernel(1):
            x = T.alloc_shared((6, 8), "int32")
            T.fill(x, -1)
            T.copy(X[1:4, 2:7], x[2:5, 0:5])
            T.copy(X[5, 0:-2], x[0, 1:7])
            T.fill(x[5, 3:], 9)
            T.copy(x, Y)
        return Y

    x = source.integers((6, 8))
    y = np.full((6, 8), -1, np.int32)
    y[2:5, 0:5] = x[1:4, 2:7]
    y[0, 1:7] = x[5, :-2]
    y[5, 3:] = 9
    return Case(kernel, (x,), (y,))


@program
def a_slice_ends_before_its_tile(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X, n):
        X: T.Tensor((12,), "int32")
        n: T.int32
        Y = T.empty((8,), "int32")
        Z = T.empty((12,), "int32")
        with T.Kernel(1):
            x = T.alloc_shared((8,), "int32")
            T.copy(X[1 : 1 + n], x)
            T.copy(x, Y)
            T.fill(Z, 4)
            T.copy(X[0:8], x)
            T.copy(x, Z[2 : 2 + n])
        return Y, Z

    x = source.integers((12,), low=1)
    y, z = np.zeros(8, np.int32), np.full(12, 4, np.int32)
    y[:5], z[2:7] = x[1:6], x[:5]
    return Case(kernel, (x, 5), (y, z))


def _product(
    source: Source, transpose_a: bool, transpose_b: bool, dtype: str, sizes: tuple
) -> Case:
    @tiledsl.jit
    def kernel(A, B, C, m, n, k):
        A: T.Tensor((k, m) if transpose_a else (m, k), dtype)
        B: T.Tensor((n, k) if transpose_b else (k, n), dtype)
        C: T.Tensor((m, n), "float32")
        Y = T.empty((m, n), "float32")
        Z = T.empty((m, n), "float32")
        with T.Kernel(1):
            a = T.alloc_shared((k, m) if transpose_a else (m, k), dtype)
            b = T.alloc_shared((n, k) if transpose_b else (k, n), dtype)
            c = T.alloc_fragment((m, n), "float32")
            T.copy(A, a)
            T.copy(B, b)
            T.copy(C, c)
            T.gemm(a, b, c, transpose_A=transpose_a, transpose_B=transpose_b)
            T.copy(c, Y)
            T.gemm(
                a,
                b,
                c,
                transpose_A=transpose_a,
                transpose_B=transpose_b,
                clear_accum=True,
            )
            T.copy(c, Z)
        return Y, Z

    m, n, k = sizes
    held = {"float32": np.float32, "bfloat16": BF16, "float16": np.float16}[dtype]
    a, b = source.integers((m, k), held), source.integers((k, n), held)
    c = source.integers((m, n), np.float32)
    product = a.astype(np.float32) @ b.astype(np.float32)
    left = np.ascontiguousarray(a.T) if transpose_a else a
    right = np.ascontiguousarray(b.T) if transpose_b else b
    static = {"m": m, "n": n, "k": k}
    return Case(kernel, (left, right, c), (product + c, product), static)


@program
def product_of_odd_sizes(source: Source) -> Case:
    return _product(source, False, False, "float32", (5, 7, 3))


@program
def product_transposed_right(source: Source) -> Case:
    return _product(source, False, True, "float32", (4, 6, 9))


@program
def product_transposed_left(source: Source) -> Case:
    return _product(source, True, False, "bfloat16", (9, 4, 6))


@program
def product_of_square_tiles(source: Source) -> Case:
    return _product(source, True, True, "float16", (16, 16, 16))


@program
def product_over_k_blocks(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B):
        m, n, k = T.const("m, n, k")
        A: T.Tensor((m, k), "float16")
        B: T.Tensor((k, n), "float16")
        C = T.empty((m, n), "float32")
        with T.Kernel(T.ceildiv(n, 8), T.ceildiv(m, 4)) as (bx, by):
            a = T.alloc_shared((4, 8), "float16")
            b = T.alloc_shared((8, 8), "float16")
            c = T.alloc_fragment((4, 8), "float32")
            T.clear(c)
            for ko in T.Pipelined(T.ceildiv(k, 8), num_stages=2):
                T.copy(A[by * 4, ko * 8], a)
                T.copy(B[ko * 8, bx * 8], b)
                T.gemm(a, b, c)
            T.copy(c, C[by * 4, bx * 8])
        return C

    a = source.integers((6, 19), np.float16, -40, 41)
    b = source.integers((19, 11), np.float16, -40, 41)
    return Case(kernel, (a, b), (a.astype(np.float32) @ b.astype(np.float32),))


@program
def sums_beyond_float16(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B):
        A: T.Tensor((4, 16), "float16")
        B: T.Tensor((16, 4), "float16")
        C = T.empty((4, 4), "float16")
        with T.Kernel(1):
            a = T.alloc_shared((4, 16), "float16")
            b = T.alloc_shared((16, 4), "float16")
            c = T.alloc_fragment((4, 4), "float16")
            T.copy(A, a)
            T.copy(B, b)
            T.clear(c)
            T.gemm(a, b, c)
            T.copy(c, C)
        return C

    a = source.integers((4, 16), np.float16, 1, 64)
    a[:, ::2] *= -1
    b = source.integers((16, 4), np.float16, 30, 64)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    return Case(kernel, (a, b), (exact.astype(np.float16),))


@program
def product_of_bytes(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B):
        A: T.Tensor((5, 6), "int8")
        B: T.Tensor((6, 7), "uint8")
        C = T.empty((5, 7), "int32")
        with T.Kernel(1):
            a = T.alloc_shared((5, 6), "int8")
            b = T.alloc_shared((6, 7), "uint8")
            c = T.alloc_fragment((5, 7), "int32")
            T.copy(A, a)
            T.copy(B, b)
            T.gemm(a, b, c, clear_accum=True)
            T.copy(c, C)
        return C

    a = source.codes((5, 6), np.int8)
    b = source.codes((6, 7), np.uint8)
    return Case(kernel, (a, b), (a.astype(np.int32) @ b.astype(np.int32),))


@program
def reductions_of_rows_and_columns(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((5, 6), "int32")
        R = T.empty((5,), "int32")
        C = T.empty((6,), "int32")
        L = T.empty((5,), "int32")
        A = T.empty((5,), "int32")
        S = T.empty((6,), "int32")
        with T.Kernel(1):
            x = T.alloc_fragment((5, 6), "int32")
            r = T.alloc_fragment((5,), "int32")
            c = T.alloc_fragment((6,), "int32")
            T.copy(X, x)
            T.reduce_sum(x, r, dim=1)
            T.copy(r, R)
            T.reduce_max(x, c, dim=0)
            T.copy(c, C)
            T.reduce_min(x, r, dim=1, clear=False)
            T.copy(r, L)
            T.reduce_absmax(x, r, dim=-1)
            T.copy(r, A)
            T.reduce_sum(x, c, dim=0, clear=False)
            T.copy(c, S)
        return R, C, L, A, S

    x = -source.integers((5, 6), low=1, high=60)
    rows, columns = x.sum(1, dtype=np.int32), x.max(0)
    least = np.minimum(x.min(1), rows)
    total = (columns + x.sum(0)).astype(np.int32)
    return Case(kernel, (x,), (rows, columns, least, abs(x).max(1), total))


@program
def extremes_of_floats(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((6, 7), "float32")
        L = T.empty((6,), "float32")
        H = T.empty((6,), "float32")
        N = T.empty((6,), "float32")
        with T.Kernel(1):
            x = T.alloc_fragment((6, 7), "float32")
            y = T.alloc_fragment((6,), "float32")
            T.copy(X, x)
            T.reduce_max(x, y, dim=1)
            T.copy(y, H)
            T.reduce_min(x, y, dim=1)
            T.copy(y, L)
            T.reduce_max(x, y, dim=1, nan_propagate=True)
            T.copy(y, N)
        return L, H, N

    x = -source.integers((6, 7), np.float32, 1, 50)
    x[1, 2] = np.nan
    x[2] = [-0.0, 0.0, -0.0, -3, -0.0, 0.0, -5]
    x[3] = -np.inf
    x[4] = np.nan
    low, high = np.fmin.reduce(x, axis=1), np.fmax.reduce(x, axis=1)
    high[2] = 0.0
    every = high.copy()
    every[1] = np.nan
    low[4] = high[4] = every[4] = np.nan
    # of NaN only there is neither a least nor a greatest but the identity
    low[4], high[4] = np.inf, -np.inf
    return Case(kernel, (x,), (low, high, every))


@program
def grids_of_two_dimensions(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        m, n = T.const("m, n")
        X: T.Tensor((m, n), "int32")
        Y = T.empty((m, n), "int32")
        with T.Kernel(n, m, threads=32) as (bx, by):
            Y[by, bx] = X[by, bx] + bx * 100 + by
        return Y

    x = source.integers((3, 5))
    rows, columns = np.indices((3, 5), dtype=np.int32)
    return Case(kernel, (x,), (x + columns * 100 + rows,))


@program
def transposed_tiles(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((5, 3), "int32")
        Y = T.empty((3, 5), "int32")
        Z = T.empty((4, 6), "int32")
        with T.Kernel(1):
            x = T.alloc_shared((5, 3), "int32")
            z = T.alloc_shared((4, 6), "int32")
            T.copy(X, x)
            T.transpose(x, Y)
            T.fill(z, 8)
            T.transpose(X[1:5, 0:3], z[1:4, 2:6])
            T.copy(z, Z)
        return Y, Z

    x = source.integers((5, 3))
    z = np.full((4, 6), 8, np.int32)
    z[1:4, 2:6] = x[1:5].T
    return Case(kernel, (x,), (np.ascontiguousarray(x.T), z))


@program
def running_sums(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4, 6), "int32")
        Y = T.empty((4, 6), "int32")
        Z = T.empty((4, 6), "int32")
        with T.Kernel(1):
            x = T.alloc_shared((4, 6), "int32")
            y = T.alloc_shared((4, 6), "int32")
            T.copy(X, x)
            T.cumsum(x, y, dim=1)
            T.copy(y, Y)
            T.cumsum(x, y, dim=0, reverse=True)
            T.copy(y, Z)
        return Y, Z

    x = source.integers((4, 6))
    down = np.cumsum(x[::-1], 0, dtype=np.int32)[::-1].copy()
    return Case(kernel, (x,), (np.cumsum(x, 1, dtype=np.int32), down))
