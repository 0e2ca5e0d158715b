"""Programs of element loops, scalars and control flow."""

from __future__ import annotations

import ml_dtypes
import numpy as np

import tiledsl
import tiledsl.language as T
from tests.faults.programs import Case, Source, program

BF16, E4M3 = ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn


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
        Y = T.empty((5, n), "int64")
        with T.Kernel(1):
            for i in T.Parallel(n):
                Y[0, i] = T.cast(A[i] < B[i], "int64")
                Y[1, i] = A[i] >> 3
                Y[2, i] = B[i] >> 3
                Y[3, i] = A[i] // 7
                Y[4, i] = T.max(A[i], T.uint32(5))
        return Y

    a = source.codes((40,), np.uint32)
    b = source.codes((40,), np.int32)
    a[:4], b[:4] = [1, 2**31, 2**32 - 1, 5], [-1, -5, -1, 5]
    wide_a, wide_b = a.astype(np.int64), b.astype(np.int64)
    rows = [wide_a < wide_b, wide_a >> 3, wide_b >> 3, wide_a // 7]
    return Case(kernel, (a, b), (np.array([*rows, np.maximum(wide_a, 5)], np.int64),))


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
def rounding_to_narrow_floats(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        n = T.const("n")
        X: T.Tensor((n,), "float32")
        H = T.empty((n,), "float16")
        B = T.empty((n,), "bfloat16")
        E = T.empty((n,), "float8_e4m3fn")
        Z = T.empty((n,), "bfloat16")
        with T.Kernel(1):
            for i in T.Parallel(n):
                H[i] = X[i]
                B[i] = X[i]
                E[i] = X[i]
                Z[i] = T.cast(X[i], "bfloat16", round="rz")
        return H, B, E, Z

    x = (source.integers((200,), np.float64, -(2**20), 2**20) / 2.0**11).astype(
        np.float32
    )
    x[:8] = [464.0, 465.0, 1e6, -1e6, 1 + 2.0**-8, 1 + 3 * 2.0**-8, 2.0**-10, 0.3]
    limited = np.clip(x, -448, 448).astype(E4M3)
    toward_zero = (x.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    with np.errstate(over="ignore"):
        half = x.astype(np.float16)
    return Case(kernel, (x,), (half, x.astype(BF16), limited, toward_zero.astype(BF16)))


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
    x, b = np.array(x, np.int64), np.array(bits, np.float64).astype(BF16)
    return Case(kernel, (x,), (x.astype(np.float32), b))


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

    x = np.array(
        [-2.9, 2.9, 3e9, -3e9, np.nan, np.inf, -np.inf, -0.5, 255.9, 256.5, 200]
    )
    whole = np.trunc(np.where(np.isnan(x), 0, x))
    y = np.clip(whole, -(2.0**31), 2.0**31 - 1).astype(np.int64).astype(np.int32)
    u = np.clip(whole, 0, 255).astype(np.uint8)
    return Case(kernel, (x.astype(np.float32),), (y, u))


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
def strided_arguments(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        s, t = T.dynamic("s, t")
        X: T.StridedTensor((4, 5), (s, t), "int32")
        Y = T.empty((4, 5), "int32")
        Z = T.empty((4, 5), "int32")
        with T.Kernel(1):
            x = T.alloc_shared((4, 5), "int32")
            T.copy(X, x)
            T.copy(x, Y)
            for i, j in T.Parallel(4, 5):
                Z[i, j] = X[i, j] * 2
        return Y, Z

    whole = source.integers((12, 9))
    x = whole[1:9:2, 2:7]
    return Case(kernel, (x,), (x.copy(), x * 2))


@program
def symbolic_dims(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X, W):
        m, n = T.dynamic("m, n")
        X: T.Tensor((m, n), "int32")
        W: T.Tensor((n + 2,), "int32")
        Y = T.empty((n, m), "int32")
        with T.Kernel(T.ceildiv(n, 4), m) as (bx, by):
            for j in T.Parallel(4):
                Y[bx * 4 + j, by] = X[by, bx * 4 + j] + W[bx * 4 + j + 2] * m + n
        return Y

    x, w = source.integers((3, 7)), source.integers((9,))
    y = x.T + w[2:, None] * 3 + 7
    return Case(kernel, (x, w), (np.ascontiguousarray(y, np.int32),))


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


@program
def names_keep_their_values(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((8,), "int32")
        Y = T.empty((8,), "int32")
        Z = T.empty((8,), "int32")
        with T.Kernel(1):
            x = T.alloc_shared((8,), "int32")
            y = T.alloc_shared((8,), "int32")
            T.copy(X, x)
            T.copy(x, y)
            first = x[0]
            T.fill(x, 3)
            for i in T.Parallel(8):
                Y[i] = y[i] + first
            T.copy(x, Z)
        return Y, Z

    x = source.integers((8,))
    return Case(kernel, (x,), (x + x[0], np.full(8, 3, np.int32)))


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
def two_launches_with_a_workspace(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        n = T.dynamic("n")
        X: T.Tensor((n,), "int32")
        Y = T.empty((n,), "int32")
        W = T.alloc_global((n,), "int32")
        with T.Kernel(T.ceildiv(n, 4)) as bx:
            for i in T.Parallel(4):
                W[bx * 4 + i] = X[bx * 4 + i] * 2
        with T.Kernel(T.ceildiv(n, 4)) as bx:
            for i in T.Parallel(4):
                Y[bx * 4 + i] = W[n - 1 - bx * 4 - i] + 1
        return Y

    x = source.integers((11,))
    return Case(kernel, (x,), (x[::-1] * 2 + 1,))


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
