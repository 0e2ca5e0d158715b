"""Programs of parallel loops: conditions, loops and jumps of each lane, gathers, scatters."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program


@program
def conditions_with_two_arms(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        n = T.dynamic("n")
        X: T.Tensor((n,), "int32")
        Y = T.empty((n,), "int32")
        with T.Kernel(T.ceildiv(n, 16)) as bx:
            for i in T.Parallel(16):
                at = bx * 16 + i
                if at < n:
                    if X[at] > 3:
                        Y[at] = 100 + X[at]
                    elif X[at] == 3 or X[at] == -1:
                        Y[at] = 1
                    else:
                        Y[at] = X[at] - 1 if X[at] <= -4 else 50
        return Y

    x = source.integers((37,))
    y = np.where(x > 3, 100 + x, np.where((x == 3) | (x == -1), 1, 0))
    y = np.where((y == 0), np.where(x <= -4, x - 1, 50), y)
    return Case(kernel, (x,), (y.astype(np.int32),))


@program
def loops_of_every_direction(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X, start, stop):
        X: T.Tensor((12,), "int32")
        start: T.int32
        stop: T.int32
        Y = T.empty((6,), "int32")
        with T.Kernel(1):
            total = T.alloc_var("int32")
            total = 0
            for k in T.serial(start, stop):
                total = total * 3 + X[k]
            Y[0] = total
            total = 0
            for k in range(stop, start, -2):
                total = total * 3 + X[k]
            Y[1] = total
            total = 0
            for k in range(1, 12, 4):
                if X[k] == 99:
                    continue
                if X[k] == 77:
                    break
                total = total * 3 + X[k]
            Y[2] = total
            Y[3] = 9
            for _ in range(stop, start):
                total = total + 1000
            Y[4] = total
            kept = total + 1
            total = 5
            Y[5] = kept
        return Y

    x = source.integers((12,))
    x[5], x[9] = 99, 77
    rows = [0, 0, 0, 9, 0, 0]
    for k in range(2, 8):
        rows[0] = rows[0] * 3 + int(x[k])
    for k in range(8, 2, -2):
        rows[1] = rows[1] * 3 + int(x[k])
    rows[2] = rows[4] = int(x[1])
    rows[5] = rows[4] + 1
    return Case(kernel, (x, 2, 8), (np.array(rows, np.int32),))


@program
def a_search(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((12,), "int32")
        Y = T.empty((1,), "int32")
        with T.Kernel(1):
            count = T.alloc_var("int32")
            count = 0
            while X[count] != 77:
                count = count + 1
            Y[0] = count
        return Y

    x = source.integers((12,))
    x[9] = 77
    return Case(kernel, (x,), (np.array([9], np.int32),))


@program
def jumps_in_lanes(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((9, 5), "int32")
        Y = T.empty((9,), "int32")
        with T.Kernel(1):
            for i in T.Parallel(9):
                total = T.alloc_var("int32")
                total = 0
                for k in T.serial(5):
                    if X[i, k] > 5:
                        break
                    if X[i, k] < 0:
                        continue
                    total = total * 2 + X[i, k]
                Y[i] = total
        return Y

    x = source.integers((9, 5), low=-3, high=8)
    y = np.zeros(9, np.int32)
    for i in range(9):
        for value in x[i]:
            if value > 5:
                break
            if value >= 0:
                y[i] = y[i] * 2 + value
    return Case(kernel, (x,), (y,))


@program
def loops_with_bounds_of_lanes(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((10,), "int32")
        Y = T.empty((10,), "int32")
        Z = T.empty((10,), "int32")
        with T.Kernel(1):
            for i in T.Parallel(10):
                total = T.alloc_var("int32")
                total = 0
                for k in range(i, X[i], 2):
                    total = total * 2 + k
                Y[i] = total
                count = T.alloc_var("int32")
                count = i
                while count < X[i]:
                    count = count * 2 + 1
                    if count == 7:
                        continue
                    total = total + 1
                Z[i] = total + count
        return Y, Z

    x = source.integers((10,), low=-2, high=14)
    y, z = np.zeros(10, np.int32), np.zeros(10, np.int32)
    for i in range(10):
        total, count = 0, i
        for k in range(i, int(x[i]), 2):
            total = total * 2 + k
        y[i] = total
        while count < x[i]:
            count = count * 2 + 1
            total += count != 7
        z[i] = total + count
    return Case(kernel, (x,), (y, z))


@program
def arrays_of_each_lane(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((11,), "int32")
        Y = T.empty((11,), "int32")
        with T.Kernel(1):
            for i in T.Parallel(11):
                w = T.alloc_local((3,), "int32")
                w[0] = X[i]
                w[1] = 7
                w[2] = -X[i]
                if X[i] > 0:
                    w[X[i] % 3] = 100
                Y[i] = w[0] + 2 * w[1] + 3 * w[2]
        return Y

    x = source.integers((11,))
    w = np.stack([x, np.full_like(x, 7), -x])
    for i in range(11):
        if x[i] > 0:
            w[x[i] % 3, i] = 100
    return Case(kernel, (x,), (w[0] + 2 * w[1] + 3 * w[2],))


@program
def histograms(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((30,), "int32")
        H = T.empty((5,), "int32")
        M = T.empty((5,), "int32")
        with T.Kernel(1):
            h = T.alloc_shared((5,), "int32")
            m = T.alloc_shared((5,), "int32")
            T.clear(h)
            T.fill(m, -1000)
            for i in T.Parallel(30):
                T.atomic_add(h[X[i]], i)
                T.atomic_max(m[X[i]], -i)
            T.copy(h, H)
            T.copy(m, M)
        return H, M

    x = source.integers((30,), low=-1, high=7)
    inside = (x >= 0) & (x < 5)
    h, m = np.zeros(5, np.int32), np.full(5, -1000, np.int32)
    np.add.at(h, x[inside], np.arange(30, dtype=np.int32)[inside])
    np.maximum.at(m, x[inside], -np.arange(30, dtype=np.int32)[inside])
    return Case(kernel, (x,), (h, m))


@program
def gathers_and_scatters(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X, P):
        X: T.Tensor((6, 4), "float32")
        P: T.Tensor((9,), "int32")
        Y = T.empty((9, 4), "float32")
        Z = T.empty((9,), "float32")
        with T.Kernel(1):
            z = T.alloc_shared((9,), "float32")
            for i, j in T.Parallel(9, 4):
                Y[i, j] = X[P[i], 3 - j]
            T.fill(z, 1.0)
            for i in T.Parallel(9):
                z[P[i] + i * 2] = X[0, 1]
            T.copy(z, Z)
        return Y, Z

    x, p = source.integers((6, 4), np.float32), source.integers((9,), low=-2, high=8)
    inside = (p >= 0) & (p < 6)
    y = np.where(inside[:, None], x[np.clip(p, 0, 5)][:, ::-1], 0).astype(np.float32)
    z = np.ones(9, np.float32)
    for at in p + 2 * np.arange(9):
        if 0 <= at < 9:
            z[at] = x[0, 1]
    return Case(kernel, (x, p), (y, z))
