"""Statements against the interpreter: memory, bounds, control flow, tile operations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

Same = Callable[..., list[np.ndarray]]
RNG = np.random.default_rng(5)


def floats(*shape: int, dtype: str = "float32") -> np.ndarray:
    return RNG.normal(size=shape).astype(dtype)


def wholes(
    *shape: int, dtype: str = "int32", low: int = -50, high: int = 50
) -> np.ndarray:
    return RNG.integers(low, high, shape).astype(dtype)


@pytest.mark.parametrize("size", [0, 1, 3, 15, 16, 17, 64, 100])
@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "int8", "uint16", "int64", "bool"]
)
def test_copy_over_the_edges(same: Same, size: int, dtype: str) -> None:
    same(
        f"""
        func f[n](A: {dtype}[n], B: {dtype}[n, 7]) 
          launch (bx: 5) threads 1
            alloc shared t: {dtype}[40]
            copy A[bx * 30 - 9 +: 40] -> t[0 +: 40] shape (40)
            copy t[0 +: 40] -> B[bx * 20 - 3 +: 40, 8 - bx] shape (40)
        """,
        wholes(size, dtype=dtype, low=0),
        np.zeros((size, 7), dtype),
        dims=(size,),
    )


def test_copy_between_extents_that_differ(same: Same) -> None:
    same(
        """
        func f[n](A: float32[n, n], B: float16[n, n], k: int32)
          launch (bx: 3) threads 1
            alloc fragment t: float32[20, 33]
            copy A[bx +: index(k), 3 +: 21; fill 2.5] -> t[0 +: 20, 0 +: 33] shape (20, 33)
            copy t[0 +: 20, 0 +: 33] -> B[bx * 9 +: 9, 1 +: index(k)] shape (20, 33)
        """,
        floats(30, 30),
        np.zeros((30, 30), np.float16),
        11,
        dims=(30,),
    )


def test_strided_and_negative_steps(same: Same) -> None:
    a, b = floats(60, 50)[::-2, ::3], np.zeros((20, 64), np.float32)[:, ::2]
    same(
        """
        func f(A: float32[30, 17] strides(-100, 3), B: float32[20, 32] strides(64, 2))
          launch (bx: 1) threads 1
            copy A[2 +: 20, 0 +: 32] -> B[0 +: 20, 0 +: 32] shape (20, 32)
        """,
        a,
        b,
    )


def test_loads_far_outside(same: Same) -> None:
    positions = np.array(
        [0, -1, 5, 6, 7, 2**31, -(2**31), 2**62, -(2**63), 2**63 - 1, 3, 2**32 + 3] * 3,
        np.int64,
    )
    same(
        """
        func f(P: int64[36], A: float32[7, 3], B: float32[36], C: float32[7, 3])
          launch (bx: 1) threads 1
            parallel (i: 36)
              B[i] = A[index(P[i]), 1]
            parallel (j: 36)
              C[index(P[j]), 2] = float32(int32(P[j] & 65535:int64))
            for serial k in 0 .. 36 step 1
              B[k] = B[k] + A[1, index(P[k])] + A[index(P[35 - k]), index(P[k])]
        """,
        positions,
        floats(7, 3),
        np.zeros(36, np.float32),
        np.zeros((7, 3), np.float32),
    )


@pytest.mark.parametrize("size", [1, 5, 16, 33, 50])
def test_conditions_that_differ_between_lanes(same: Same, size: int) -> None:
    same(
        """
        func f[n](X: float32[n], Y: float32[n], Z: int32[n])
          launch (bx: 1) threads 1
            parallel (i: n)
              let x: float32 = X[i]
              if x < 0.0
                Y[i] = neg(x)
                if i % 3 == 0
                  Y[i] = Y[i] * 2.0
              else
                Y[i] = select(i + 2 < n, X[i + 2], x)
              Z[i] = select(i >= 4, int32(i * 3 - 5), int32(X[9 - i]))
        """,
        floats(size),
        np.zeros(size, np.float32),
        np.zeros(size, np.int32),
        dims=(size,),
    )


def test_loops_in_parallel(same: Same) -> None:
    same(
        """
        func f(X: int32[37, 20], Y: int32[37], Z: int32[37])
          launch (bx: 1) threads 1
            parallel (i: 37)
              alloc local s: int32[]
              alloc local w: int32[3]
              s[] = 0:int32
              for serial k in 0 .. 20 step 3
                s[] = s[] + X[i, k]
                w[k % 3] = s[]
              Y[i] = s[] * 2:int32 + w[i % 3 - i % 3]
            parallel (j: 37)
              alloc local c: int32[]
              c[] = 0:int32
              for serial l in j % 7 .. index(X[j, 0]) step 1
                if X[j, l % 20] > 40:int32
                  break
                if X[j, l % 20] < 0:int32
                  continue
                c[] = c[] + 1:int32
              while c[] > 5:int32
                c[] = c[] - 2:int32
              if c[] == 1:int32
                continue
              Z[j] = c[]
        """,
        wholes(37, 20),
        np.zeros(37, np.int32),
        np.zeros(37, np.int32),
    )


def test_steps_of_loops(same: Same) -> None:
    steps = np.array([1, -1, 2, 3, -4, 0, 9, 2**40, -(2**62), 2**63 - 1], np.int64)
    same(
        """
        func f(S: int64[10], Y: int64[10, 2])
          launch (bx: 10) threads 1
            alloc local n: int64[]
            alloc local last: int64[]
            n[] = 0:int64
            last[] = 0:int64
            for serial k in 7 .. 50 step index(S[bx])
              n[] = n[] + 1:int64
              last[] = int64(k)
            for serial l in 30 .. -5 step index(S[bx])
              n[] = n[] + 100:int64
              last[] = last[] + int64(l)
            Y[bx, 0] = n[]
            Y[bx, 1] = last[]
        """,
        steps,
        np.zeros((10, 2), np.int64),
    )


def test_scratch_made_outside_is_private(same: Same) -> None:
    same(
        """
        func f(X: float32[50], Y: float32[50])
          launch (bx: 1) threads 1
            alloc local a: float32[]
            alloc local b: float32[2]
            a[] = 3.0
            parallel (i: 50)
              b[0] = X[i]
              b[1] = X[49 - i]
              if b[0] > b[1]
                b[0] = b[1] * a[]
              Y[i] = b[0] + a[]
        """,
        floats(50),
        np.zeros(50, np.float32),
    )


@pytest.mark.parametrize("reduction", ["sum", "mul", "max", "min", "and", "or", "xor"])
@pytest.mark.parametrize("dtype", ["int32", "uint8", "int64"])
def test_accumulate_integers(same: Same, reduction: str, dtype: str) -> None:
    same(
        f"""
        func f(X: {dtype}[23, 37], I: int32[37], A: {dtype}[8], B: {dtype}[23], C: {dtype}[37],
               D: {dtype}[1])
          launch (bx: 1) threads 1
            parallel (i: 23, j: 37)
              A[index(I[j])] {reduction}= X[i, j]
              B[i] {reduction}= X[i, j]
              if i != j
                C[j] {reduction}= X[i, j] + X[i, j]
                D[0] {reduction}= X[i, j]
        """.replace(",\n               D", ", D"),
        wholes(23, 37, dtype=dtype, low=1),
        wholes(37, low=-1, high=9),
        *(wholes(n, dtype=dtype, low=1) for n in (8, 23, 37, 1)),
    )


@pytest.mark.parametrize("reduction", ["max", "min"])
def test_accumulate_keeps_nan_and_zero_signs(same: Same, reduction: str) -> None:
    x = floats(6, 40)
    x[0], x[1, ::3], x[2], x[3] = np.nan, np.nan, -0.0, 0.0
    x[3, 5], x[4, 7], x[5, 2] = -0.0, np.inf, -np.inf
    start = np.array([np.nan, 1, 0, -0.0, 2, np.nan, np.nan, 5], np.float32)
    same(
        f"""
        func f(X: float32[6, 40], A: float32[8], B: float32[8])
          launch (bx: 1) threads 1
            parallel (i: 6, j: 40)
              A[i] {reduction}= X[i, j]
              if j < 0
                B[i] {reduction}= X[i, j]
        """,
        x,
        start,
        start.copy(),
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_sums_round_once(same: Same, dtype: str) -> None:
    import ml_dtypes

    carrier = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16}[dtype]
    x = RNG.integers(-8, 8, (20, 33)).astype(carrier)
    same(
        f"""
        func f(X: {dtype}[20, 33], R: {dtype}[20], C: {dtype}[33])
          launch (bx: 1) threads 1
            alloc fragment t: {dtype}[20]
            fill t[0 +: 20] = 0.5:{dtype}
            parallel (i: 20, j: 33)
              t[i] sum= float32(X[i, j])
            copy t[0 +: 20] -> R[0 +: 20] shape (20)
            reduce sum X[0 +: 20, 0 +: 33] axis 0 -> C[0 +: 33]
        """,
        x,
        np.zeros(20, carrier),
        RNG.integers(-8, 8, 33).astype(carrier),
    )


@pytest.mark.parametrize(
    "kind", ["max", "min", "absmax", "and", "or", "xor", "sum", "abssum"]
)
@pytest.mark.parametrize("shape", [(1, 1), (5, 33), (33, 5), (16, 64), (3, 127)])
@pytest.mark.parametrize("clear", ["", " clear"])
def test_reduce_integers(
    same: Same, kind: str, shape: tuple[int, int], clear: str
) -> None:
    m, n = shape
    same(
        f"""
        func f(X: int16[{m}, {n}], R: int32[{m}], C: int32[{n}])
          launch (bx: 1) threads 1
            reduce {kind} X[0 +: {m}, 0 +: {n}] axis 1 -> R[0 +: {m}]{clear}
            reduce {kind} X[0 +: {m}, 0 +: {n}] axis 0 -> C[0 +: {n}]{clear}
        """,
        wholes(m, n, dtype="int16", low=-3000, high=3000),
        wholes(m),
        wholes(n),
    )


@pytest.mark.parametrize("flags", ["", " clear", " nan", " clear nan"])
@pytest.mark.parametrize("kind", ["max", "min", "absmax"])
def test_reduce_float_extremes(same: Same, kind: str, flags: str) -> None:
    x = floats(8, 45)
    x[0, 3], x[1], x[2], x[3, 44] = np.nan, np.nan, -0.0, -np.inf
    x[2, 9] = 0.0
    out = np.array([1, np.nan, -0.0, 9, 0, 0, -9, np.nan], np.float32)
    words = flags.replace("nan", "nan_propagate")
    same(
        f"""
        func f(X: float32[8, 45], R: float32[8], C: float32[45])
          launch (bx: 1) threads 1
            reduce {kind} X[0 +: 8, 0 +: 45] axis 1 -> R[0 +: 8]{words}
            reduce {kind} X[0 +: 8, 0 +: 45] axis 0 -> C[0 +: 45]{words}
        """,
        x,
        out,
        floats(45),
    )


def test_several_launches_and_a_workspace(same: Same) -> None:
    same(
        """
        func f[n](X: float32[n, 40], Y: float32[n])
          alloc global part: float32[n, 4]
          launch (bx: 4, by: n) threads 1
            reduce max X[by, bx * 10 +: 10] axis 0 -> part[by, bx] clear
          launch (row: n) threads 1
            reduce max part[row, 0 +: 4] axis 0 -> Y[row] clear
        """,
        floats(13, 40),
        np.zeros(13, np.float32),
        dims=(13,),
    )


@pytest.mark.parametrize("grid", [(0, 3, 2), (1, 1, 1), (3, 4, 2), (7, 1, 5)])
def test_grid_order_and_empty_grids(same: Same, grid: tuple[int, int, int]) -> None:
    gx, gy, gz = grid
    same(
        """
        func f[n](Y: int32[n], gx: index, gy: index, gz: index)
          launch (bx: gx, by: gy, bz: gz) threads 1
            Y[bx + gx * (by + gy * bz)] = int32(bx * 10000 + by * 100 + bz)
        """,
        np.zeros(100, np.int32),
        gx,
        gy,
        gz,
        dims=(100,),
    )


def test_scalar_parameters_of_every_kind(same: Same) -> None:
    same(
        """
        func f(a: int8, b: uint32, c: bool, d: float32, e: float64, h: float16, Y: float64[6])
          launch (bx: 1) threads 1
            Y[0] = float64(a)
            Y[1] = float64(b)
            Y[2] = select(c, 1.0:float64, 2.0:float64)
            Y[3] = float64(d)
            Y[4] = e
            Y[5] = float64(h)
        """,
        -7,
        2**32 - 5,
        True,
        1.5,
        -1e300,
        0.25,
        np.zeros(6),
    )
