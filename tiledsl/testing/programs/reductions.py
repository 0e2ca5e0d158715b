"""Programs of reductions and running sums."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program


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
def reductions_of_square_tiles(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((5, 5), "int32")
        C = T.empty((5,), "int32")
        R = T.empty((5,), "int32")
        with T.Kernel(1):
            x = T.alloc_fragment((5, 5), "int32")
            r = T.alloc_fragment((5,), "int32")
            T.copy(X, x)
            T.reduce_sum(x, r, dim=0)
            T.copy(r, C)
            T.reduce_sum(x, r, dim=1)
            T.copy(r, R)
        return C, R

    x = source.integers((5, 5))
    return Case(kernel, (x,), (x.sum(0, dtype=np.int32), x.sum(1, dtype=np.int32)))


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
def float_sums_of_lanes(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((3, 37), "float32")
        S = T.empty((3,), "float32")
        M = T.empty((3,), "float32")
        P = T.empty((37,), "int32")
        B = T.empty((3,), "int32")
        with T.Kernel(1):
            x = T.alloc_fragment((3, 37), "float32")
            s = T.alloc_fragment((3,), "float32")
            n = T.alloc_fragment((3, 37), "int32")
            b = T.alloc_fragment((3,), "int32")
            p = T.alloc_fragment((37,), "int32")
            T.copy(X, x)
            T.reduce_sum(x, s, dim=1)
            T.copy(s, S)
            T.reduce_max(x, s, dim=1)
            T.copy(s, M)
            for i, j in T.Parallel(3, 37):
                n[i, j] = T.cast(x[i, j], "int32")
            T.reduce_min(n, p, dim=0)
            T.copy(p, P)
            T.reduce_bitand(n, b, dim=1)
            T.copy(b, B)
        return S, M, P, B

    x = -source.integers((3, 37), np.float32, 1, 200)
    whole = x.astype(np.int32)
    bits = np.bitwise_and.reduce(whole, axis=1)
    return Case(kernel, (x,), (x.sum(1), x.max(1), whole.min(0), bits))


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
