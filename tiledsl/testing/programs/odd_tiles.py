"""Programs on tiles of odd extents: what fills them up to a power of two takes no part."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program


@program
def products_of_padded_bytes(source: Source) -> Case:
    """Each step multiplies five columns; the first one clears the sums."""

    @tiledsl.jit
    def kernel(A, B):
        A: T.Tensor((3, 10), "int8")
        B: T.Tensor((10, 6), "int8")
        C = T.empty((3, 6), "int32")
        with T.Kernel(1):
            a = T.alloc_shared((3, 5), "int8")
            b = T.alloc_shared((5, 6), "int8")
            c = T.alloc_fragment((3, 6), "int32")
            T.fill(c, 1000)
            for step in range(2):
                for i, k in T.Parallel(3, 5):
                    a[i, k] = A[i, step * 5 + k] + 1
                for k, j in T.Parallel(5, 6):
                    b[k, j] = B[step * 5 + k, j] - 2
                T.gemm(a, b, c, clear_accum=(step == 0))
            T.copy(c, C)
        return C

    a = source.integers((3, 10), np.int8, -9, 10)
    b = source.integers((10, 6), np.int8, -9, 10)
    return Case(kernel, (a, b), ((a + 1).astype(np.int32) @ (b - 2).astype(np.int32),))


@program
def sums_at_positions_in_odd_tiles(source: Source) -> Case:
    """The positions are data: of each piece of a tile, also of its last element."""

    @tiledsl.jit
    def kernel(X, P):
        X: T.Tensor((6, 4), "int32")
        P: T.Tensor((6,), "int32")
        Y = T.empty((5,), "int32")
        Z = T.empty((3, 5), "int32")
        with T.Kernel(1):
            t = T.alloc_fragment((5,), "int32")
            u = T.alloc_fragment((3, 5), "int32")
            T.clear(t)
            T.clear(u)
            for k in range(6):
                for i in T.Parallel(4):
                    t[P[k]] += X[k, i]
                for i in T.Parallel(4):
                    u[k % 3, P[k]] += X[k, i]
                for i in T.Parallel(4):
                    u[0, 0] += X[k, i]
            T.copy(t, Y)
            T.copy(u, Z)
        return Y, Z

    x, p = source.integers((6, 4)), np.array([0, 4, 1, 4, 3, 0], np.int32)
    y, z = np.zeros(5, np.int32), np.zeros((3, 5), np.int32)
    for k in range(6):
        y[p[k]] += x[k].sum()
        z[k % 3, p[k]] += x[k].sum()
    z[0, 0] += x.sum()
    return Case(kernel, (x, p), (y, z))


@program
def safe_values_at_constant_positions(source: Source) -> Case:
    """Behind a tile its safe value is read, also where the position is a constant."""

    @tiledsl.jit
    def kernel(X, far):
        X: T.Tensor((5,), "float32")
        far: T.int32
        Y = T.empty((4,), "float32")
        Z = T.empty((4,), "float32")
        with T.Kernel(1):
            x = T.alloc_shared((5,), "float32")
            T.annotate_safe_value({x: -3.0})
            T.copy(X, x)
            for i in T.Parallel(4):
                Y[i] = x[i * 0 + 5] if i < 2 else x[4]
            for i in T.Parallel(4):
                Z[i] = x[far] if i < 2 else x[far - 5]
        return Y, Z

    x = source.integers((5,), np.float32, 1, 40)
    y = np.array([-3, -3, x[4], x[4]], np.float32)
    z = np.array([-3, -3, x[2], x[2]], np.float32)
    return Case(kernel, (x, 7), (y, z))
