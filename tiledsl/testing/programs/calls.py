"""Programs about arguments and launches: strides, symbolic dims, grids, workspaces, names."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program


@program
def strided_arguments(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        s, t = T.dynamic("s, t")
        X: T.StridedTensor((4, 5), (s, t), "int32")
        Y = T.empty((4, 5), "int32")
        Z = T.empty((4, 5), "int32")
        with T.Kernel(1):
            x = T.alloc_shared((4, 5), "int32")
            T.copy(X, x)
            T.copy(x, Y)
            for i, j in T.Parallel(4, 5):
                Z[i, j] = X[i, j] * 2
        return Y, Z

    whole = source.integers((12, 9))
    x = whole[1:9:2, 2:7]
    return Case(kernel, (x,), (x.copy(), x * 2))


@program
def symbolic_dims(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X, W):
        m, n = T.dynamic("m, n")
        X: T.Tensor((m, n), "int32")
        W: T.Tensor((n + 2,), "int32")
        Y = T.empty((n, m), "int32")
        with T.Kernel(T.ceildiv(n, 4), m) as (bx, by):
            for j in T.Parallel(4):
                Y[bx * 4 + j, by] = X[by, bx * 4 + j] + W[bx * 4 + j + 2] * m + n
        return Y

    x, w = source.integers((3, 7)), source.integers((9,))
    y = x.T + w[2:, None] * 3 + 7
    return Case(kernel, (x, w), (np.ascontiguousarray(y, np.int32),))


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
def two_launches_with_a_workspace(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        n = T.dynamic("n")
        X: T.Tensor((n,), "int32")
        Y = T.empty((n,), "int32")
        W = T.alloc_global((n,), "int32")
        with T.Kernel(T.ceildiv(n, 4)) as bx:
            for i in T.Parallel(4):
                W[bx * 4 + i] = X[bx * 4 + i] * 2
        with T.Kernel(T.ceildiv(n, 4)) as bx:
            for i in T.Parallel(4):
                Y[bx * 4 + i] = W[n - 1 - bx * 4 - i] + 1
        return Y

    x = source.integers((11,))
    return Case(kernel, (x,), (x[::-1] * 2 + 1,))


@program
def names_keep_their_values(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((8,), "int32")
        Y = T.empty((8,), "int32")
        Z = T.empty((8,), "int32")
        with T.Kernel(1):
            x = T.alloc_shared((8,), "int32")
            y = T.alloc_shared((8,), "int32")
            T.copy(X, x)
            T.copy(x, y)
            first = x[0]
            T.fill(x, 3)
            for i in T.Parallel(8):
                Y[i] = y[i] + first
            T.copy(x, Z)
        return Y, Z

    x = source.integers((8,))
    return Case(kernel, (x,), (x + x[0], np.full(8, 3, np.int32)))


@program
def parameters_that_are_addresses(source: Source) -> Case:
    @tiledsl.jit
    def kernel(data, m, k):
        data: T.ptr
        m: T.int32
        k: T.int32
        X = T.make_tensor(data, (m, k), "int32", strides=(k, 1))
        Y = T.empty((4, 8), "int32")
        with T.Kernel(2) as block:
            tile = T.alloc_shared((2, 8), "int32")
            T.copy(X[block * 2, 0], tile)
            T.copy(tile, Y[block * 2, 0])
        return Y

    x = source.integers((3, 7))
    expected = np.zeros((4, 8), np.int32)
    expected[:3, :7] = x
    return Case(kernel, (x, 3, 7), (expected,))
