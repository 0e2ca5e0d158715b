"""Programs whose subscripts and conditions passes simplify or decide."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program


@program
def quotients_of_positions(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((16,), "int32")
        Y = T.empty((3, 5, 5), "int32")
        with T.Kernel(3) as k:
            for i in T.Parallel(5):
                Y[k, 0, i] = X[(k * 4 + i) // 4]
                Y[k, 1, i] = X[(k * 4 + i) % 4]
                Y[k, 2, i] = X[T.ceildiv(k * 4 + i, 4)]
                Y[k, 3, i] = X[(k * 8 + i) % 8]
                Y[k, 4, i] = X[T.min(i, 4) + T.max(i, 2)]
        return Y

    x = source.integers((16,))
    k, i = np.arange(3)[:, None], np.arange(5)[None, :]
    at = k * 4 + i
    rows = [x[at // 4], x[at % 4], x[-(-at // 4)], x[(k * 8 + i) % 8]]
    rows += [x[np.minimum(i, 4) + np.maximum(i, 2) + 0 * k]]
    return Case(kernel, (x,), (np.stack(rows, axis=1),))


@program
def decided_conditions(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((8,), "int32")
        Y = T.empty((7, 8), "int32")
        with T.Kernel(1):
            T.fill(Y, 5)
            for i in T.Parallel(8):
                Y[0, i] = X[i] if i < 7 else 100
                Y[1, i] = X[i] if i >= 1 else 200
                Y[2, i] = X[i] if i != 3 else 300
                Y[5, i] = X[i] if i == 3 else 400
                Y[6, i] = X[i] if i + 2 == 5 else 500
            for i in T.Parallel(8):
                if i < 3:
                    Y[3, i] = X[i]
            for i in T.Parallel(8):
                if i + 2 < 8:
                    Y[4, i + 2] = X[i]
        return Y

    x = source.integers((8,))
    y = np.full((7, 8), 5, np.int32)
    i = np.arange(8)
    y[0] = np.where(i < 7, x, 100)
    y[1] = np.where(i >= 1, x, 200)
    y[2] = np.where(i != 3, x, 300)
    y[5], y[6] = np.where(i == 3, x, 400), np.where(i == 3, x, 500)
    y[3, :3], y[4, 2:] = x[:3], x[:6]
    return Case(kernel, (x,), (y,))


@program
def positions_by_arithmetic(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X, P):
        X: T.Tensor((6,), "int32")
        P: T.Tensor((4,), "int32")
        Y = T.empty((6, 9), "int32")
        Z = T.empty((4,), "int32")
        with T.Kernel(1):
            for i in T.Parallel(9):
                Y[0, i] = X[(i + 3) % 7]
                Y[1, i] = X[6 - i]
                Y[2, i] = X[(i - 4) * -2]
                Y[3, i] = X[(i - 4) * (i - 2)]
                Y[4, i] = X[i - 2 * 2]
                Y[5, i] = X[(i - 9) // 4 + 2]
            T.fill(Z, 3)
            for i in T.Parallel(4):
                Z[i] = X[P[i]]
        return Y, Z

    x = source.integers((6,), low=1)
    p = np.array([6, 0, -1, -6], np.int32)

    def at(position: np.ndarray) -> np.ndarray:
        inside = (position >= 0) & (position < 6)
        return np.where(inside, x[np.clip(position, 0, 5)], 0).astype(np.int32)

    i = np.arange(9)
    positions = [(i + 3) % 7, 6 - i, (i - 4) * -2, (i - 4) * (i - 2), i - 4]
    positions += [(i - 9) // 4 + 2]
    return Case(kernel, (x, p), (np.stack([at(part) for part in positions]), at(p)))


@program
def values_before_their_element_changes(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((8,), "int32")
        Y = T.empty((8,), "int32")
        Z = T.empty((8,), "int32")
        with T.Kernel(1):
            x = T.alloc_shared((8,), "int32")
            T.copy(X, x)
            for i in T.Parallel(8):
                before = x[i]
                x[i] = before * 2
                Y[i] = before + x[i]
            T.copy(x, Z)
        return Y, Z

    x = source.integers((8,))
    return Case(kernel, (x,), (x * 3, x * 2))


@program
def comparisons_of_positions(source: Source) -> Case:
    @tiledsl.jit
    def kernel(n):
        n: T.int32
        Y = T.empty((6, 19), "int32")
        with T.Kernel(1):
            for i in T.Parallel(19):
                Y[0, i] = 1 if i < n else 0
                Y[1, i] = 1 if i <= n else 0
                Y[2, i] = 1 if n < i else 0
                Y[3, i] = 1 if n <= i else 0
                Y[4, i] = 1 if n - i > 3 else 0
                Y[5, i] = 1 if i <= 5 else 0
        return Y

    i, n = np.arange(19), 7
    rows = [i < n, i <= n, n < i, n <= i, n - i > 3, i <= 5]
    return Case(kernel, (n,), (np.array(rows, np.int32),))


@program
def indices_beyond_32_bits(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X, far):
        X: T.Tensor((8,), "int32")
        far: T.int32
        Y = T.empty((8,), "int32")
        with T.Kernel(1):
            for i in T.Parallel(8):
                Y[i] = X[(i + far) * 65536] + X[i]
        return Y

    x = source.integers((8,), low=1)
    # 65536 * 65536 is 0 in 32 bits
    return Case(kernel, (x, 65536), (x.copy(),))
