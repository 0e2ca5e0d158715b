"""Programs that convert: rounding, saturation, mixed operands."""

from __future__ import annotations

import ml_dtypes
import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program

BF16 = ml_dtypes.bfloat16
E4M3 = ml_dtypes.float8_e4m3fn


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
def rounding_to_narrow_floats(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        n = T.const("n")
        X: T.Tensor((n,), "float32")
        H = T.empty((n,), "float16")
        B = T.empty((n,), "bfloat16")
        E = T.empty((n,), "float8_e4m3fn")
        Z = T.empty((n,), "bfloat16")
        S = T.empty((n,), "float8_e4m3fn")
        with T.Kernel(1):
            for i in T.Parallel(n):
                H[i] = X[i]
                B[i] = X[i]
                E[i] = X[i]
                Z[i] = T.cast(X[i], "bfloat16", round="rz")
                S[i] = T.cast(X[i] / 4096, "float8_e4m3fn", round="rz")
        return H, B, E, Z, S

    x = (source.integers((200,), np.float64, -(2**20), 2**20) / 2.0**11).astype(
        np.float32
    )
    x[:8] = [464.0, 465.0, 1e6, -1e6, 1 + 2.0**-8, 1 + 3 * 2.0**-8, 2.0**-10, 0.3]
    limited = np.clip(x, -448, 448).astype(E4M3)
    toward_zero = (x.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    with np.errstate(over="ignore"):
        half = x.astype(np.float16)
    narrow = half, x.astype(BF16), limited, toward_zero.astype(BF16), _truncated(x)
    return Case(kernel, (x,), narrow)


def _truncated(x: np.ndarray) -> np.ndarray:
    """X / 4096 toward zero in steps of float8_e4m3fn, of which the least is 2**-9."""
    small = x.astype(np.float64) / 4096
    exponent = np.floor(np.log2(np.maximum(abs(small), 2.0**-6)))
    step = 2.0 ** (exponent - 3)
    return (np.trunc(small / step) * step).astype(E4M3)


@program
def wide_integers_round_once(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        n = T.const("n")
        X: T.Tensor((n,), "int64")
        F = T.empty((n,), "float32")
        B = T.empty((n,), "bfloat16")
        with T.Kernel(1):
            for i in T.Parallel(n):
                F[i] = X[i]
                B[i] = X[i]
        return F, B

    half, odd = 2**40 + 2**32, 2**40 + 3 * 2**32
    far = 2**60 + 2**52
    x = [
        half,
        half + 1,
        half - 1,
        odd,
        odd - 1,
        -half - 1,
        7,
        0,
        far,
        far + 1,
        -far - 1,
    ]
    bits = [2**40, 2**40 + 2**33, 2**40, 2**40 + 2**34, 2**40 + 2**33, -(2**40) - 2**33]
    bits += [7, 0, 2**60, 2**60 + 2**53, -(2**60) - 2**53]
    given, rounded = np.array(x, np.int64), np.array(bits, np.float64).astype(BF16)
    return Case(kernel, (given,), (given.astype(np.float32), rounded))


@program
def floats_to_integers(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        n = T.const("n")
        X: T.Tensor((n,), "float32")
        Y = T.empty((n,), "int32")
        U = T.empty((n,), "uint8")
        with T.Kernel(1):
            for i in T.Parallel(n):
                Y[i] = T.cast(X[i], "int32")
                U[i] = T.cast(X[i], "uint8")
        return Y, U

    x = [-2.9, 2.9, 3e9, -3e9, np.nan, np.inf, -np.inf, -0.5, 255.9, 256.5, 200]
    x += [2.0**31, -(2.0**31), 2.0**31 - 128, 256, 255, -1]
    values = np.array(x)
    whole = np.trunc(np.where(np.isnan(values), 0, values))
    y = np.clip(whole, -(2.0**31), 2.0**31 - 1).astype(np.int64).astype(np.int32)
    u = np.clip(whole, 0, 255).astype(np.uint8)
    return Case(kernel, (values.astype(np.float32),), (y, u))


@program
def narrow_arithmetic_is_float32(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B):
        n = T.const("n")
        A: T.Tensor((n,), "bfloat16")
        B: T.Tensor((n,), "float16")
        Y = T.empty((n,), "float32")
        Z = T.empty((n,), "bfloat16")
        with T.Kernel(1):
            t = T.alloc_fragment((n,), "bfloat16")
            for i in T.Parallel(n):
                Y[i] = A[i] * A[i] + A[i] * B[i]
                t[i] = A[i] * A[i]
                Z[i] = t[i] - A[i]
        return Y, Z

    a = source.integers((40,), BF16, 100, 256)
    b = source.integers((40,), np.float16, -200, 201)
    wide = a.astype(np.float32)
    square = (wide * wide).astype(BF16)
    y = wide * wide + wide * b.astype(np.float32)
    return Case(kernel, (a, b), (y, (square.astype(np.float32) - wide).astype(BF16)))
