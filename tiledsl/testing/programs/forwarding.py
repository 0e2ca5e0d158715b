"""Programs whose tiles are only copies, and loops that are copies or fills in disguise."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program


@program
def a_tile_that_converts(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((9,), "float32")
        Y = T.empty((9,), "float32")
        with T.Kernel(1):
            x = T.alloc_shared((9,), "float16")
            T.copy(X, x)
            for i in T.Parallel(9):
                Y[i] = x[i] * 2
        return Y

    x = (source.integers((9,), np.float32, -4096, 4097) / 3).astype(np.float32)
    return Case(kernel, (x,), (x.astype(np.float16).astype(np.float32) * 2,))


@program
def tiles_read_away_from_their_origin(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X, s):
        X: T.Tensor((12,), "int32")
        s: T.int32
        Y = T.empty((6,), "int32")
        Z = T.empty((6,), "int32")
        V = T.empty((6,), "int32")
        with T.Kernel(1):
            T.annotate_safe_value({X: 55})
            x = T.alloc_shared((6,), "int32")
            y = T.alloc_shared((6,), "int32")
            z = T.alloc_shared((6,), "int32")
            T.copy(X[3], x)
            for i in T.Parallel(6):
                Y[i] = x[i] + 1
            T.copy(X[4], y)
            for i in T.Parallel(6):
                Z[i] = y[i + s] * 10
            T.copy(X[8], z)
            for i in T.Parallel(6):
                V[i] = z[i] * 3
        return Y, Z, V

    x = source.integers((12,), low=1)
    z, v = np.zeros(6, np.int32), np.full(6, 165, np.int32)
    z[:4], v[:4] = x[6:10] * 10, x[8:] * 3
    return Case(kernel, (x, 2), (x[3:9] + 1, z, v))


@program
def a_copy_into_part_of_a_tile(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X, s):
        X: T.Tensor((8,), "int32")
        s: T.int32
        Y = T.empty((5,), "int32")
        with T.Kernel(1):
            x = T.alloc_shared((8,), "int32")
            T.copy(X, x[s : s + 8])
            for i in T.Parallel(5):
                Y[i] = x[i + 3] * 2
        return Y

    x = source.integers((8,), low=1)
    return Case(kernel, (x, 2), (x[1:6] * 2,))


@program
def a_source_changed_element_by_element(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((8,), "int32")
        Y = T.empty((8,), "int32")
        Z = T.empty((8,), "int32")
        with T.Kernel(1):
            s = T.alloc_shared((8,), "int32")
            x = T.alloc_shared((8,), "int32")
            for i in T.Parallel(8):
                s[i] = X[i] * 3
            T.copy(s, x)
            for i in T.Parallel(8):
                s[i] = i * 100
            for i in T.Parallel(8):
                Y[i] = x[i] + 1
            T.copy(s, Z)
        return Y, Z

    x = source.integers((8,), low=1)
    return Case(kernel, (x,), (x * 3 + 1, np.arange(8, dtype=np.int32) * 100))


@program
def a_product_that_continues(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B, C):
        A: T.Tensor((4, 4), "float32")
        B: T.Tensor((4, 4), "float32")
        C: T.Tensor((4, 4), "float32")
        Y = T.empty((4, 4), "float32")
        Z = T.empty((4, 4), "float32")
        with T.Kernel(1):
            a = T.alloc_shared((4, 4), "float32")
            b = T.alloc_shared((4, 4), "float32")
            c = T.alloc_fragment((4, 4), "float32")
            T.copy(A, a)
            T.copy(B, b)
            T.copy(C, c)
            T.gemm(a, b, c)
            T.copy(c, Y)
            for i, j in T.Parallel(4, 4):
                a[i, j] = b[i, j] + 1
            T.gemm(a, b, c)
            T.copy(c, Z)
        return Y, Z

    a, b, c = (source.integers((4, 4), np.float32) for _ in range(3))
    first = a @ b + c
    return Case(kernel, (a, b, c), (first, first + (b + 1) @ b))


@program
def copies_written_as_loops(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        n = T.dynamic("n")
        X: T.Tensor((n,), "int32")
        Y = T.empty((n,), "int32")
        Z = T.empty((n,), "int32")
        W = T.empty((8,), "int32")
        V = T.empty((2, n), "int32")
        U = T.empty((n,), "int32")
        with T.Kernel(1):
            T.annotate_safe_value({X: 55})
            for i in T.Parallel(8):
                Y[i] = X[i + 3]
            T.fill(Z, 1)
            T.fill(W, 2)
            for i in T.Parallel(8):
                if i + 3 < n:
                    Z[i + 3] = X[i]
                else:
                    W[i] = X[i]
            for i in T.Parallel(8):
                V[0, i] = X[i]
                V[1, i] = 7
            T.fill(U, 3)
            for i in T.Parallel(8):
                if i == n - 1:
                    U[i] = X[i]
        return Y, Z, W, V, U

    x = source.integers((8,))
    y, z, w = (np.full(8, value, np.int32) for value in (55, 1, 2))
    y[:5], z[3:], w[5:] = x[3:], x[:5], x[5:]
    u = np.append(np.full(7, 3, np.int32), x[7])
    return Case(kernel, (x,), (y, z, w, np.stack([x, np.full(8, 7, np.int32)]), u))


@program
def jumps_that_are_decided(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((6,), "int32")
        Y = T.empty((3,), "int32")
        with T.Kernel(1):
            total = T.alloc_var("int32")
            total = 0
            for k in T.serial(6):
                total = total * 3 + X[k]
                if k >= 0:
                    break
                total = total + 1000
            Y[0] = total
            total = 0
            for k in T.serial(6):
                total = total * 3 + X[k]
                if k < 6:
                    continue
                total = total + 1000
            Y[1] = total
            total = 0
            for k in T.serial(6):
                total = total * 3 + X[k]
                if X[k] == 77:
                    break
            Y[2] = total
        return Y

    x = source.integers((6,), low=1)
    x[3] = 77
    sums = [0]
    for value in x:
        sums.append(sums[-1] * 3 + int(value))
    return Case(kernel, (x,), (np.array([x[0], sums[6], sums[4]], np.int32),))


@program
def one_choice_for_all_lanes(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X, s):
        X: T.Tensor((8,), "int32")
        s: T.int32
        Y = T.empty((8,), "int32")
        Z = T.empty((2,), "int32")
        with T.Kernel(1):
            for i in T.Parallel(8):
                Y[i] = X[i] if s < 3 else X[7 - i]
            Z[0] = X[0] if s < 3 else X[1]
            Z[1] = X[s] if s >= 3 else X[2]
        return Y, Z

    x = np.arange(8, dtype=np.int32) * 5 + 1
    return Case(kernel, (x, 2), (x.copy(), np.array([x[0], x[2]])))


@program
def a_choice_for_each_lane(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((19,), "int32")
        Y = T.empty((19,), "int32")
        with T.Kernel(1):
            for i in T.Parallel(19):
                Y[i] = X[i] if X[i] > 0 else X[18 - i] * 2
        return Y

    x = source.integers((19,))
    return Case(kernel, (x,), (np.where(x > 0, x, x[::-1] * 2).astype(np.int32),))
