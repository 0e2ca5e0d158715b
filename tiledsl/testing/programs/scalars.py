"""Programs of scalar arithmetic: division, shifts, wrapping, not-a-number, zeros."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program


@program
def divisions_of_both_signs(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B):
        n = T.const("n")
        A: T.Tensor((n,), "int32")
        B: T.Tensor((n,), "int32")
        F = T.empty((5, n), "int32")
        with T.Kernel(1):
            for i in T.Parallel(n):
                F[0, i] = A[i] // B[i]
                F[1, i] = A[i] % B[i]
                F[2, i] = T.truncdiv(A[i], B[i])
                F[3, i] = T.truncmod(A[i], B[i])
                F[4, i] = T.ceildiv(A[i], B[i])
        return F

    a, b = (
        source.integers((60,), low=-30, high=31),
        source.integers((60,), low=-4, high=5),
    )
    safe = np.where(b == 0, 1, b)
    floor = np.where(b == 0, 0, a // safe)
    toward = np.where(b == 0, 0, np.trunc(a / safe)).astype(np.int32)
    ceil = np.where(b == 0, 0, -(-a // safe))
    rows = [floor, a - floor * b, toward, a - toward * b, ceil]
    return Case(kernel, (a, b), (np.array(rows, np.int32),))


@program
def unsigned_numbers(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B):
        n = T.const("n")
        A: T.Tensor((n,), "uint32")
        B: T.Tensor((n,), "int32")
        Y = T.empty((6, n), "int64")
        with T.Kernel(1):
            for i in T.Parallel(n):
                Y[0, i] = T.cast(A[i] < B[i], "int64")
                Y[1, i] = A[i] >> 3
                Y[2, i] = B[i] >> 3
                Y[3, i] = A[i] // 7
                Y[4, i] = T.max(A[i], T.uint32(5))
                Y[5, i] = ~A[i]
        return Y

    a = source.codes((40,), np.uint32)
    b = source.codes((40,), np.int32)
    a[:4], b[:4] = [1, 2**31, 2**32 - 1, 5], [-1, -5, -1, 5]
    wide_a, wide_b = a.astype(np.int64), b.astype(np.int64)
    rows = [wide_a < wide_b, wide_a >> 3, wide_b >> 3, wide_a // 7]
    rows += [np.maximum(wide_a, 5), 2**32 - 1 - wide_a]
    return Case(kernel, (a, b), (np.array(rows, np.int64),))


@program
def small_integers_wrap(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B):
        n = T.const("n")
        A: T.Tensor((n,), "int8")
        B: T.Tensor((n,), "uint8")
        Y = T.empty((n,), "int8")
        Z = T.empty((n,), "int32")
        W = T.empty((n,), "uint8")
        with T.Kernel(1):
            for i in T.Parallel(n):
                Y[i] = A[i] * A[i]
                Z[i] = A[i]
                W[i] = B[i] + T.uint8(200)
        return Y, Z, W

    a, b = source.codes((50,), np.int8), source.codes((50,), np.uint8)
    with np.errstate(over="ignore"):
        return Case(kernel, (a, b), (a * a, a.astype(np.int32), b + np.uint8(200)))


@program
def shifts_and_bits(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, C):
        n = T.const("n")
        A: T.Tensor((n,), "int32")
        C: T.Tensor((n,), "int32")
        Y = T.empty((6, n), "int32")
        with T.Kernel(1):
            for i in T.Parallel(n):
                Y[0, i] = A[i] << C[i]
                Y[1, i] = A[i] >> C[i]
                Y[2, i] = A[i] & 12
                Y[3, i] = T.popcount(A[i])
                Y[4, i] = T.clz(A[i])
                Y[5, i] = ~A[i] ^ C[i]
        return Y

    a, c = source.codes((40,), np.int32), source.integers((40,), low=-2, high=40)
    fits = (c >= 0) & (c < 32)
    small = np.where(fits, c, 0)
    rows = [np.where(fits, a << small, 0), np.where(fits, a >> small, a >> 31), a & 12]
    rows += [np.bitwise_count(a.view(np.uint32))]
    rows += [np.array([32 - int(v).bit_length() for v in a.view(np.uint32)])]
    return Case(kernel, (a, c), (np.array([*rows, ~a ^ c]).astype(np.int32),))


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
def not_a_number_and_zeros(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B):
        n = T.const("n")
        A: T.Tensor((n,), "float32")
        B: T.Tensor((n,), "float32")
        H = T.empty((n,), "float32")
        L = T.empty((n,), "float32")
        C = T.empty((6, n), "bool")
        S = T.empty((n,), "float32")
        with T.Kernel(1):
            for i in T.Parallel(n):
                H[i] = T.max(A[i], B[i])
                L[i] = T.min(A[i], B[i])
                C[0, i] = A[i] < B[i]
                C[1, i] = A[i] >= B[i]
                C[2, i] = A[i] == B[i]
                C[3, i] = A[i] != B[i]
                C[4, i] = not (A[i] <= B[i])
                C[5, i] = T.isnan(A[i])
                S[i] = -A[i]
        return H, L, C, S

    special = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1.5, -2.0], np.float32)
    a, b = (part.ravel() for part in np.meshgrid(special, special))
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    high, low = np.fmax(a, b), np.fmin(a, b)
    zeros = (a == 0) & (b == 0)
    high[zeros] = np.where(np.signbit(a) & np.signbit(b), -0.0, 0.0)[zeros]
    low[zeros] = np.where(np.signbit(a) | np.signbit(b), -0.0, 0.0)[zeros]
    with np.errstate(invalid="ignore"):
        tests = [a < b, a >= b, a == b, a != b, ~(a <= b), np.isnan(a)]
    return Case(kernel, (a, b), (high, low, np.array(tests), -a))


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
def signaling_nans(source: Source) -> Case:
    """They count as NaN: max and min ignore them in every shape of operands."""

    @tiledsl.jit
    def kernel(A):
        A: T.Tensor((3, 4), "float32")
        H = T.empty((3, 4), "float32")
        L = T.empty((3, 4), "float32")
        R = T.empty((2, 3), "float32")
        with T.Kernel(1):
            rows = T.alloc_fragment((3, 4), "float32")
            best = T.alloc_fragment((3,), "float32")
            T.copy(A, rows)
            for i, j in T.Parallel(3, 4):
                H[i, j] = T.max(A[i, 0], 1.0)
                L[i, j] = T.min(A[i, j], A[i, 1])
            T.reduce_max(rows, best, dim=1)
            T.copy(best, R[0, 0:3])
            T.reduce_min(rows, best, dim=1)
            T.copy(best, R[1, 0:3])
        return H, L, R

    signaling = np.array([0xFFAC7070], np.uint32).view(np.float32)[0]
    a = source.integers((3, 4), np.float32)
    a[0, :3] = a[1, 0] = a[2, 1] = signaling
    quiet = np.where(np.isnan(a), np.float32(np.nan), a)
    high = np.repeat(np.fmax(quiet[:, :1], np.float32(1)), 4, axis=1)
    low = np.fmin(quiet, quiet[:, 1:2])
    ends = np.stack([np.fmax.reduce(quiet, axis=1), np.fmin.reduce(quiet, axis=1)])
    return Case(kernel, (a,), (high, low, ends))
