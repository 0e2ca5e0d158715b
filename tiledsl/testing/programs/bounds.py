"""Programs at the edges of buffers and beyond: tails, safe values, slices."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program


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
def safe_values_in_tiles(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((7,), "float32")
        Y = T.empty((12,), "float32")
        Z = T.empty((12,), "float32")
        with T.Kernel(1):
            T.annotate_safe_value({X: -3.0})
            x = T.alloc_shared((12,), "float32")
            T.copy(X[0:12], x)
            for i in T.Parallel(12):
                Y[i] = x[i] * 2 if x[i] > -3.0 else 8.0
            for i in T.Parallel(12):
                Z[i] = X[i] if i < 9 else 0.0
        return Y, Z

    x = source.integers((7,), np.float32, 0)
    y = np.concatenate([x * 2, np.full(5, 8, np.float32)])
    z = np.concatenate([x, [-3, -3, 0, 0, 0]]).astype(np.float32)
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


@program
def a_tile_smaller_than_its_slice(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X, n):
        X: T.Tensor((4,), "int32")
        n: T.int32
        Y = T.empty((12,), "int32")
        with T.Kernel(1):
            x = T.alloc_shared((4,), "int32")
            T.copy(X, x)
            T.fill(Y, 4)
            T.copy(x, Y[2 : 2 + n])
        return Y

    x = source.integers((4,))
    y = np.full(12, 4, np.int32)
    y[2:6] = x
    return Case(kernel, (x, 7), (y,))


@program
def positions_before_a_buffer(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X, s):
        X: T.Tensor((6, 5), "int32")
        s: T.int32
        Y = T.empty((6, 5), "int32")
        Z = T.empty((9,), "int32")
        W = T.empty((4,), "int32")
        with T.Kernel(1):
            for i, j in T.Parallel(6, 5):
                Y[i, j] = X[i - 2, j - 1]
            T.fill(Z, 5)
            for i in T.Parallel(9):
                Z[i - 3] = i
            T.fill(W, 6)
            W[s] = 1
            W[s + 1] = X[s, 0] + 2
            W[2] = X[1, s - 1] + X[s + 6, 1]
            W[s + 5] = 1
        return Y, Z, W

    x = source.integers((6, 5), low=1)
    y, z = np.zeros((6, 5), np.int32), np.full(9, 5, np.int32)
    y[2:, 1:] = x[:4, :4]
    z[:6] = np.arange(3, 9)
    w = np.array([2, 6, x[5, 1], 6], np.int32)
    return Case(kernel, (x, -1), (y, z, w))


@program
def tiles_read_at_points_and_turned(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X, s):
        X: T.Tensor((4, 6), "int32")
        s: T.int32
        Y = T.empty((6, 4), "int32")
        Z = T.empty((6,), "int32")
        W = T.empty((4, 6), "int32")
        with T.Kernel(1):
            x = T.alloc_fragment((4, 6), "int32")
            w = T.alloc_fragment((6, 4), "int32")
            T.copy(X, x)
            for j, i in T.Parallel(6, 4):
                Y[j, i] = x[i, j]
            for i, j in T.Parallel(4, 6):
                w[j, i] = X[i, j] * 3
            for j in T.Parallel(6):
                Z[j] = x[s, j] + w[j, 1] + x[2, s + 1]
            for i, j in T.Parallel(4, 6):
                if x[i, j] > 0:
                    x[i, j] = w[j, i] + s
            T.copy(x, W)
        return Y, Z, W

    x = source.integers((4, 6))
    z = x[3] + x[1] * 3 + x[2, 4]
    w = np.where(x > 0, x * 3 + 3, x)
    return Case(kernel, (x, 3), (x.T.copy(), z, w))


@program
def steps_of_subscripts(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        n, s = T.dynamic("n, s")
        X: T.StridedTensor((24, n), (s, 1), "int32")
        Y = T.empty((8,), "int32")
        Z = T.empty((24,), "int32")
        W = T.empty((8, 4), "int32")
        with T.Kernel(1):
            z = T.alloc_shared((24,), "int32")
            T.fill(z, 1)
            for i in T.Parallel(8):
                Y[i] = X[i * 3 + 1, n - 1]
            for i in T.Parallel(8):
                z[i * 3 + 1] = X[0, 0]
            for i, j in T.Parallel(8, 4):
                W[i, j] = X[23 - i * 2, j * 2]
            T.copy(z, Z)
        return Y, Z, W

    whole = source.integers((24, 9))
    x = whole[:, 1:8]
    z = np.ones(24, np.int32)
    z[1::3] = x[0, 0]
    w = x[23:7:-2, ::2]
    return Case(kernel, (x,), (x[1::3, 6].copy(), z, w.copy()))


@program
def conditions_around_accesses(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X, s):
        X: T.Tensor((8,), "int32")
        s: T.int32
        Y = T.empty((6,), "int32")
        Z = T.empty((4,), "int32")
        with T.Kernel(1):
            T.fill(Y, 9)
            if s >= 0:
                if s <= 8:
                    Y[0] = X[s] + 1
                if s < 8:
                    Y[1] = 5
                else:
                    Y[2] = X[s] + 2
            if s > 7 and s != 9:
                Y[3] = X[s - 8] + X[s]
            total = T.alloc_var("int32")
            total = 0
            for k in range(1, 12, 4):
                total = total * 3 + X[k] + k
            Y[4] = total
            total = 0
            for k in range(7, -2, -3):
                total = total * 3 + X[k] + k
            Y[5] = total
            for i in T.Parallel(4):
                Z[i] = X[i + 5] + i
        return Y, Z

    x = source.integers((8,))
    up = (int(x[1]) + 1) * 9 + (int(x[5]) + 5) * 3 + 9
    down = (int(x[7]) + 7) * 9 + (int(x[4]) + 4) * 3 + int(x[1]) + 1
    y = np.array([1, 9, 2, x[0], up, down], np.int32)
    z = np.append(x[5:], 0) + np.arange(4, dtype=np.int32)
    return Case(kernel, (x, 8), (y, z.astype(np.int32)))
