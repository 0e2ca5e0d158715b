"""Programs at edges: positions before a buffer, mixed dtypes, batches, odd sizes."""

from __future__ import annotations

import ml_dtypes
import numpy as np

import tiledsl
import tiledsl.language as T
from tests.faults.programs import Case, Source, program


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
def operands_of_two_dtypes(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B, C, D):
        n = T.const("n")
        A: T.Tensor((n,), "uint32")
        B: T.Tensor((n,), "int32")
        C: T.Tensor((n,), "int8")
        D: T.Tensor((n,), "float16")
        Q = T.empty((n,), "int64")
        P = T.empty((n,), "int32")
        F = T.empty((n,), "float32")
        with T.Kernel(1):
            for i in T.Parallel(n):
                Q[i] = B[i] // A[i]
                P[i] = C[i] * B[i]
                F[i] = D[i] + C[i]
        return Q, P, F

    a, b = source.codes((40,), np.uint32) >> 4, source.codes((40,), np.int32)
    c, d = source.codes((40,), np.int8), source.integers((40,), np.float16)
    q = np.where(a == 0, 0, b.view(np.uint32) // np.maximum(a, 1)).astype(np.int64)
    with np.errstate(over="ignore"):
        p = c.astype(np.int32) * b
    return Case(kernel, (a, b, c, d), (q, p, d.astype(np.float32) + c))


@program
def comparisons_by_value(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B):
        n = T.const("n")
        A: T.Tensor((n,), "uint64")
        B: T.Tensor((n,), "int32")
        Y = T.empty((4, n), "bool")
        with T.Kernel(1):
            for i in T.Parallel(n):
                Y[0, i] = A[i] < B[i]
                Y[1, i] = B[i] < A[i]
                Y[2, i] = A[i] >= B[i]
                Y[3, i] = A[i] == B[i]
        return Y

    a = np.array([0, 1, 2**64 - 1, 2**63, 5, 7], np.uint64)
    b = np.array([0, -1, -1, -5, 5, 9], np.int32)
    pairs = [(int(x), int(y)) for x, y in zip(a, b, strict=True)]
    rows = [[x < y, y < x, x >= y, x == y] for x, y in pairs]
    return Case(kernel, (a, b), (np.array(rows).T.copy(),))


@program
def conversions_there_and_back(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X, N):
        n = T.const("n")
        X: T.Tensor((n,), "float32")
        N: T.Tensor((n,), "int32")
        A = T.empty((n,), "float32")
        B = T.empty((n,), "int32")
        C = T.empty((n,), "float32")
        U = T.empty((n,), "float32")
        with T.Kernel(1):
            for i in T.Parallel(n):
                A[i] = T.cast(X[i], "int32")
                B[i] = T.cast(N[i], "int8")
                C[i] = T.cast(T.cast(X[i], "bfloat16"), "float16")
                U[i] = T.cast(N[i], "uint32")
        return A, B, C, U

    x = (source.integers((40,), np.float32, -9999, 9999) / 7).astype(np.float32)
    x[:3] = [1e5, -1e6, 1.01 * 2.0**-22]
    n = source.codes((40,), np.int32)
    with np.errstate(over="ignore"):
        through = x.astype(ml_dtypes.bfloat16).astype(np.float16).astype(np.float32)
    outputs = (
        np.trunc(x),
        n.astype(np.int8).astype(np.int32),
        through,
        n.view(np.uint32).astype(np.float32),
    )
    return Case(kernel, (x, n), outputs)


@program
def powers_and_remainders(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X, Y):
        n = T.const("n")
        X: T.Tensor((n,), "float32")
        Y: T.Tensor((n,), "float32")
        P = T.empty((3, n), "float32")
        with T.Kernel(1):
            for i in T.Parallel(n):
                P[0, i] = X[i] ** 3
                P[1, i] = X[i] % Y[i]
                P[2, i] = 1 - X[i]
        return P

    x, y = source.integers((40,), np.float32), source.integers((40,), np.float32)
    # no remainder is zero
    x, y = 2 * x + 1, np.where(y < 0, -4, 2).astype(np.float32)
    return Case(kernel, (x, y), (np.stack([x**3, np.mod(x, y), 1 - x]),))


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
def exponentials(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        n = T.const("n")
        X: T.Tensor((n,), "float32")
        Y = T.empty((n,), "bool")
        with T.Kernel(1):
            for i in T.Parallel(n):
                a = T.cast(T.exp(X[i]), "float64")
                b = T.exp(T.cast(X[i], "float64"))
                Y[i] = T.abs(a - b) <= 4 * 2.0**-24 * b
        return Y

    x = (source.integers((60,), np.float64, -8000, 8000) / 100).astype(np.float32)
    return Case(kernel, (x,), (np.ones(60, np.bool_),))


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
