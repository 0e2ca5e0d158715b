"""Programs of the functions of scalars.

Where a function may be off by some units in the last place, its value is multiplied and
rounded to an integer; no value here is near the middle of two.
"""

from __future__ import annotations

import math

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Array, Case, Source, program

_SCALE = 1000.0


def _rounded(*rows: Array) -> Array:
    """Of exact values; refuses those that an error of some units could move."""
    scaled = np.array(rows, np.float64) * _SCALE
    if (abs(abs(scaled - np.floor(scaled)) - 0.5) < 0.01).any():
        raise ValueError("a value lies between two integers")
    return np.rint(scaled).astype(np.int32)


@program
def functions_that_round(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((9,), "float32")
        Y = T.empty((20, 9), "int32")
        with T.Kernel(1):
            for i in T.Parallel(9):
                x = X[i]
                values = (
                    T.exp(x), T.exp2(x), T.exp10(x * 0.25), T.log(x), T.log2(x),
                    T.log10(x), T.log1p(x), T.rsqrt(x), T.sigmoid(x), T.sin(x),
                    T.cos(x), T.tan(x * 0.25), T.tanh(x * 0.5), T.sinh(x), T.cosh(x),
                    T.asinh(x), T.acosh(x + 1.0), T.atan(x), T.erf(x * 0.5),
                    T.hypot(x, 2.0),
                )  # fmt: skip
                for row, value in enumerate(values):
                    Y[row, i] = T.cast(T.round(value * 1000.0), "int32")
        return Y

    x = np.array([0.5, 0.875, 1.0625, 1.375, 1.75, 2, 2.125, 2.375, 2.75], np.float32)
    d = x.astype(np.float64)
    erf = np.array([math.erf(value / 2) for value in d])
    expected = _rounded(
        np.exp(d), np.exp2(d), 10 ** (d / 4), np.log(d), np.log2(d), np.log10(d),
        np.log1p(d), 1 / np.sqrt(d), 1 / (1 + np.exp(-d)), np.sin(d), np.cos(d),
        np.tan(d / 4), np.tanh(d / 2), np.sinh(d), np.cosh(d), np.arcsinh(d),
        np.arccosh(d + 1), np.arctan(d), erf, np.hypot(d, 2),
    )  # fmt: skip
    return Case(kernel, (x,), (expected,))


@program
def functions_of_angles_and_powers(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((7,), "float32")
        Y = T.empty((6, 7), "int32")
        with T.Kernel(1):
            for i in T.Parallel(7):
                x = X[i]
                values = (
                    T.asin(x), T.acos(x), T.atanh(x), T.atan2(x, -0.5),
                    T.pow(x + 1.0, 2.5), T.pow(x, 3),
                )  # fmt: skip
                for row, value in enumerate(values):
                    Y[row, i] = T.cast(T.round(value * 1000.0), "int32")
        return Y

    x = np.array([-0.875, -0.5, -0.125, 0.0625, 0.25, 0.6875, 0.9375], np.float32)
    d = x.astype(np.float64)
    expected = _rounded(
        np.arcsin(d), np.arccos(d), np.arctanh(d), np.arctan2(d, -0.5),
        (d + 1) ** 2.5, d**3,
    )  # fmt: skip
    return Case(kernel, (x,), (expected,))


@program
def functions_that_are_exact(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((8,), "float32")
        Y = T.empty((12, 8), "float32")
        B = T.empty((3, 8), "bool")
        with T.Kernel(1):
            for i in T.Parallel(8):
                x = X[i]
                Y[0, i] = T.abs(x)
                Y[1, i] = T.sqrt(T.abs(x))
                Y[2, i] = T.floor(x)
                Y[3, i] = T.ceil(x)
                Y[4, i] = T.trunc(x)
                Y[5, i] = T.round(x)
                Y[6, i] = T.round(x, "ties-away-from-zero")
                Y[7, i] = T.nearbyint(x)
                Y[8, i] = T.copysign(3.0, x)
                Y[9, i] = T.fmod(x, 0.75)
                Y[10, i] = T.fma(x, x, 1.0)
                Y[11, i] = T.clamp(T.ldexp(x, 3.0), -20.0, 20.0)
                B[0, i] = T.isnan(x)
                B[1, i] = T.isinf(x)
                B[2, i] = T.isfinite(x)
        return Y, B

    x = np.array([-2.5, -1.75, -0.0, 0.5, 1.5, 2.25, 4.0, 6.5], np.float32)
    half = np.trunc(abs(x) + 0.5)
    rows = [
        abs(x), np.sqrt(abs(x)), np.floor(x), np.ceil(x), np.trunc(x), np.rint(x),
        np.copysign(half, x), np.rint(x), np.copysign(3, x),
        np.fmod(x, np.float32(0.75)), x * x + 1, np.clip(x * 8, -20, 20),
    ]  # fmt: skip
    flags = np.stack([np.isnan(x), np.isinf(x), np.isfinite(x)])
    return Case(kernel, (x,), (np.array(rows, np.float32), flags))


@program
def special_values(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((5,), "float32")
        Y = T.empty((4, 5), "float32")
        B = T.empty((3, 5), "bool")
        with T.Kernel(1):
            for i in T.Parallel(5):
                x = X[i]
                Y[0, i] = T.nextafter(x, 0.0)
                Y[1, i] = T.if_then_else(x < 0, -T.infinity("float32"), x)
                Y[2, i] = T.Select(x > 1, T.max_value("float32"), x)
                Y[3, i] = T.max(x, T.min_value("float32"))
                B[0, i] = T.isnan(x)
                B[1, i] = T.isinf(x)
                B[2, i] = T.isfinite(x)
        return Y, B

    x = np.array([-np.inf, -1, 0, 1.5, np.nan], np.float32)
    largest = np.finfo(np.float32).max
    rows = [
        np.nextafter(x, np.float32(0)),
        np.where(x < 0, np.float32(-np.inf), x),
        np.where(x > 1, largest, x),
        np.array([-largest, -1, 0, 1.5, -largest], np.float32),
    ]
    flags = np.stack([np.isnan(x), np.isinf(x), np.isfinite(x)])
    return Case(kernel, (x,), (np.array(rows, np.float32), flags))


@program
def operators_by_name(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((8,), "int32")
        Y = T.empty((14, 8), "int32")
        with T.Kernel(1):
            for i in T.Parallel(8):
                x = X[i]
                row, column = T.index_to_coordinates(i, (2, 4))
                values = (
                    T.floordiv(x, 3), T.floormod(x, 3), T.truncdiv(x, 3),
                    T.truncmod(x, 3), T.ceildiv(x, 3), T.shift_left(x, 2),
                    T.shift_right(x, 1), T.bitwise_and(x, 6), T.bitwise_or(x, 6),
                    T.bitwise_xor(x, 6), T.bitwise_not(x), T.popcount(x), T.clz(x),
                    row * 10 + column,
                )  # fmt: skip
                for place, value in enumerate(values):
                    Y[place, i] = value
        return Y

    x = source.integers((8,), low=-99, high=99)
    quotient = np.trunc(x / 3).astype(np.int32)
    bits = [format(int(value) & 0xFFFFFFFF, "032b") for value in x]
    rows = [
        x // 3, x % 3, quotient, x - 3 * quotient, -(-x // 3), x << 2, x >> 1, x & 6,
        x | 6, x ^ 6, ~x, np.array([word.count("1") for word in bits]),
        np.array([(word + "1").index("1") for word in bits]),
        np.array([0, 1, 2, 3, 10, 11, 12, 13]),
    ]  # fmt: skip
    return Case(kernel, (x,), (np.array(rows, np.int32),))


@program
def packs_of_two_lanes(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((8,), "bfloat16")
        Y = T.empty((7, 8), "bfloat16")
        with T.Kernel(1):
            for i in T.Parallel(4):
                a = T.bfloat16x2(X[2 * i], X[2 * i + 1])
                b = T.bfloat16x2(3, -2)
                results = (
                    T.add2(a, b), T.mul2(a, b), T.max2(a, b), T.min2(a, b),
                    T.abs2(a), T.fma2(a, b, a), a - b,
                )  # fmt: skip
                for row, result in enumerate(results):
                    Y[row, 2 * i] = result[0]
                    Y[row, 2 * i + 1] = result[1]
        return Y

    x = source.integers((8,)).astype(T.dtype("bfloat16").as_numpy())
    a, b = x.astype(np.float32), np.tile(np.array([3, -2], np.float32), 4)
    rows = [a + b, a * b, np.maximum(a, b), np.minimum(a, b), abs(a), a * b + a, a - b]
    return Case(kernel, (x,), (np.array(rows).astype(x.dtype),))
