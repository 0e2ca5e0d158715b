"""Programs over the element types: each stored, loaded, converted, by each of its names."""

from __future__ import annotations

import ml_dtypes
import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program


@program
def integers_of_every_width(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((9,), T.int64)
        A = T.empty((9,), T.int8)
        B = T.empty((9,), T.int16)
        C = T.empty((9,), T.int32)
        D = T.empty((9,), T.uint8)
        E = T.empty((9,), T.uint16)
        F = T.empty((9,), T.uint32)
        G = T.empty((9,), T.uint64)
        H = T.empty((9,), T.bool)
        with T.Kernel(1):
            for i in T.Parallel(9):
                x = X[i]
                A[i] = x
                B[i] = T.short(x)
                C[i] = T.int(x)
                D[i] = T.uint8(x)
                E[i] = T.cast(x, "uint16")
                F[i] = T.uint(x)
                G[i] = T.Cast("uint64", T.long(x))
                H[i] = x
        return A, B, C, D, E, F, G, H

    x = source.codes((9,), np.int64)
    x[:2] = 0, -1
    kinds = (np.int8, np.int16, np.int32, np.uint8, np.uint16, np.uint32, np.uint64)
    return Case(kernel, (x,), (*(x.astype(kind) for kind in kinds), x != 0))


@program
def floats_of_every_width(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((9,), T.float64)
        A = T.empty((9,), T.float32)
        B = T.empty((9,), T.float16)
        C = T.empty((9,), T.bfloat16)
        D = T.empty((9,), T.tfloat32)
        E = T.empty((9,), T.double)
        with T.Kernel(1):
            for i in T.Parallel(9):
                x = X[i]
                A[i] = T.float(x)
                B[i] = T.half(x)
                C[i] = T.bfloat16(x)
                D[i] = x
                E[i] = T.reinterpret(T.reinterpret(x, T.int64) + 1, T.double)
        return A, B, C, D, E

    x = np.array([-7.5, -2, -0.0, 0, 0.25, 1, 3, 100, np.inf])
    single = x.astype(np.float32)
    half, brain = x.astype(np.float16), x.astype(ml_dtypes.bfloat16)
    next_bits = (x.view(np.int64) + 1).view(np.float64)
    return Case(kernel, (x,), (single, half, brain, single, next_bits))


@program
def floats_of_eight_bits(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((8,), "float32")
        A = T.empty((8,), T.float8_e4m3fn)
        B = T.empty((8,), T.float8_e5m2)
        C = T.empty((8,), T.float8_e8m0fnu)
        D = T.empty((3, 8), "float32")
        with T.Kernel(1):
            for i in T.Parallel(8):
                A[i] = T.float8_e4m3(X[i])
                B[i] = T.cast(X[i], "float8_e5m2", sat=True)
                C[i] = T.float8_e8m0fnu(X[i])
            for i in T.Parallel(8):
                D[0, i] = A[i]
                D[1, i] = B[i]
                D[2, i] = C[i]
        return A, B, C, D

    x = np.array([1, 2, 0.5, 4, 16, 64, 0.25, 8], np.float32)
    return Case(
        kernel,
        (x,),
        (
            x.astype(ml_dtypes.float8_e4m3fn),
            x.astype(ml_dtypes.float8_e5m2),
            x.astype(ml_dtypes.float8_e8m0fnu),
            np.stack([x, x, x]),
        ),
    )


@program
def elements_of_four_bits(source: Source) -> Case:
    @tiledsl.jit
    def kernel(P, F):
        P: T.Tensor((3, 8), T.int4)
        F: T.Tensor((3, 8), T.float4_e2m1fn)
        Y = T.empty((3, 8), "int32")
        Z = T.empty((3, 8), "float32")
        N = T.empty((3, 8), "uint4")
        with T.Kernel(3) as row:
            for i in T.Parallel(8):
                Y[row, i] = P[row, i] * 3
                Z[row, i] = F[row, i] * 0.5
                N[row, i] = P[row, i]
        return Y, Z, N

    packed = source.codes((3, 4), np.uint8)
    low, high = (packed & 15), (packed >> 4)
    codes = np.stack([low, high], -1).reshape(3, 8)
    values = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)
    floats = np.where(codes & 8, -1, 1).astype(np.float32) * values[codes & 7]
    signed = ((codes.astype(np.int32) ^ 8) - 8).astype(np.int32)
    return Case(
        kernel,
        (packed.view(np.int8), packed),
        (signed * 3, (floats * 0.5).astype(np.float32), packed),
    )


@program
def directions_of_rounding(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4, 4), "bfloat16")
        S = T.empty((2, 4), "float8_e5m2")
        with T.Kernel(1):
            for i in T.Parallel(4):
                Y[0, i] = T.cast(X[i], "bfloat16", round="rn")
                Y[1, i] = T.cast(X[i], "bfloat16", round="rz")
                Y[2, i] = T.cast(X[i], "bfloat16", round="rp")
                Y[3, i] = T.cast(X[i], "bfloat16", round="rm")
                S[0, i] = T.cast(X[i] * 65536.0, "float8_e5m2", sat=True)
                S[1, i] = T.cast(X[i] * 65536.0, "float8_e5m2", sat=False)
        return Y, S

    x = np.array([1 + 2**-10, -1 - 2**-10, 3, -3], np.float32)
    up, one = 1 + 2**-7, 1.0
    y = [[one, -one, 3, -3], [one, -one, 3, -3], [up, -one, 3, -3], [one, -up, 3, -3]]
    s = [[57344, -57344] * 2, [np.inf, -np.inf] * 2]
    narrow = np.array(y, np.float32).astype(ml_dtypes.bfloat16)
    return Case(kernel, (x,), (narrow, np.array(s).astype(ml_dtypes.float8_e5m2)))


@program
def dot_products_of_bytes(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B):
        A: T.Tensor((5, 4), "int8")
        B: T.Tensor((5, 4), "int8")
        Y = T.empty((5,), "int32")
        with T.Kernel(5) as row:
            total = T.alloc_local((1,), "int32")
            total[0] = 100
            T.dp4a(A[row, 0:4], B[row, 0:4], total[0])
            Y[row] = total[0]
        return Y

    a, b = source.codes((5, 4), np.int8), source.codes((5, 4), np.int8)
    y = 100 + (a.astype(np.int32) * b).sum(1)
    return Case(kernel, (a, b), (y.astype(np.int32),))
