"""Programs of matrix products: odd sizes, transposes, slices, padded tiles, accumulators."""

from __future__ import annotations

import ml_dtypes
import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program

BF16 = ml_dtypes.bfloat16


def _product(
    source: Source,
    transpose_a: bool,
    transpose_b: bool,
    dtype: str,
    sizes: tuple[int, int, int],
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
def products_of_padded_tiles(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B):
        A: T.Tensor((5, 3), "float32")
        B: T.Tensor((3, 6), "float32")
        C = T.empty((5, 6), "float32")
        D = T.empty((5, 6), "float32")
        with T.Kernel(1):
            a = T.alloc_fragment((5, 3), "float32")
            b = T.alloc_fragment((3, 6), "float32")
            c = T.alloc_fragment((5, 6), "float32")
            p, u = T.alloc_fragment((5, 3)), T.alloc_fragment((5, 3))
            q, v = T.alloc_fragment((3, 6)), T.alloc_fragment((3, 6))
            for i, k in T.Parallel(5, 3):
                a[i, k] = A[i, k] + 2 if A[i, k] > 0 else 1
            for k, j in T.Parallel(3, 6):
                b[k, j] = B[k, j] - 3
            T.fill(c, 10)
            T.gemm(a, b, c)
            T.copy(c, C)
            for i, k in T.Parallel(5, 3):
                p[i, k] = A[i, k] if A[i, k] > 0 else 4
            for k, j in T.Parallel(3, 6):
                q[k, j] = B[k, j] if B[k, j] > 0 else 2
            T.gemm(p, q, c, clear_accum=True)
            T.fill(u, 5)
            T.fill(v, 7)
            T.gemm(u, v, c)
            T.copy(c, D)
        return C, D

    a, b = source.integers((5, 3), np.float32), source.integers((3, 6), np.float32)
    first = np.where(a > 0, a + 2, 1) @ (b - 3) + 10
    second = np.where(a > 0, a, 4) @ np.where(b > 0, b, 2) + 3 * 5 * 7
    outputs = (first.astype(np.float32), second.astype(np.float32))
    return Case(kernel, (a, b), outputs)


@program
def products_of_slices(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B):
        A: T.Tensor((8, 40), "float32")
        B: T.Tensor((40, 24), "float32")
        C = T.empty((8, 24), "float32")
        with T.Kernel(1):
            a = T.alloc_shared((8, 40), "float32")
            b = T.alloc_shared((40, 24), "float32")
            c = T.alloc_fragment((8, 24), "float32")
            T.copy(A, a)
            T.copy(B, b)
            T.clear(c)
            T.gemm(a[:, 0:16], b[0:16, :], c)
            T.gemm(a[:, 16:40], b[16:40, :], c)
            T.copy(c, C)
        return C

    a, b = source.integers((8, 40), np.float32), source.integers((40, 24), np.float32)
    return Case(kernel, (a, b), (a @ b,))


@program
def batches_of_matrices(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        b, m = T.dynamic("b, m")
        X: T.Tensor((b, m, 6), "int32")
        Y = T.empty((b, m, 6), "int32")
        Z = T.empty((b, m), "int32")
        with T.Kernel(T.ceildiv(m, 4), b) as (bx, by):
            x = T.alloc_shared((4, 3), "int32")
            for half in T.serial(2):
                T.copy(X[by, bx * 4, half * 3], x)
                for i, j in T.Parallel(4, 3):
                    x[i, j] = x[i, j] * 2 + half
                T.copy(x, Y[by, bx * 4, half * 3])
            for i in T.Parallel(4):
                Z[by, bx * 4 + i] = X[by, bx * 4 + i, 5] - X[by, bx * 4 + i, 0]
        return Y, Z

    x = source.integers((3, 5, 6))
    y = x * 2 + np.array([0, 0, 0, 1, 1, 1], np.int32)
    return Case(kernel, (x,), (y, x[..., 5] - x[..., 0]))
