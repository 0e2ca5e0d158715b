"""Parallel, element accesses and control flow."""

from __future__ import annotations

from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest

Run = Callable[..., list]


def floats(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(sum(shape))
    return rng.integers(-8, 9, shape).astype(np.float32)


def empty(*shape: int, dtype: object = np.float32) -> np.ndarray:
    return np.full(shape, 77, dtype)


def test_elementwise_with_edges(run: Run) -> None:
    x = floats(10, 7)
    _, y = run(
        """
        func f(X: float32[10, 7], Y: float32[10, 7])
          launch (bx: 3, by: 2) threads 128
            parallel (i: 4, j: 5)
              Y[bx * 4 + i, by * 5 + j] = X[bx * 4 + i, by * 5 + j] * 2.0 + 1.0
        """,
        x,
        empty(10, 7),
    )
    np.testing.assert_array_equal(y, x * 2 + 1)


def test_reads_outside_give_zero_or_the_fill(run: Run) -> None:
    x = floats(5) + 100
    _, y, z = run(
        """
        func f(X: float32[5], Y: float32[9], Z: float32[9])
          launch (b: 1) threads 1
            parallel (i: 9)
              Y[i] = X[i - 2]
              Z[i] = X[2 - i; fill -3.0]
        """,
        x,
        empty(9),
        empty(9),
    )
    np.testing.assert_array_equal(y, [0, 0, *x, 0, 0])
    np.testing.assert_array_equal(z, [*x[2::-1], *[-3] * 6])


def test_each_dimension_is_tested_by_itself(run: Run) -> None:
    x = floats(3, 4) + 50
    _, y = run(
        """
        func f(X: float32[3, 4], Y: float32[5, 8])
          launch (b: 1) threads 1
            parallel (i: 5, j: 8)
              Y[i, j] = X[i - 1, j - 2]
        """,
        x,
        empty(5, 8),
    )
    expected = np.zeros((5, 8), np.float32)
    expected[1:4, 2:6] = x
    np.testing.assert_array_equal(y, expected)


def test_transposed_diagonal_and_broadcast_indices(run: Run) -> None:
    x = floats(4, 6)
    _, y, z, w = run(
        """
        func f(X: float32[4, 6], Y: float32[6, 4], Z: float32[4], W: float32[4, 6, 2])
          launch (b: 1) threads 1
            parallel (i: 6, j: 4)
              Y[i, j] = X[j, i]
            parallel (d: 4)
              Z[d] = X[d, d]
            parallel (u: 4, v: 6, w: 2)
              W[u, v, w] = X[u, 5 - v] + X[2, v]
        """,
        x,
        empty(6, 4),
        empty(4),
        empty(4, 6, 2),
    )
    np.testing.assert_array_equal(y, x.T)
    np.testing.assert_array_equal(z, np.diagonal(x))
    np.testing.assert_array_equal(w[..., 0], x[:, ::-1] + x[2])


def test_gather_and_scatter_by_loaded_indices(run: Run) -> None:
    x = floats(6, 3)
    rows = np.array([5, -1, 0, 6, 2, -(2**31), 2**31 - 1, 5], np.int32)
    targets = np.array([0, 1, 8, -1, 3, 2, 9, 5], np.int64)
    _, _, _, y, z = run(
        """
        func f(X: float32[6, 3], R: int32[8], T: int64[8], Y: float32[8, 3], Z: float32[8])
          launch (b: 1) threads 1
            parallel (i: 8, j: 3)
              Y[i, j] = X[index(R[i]), j]
            parallel (k: 8)
              Z[index(T[k])] = float32(k)
        """,
        x,
        rows,
        targets,
        empty(8, 3),
        empty(8),
    )
    valid = (rows >= 0) & (rows < 6)
    np.testing.assert_array_equal(y, np.where(valid[:, None], x[rows * valid], 0))
    np.testing.assert_array_equal(z, [0, 1, 5, 4, 77, 7, 77, 77])


def test_strided_arguments(run: Run) -> None:
    x = np.broadcast_to(floats(5), (4, 5))
    y = empty(5, 8)[::-1, ::2].T
    _, y = run(
        """
        func f[m](X: float32[m, 5] strides(0, 1), Y: float32[m, 5] strides(2, -8))
          launch (b: m) threads 1
            parallel (j: 5)
              Y[b, j] = X[b, j] + 1.0
        """,
        x,
        y,
        dims=[4],
    )
    np.testing.assert_array_equal(y, x + 1)


def test_if_masks_lanes_and_arms_run_in_order(run: Run) -> None:
    x = floats(20)
    _, y = run(
        """
        func f(X: float32[20], Y: float32[20])
          launch (b: 1) threads 1
            parallel (i: 20)
              let v: float32 = X[i]
              if v > 0.0
                Y[i] = v
                if v > 4.0
                  Y[i] = 4.0
              else
                if i < 10
                  continue
                Y[i] = -1.0
        """,
        x,
        empty(20),
    )
    late = np.where(np.arange(20) < 10, 77, -1)
    np.testing.assert_array_equal(y, np.where(x > 0, np.minimum(x, 4), late))


def test_uniform_if(run: Run) -> None:
    text = """
        func f(n: int32, Y: float32[4])
          launch (b: 2) threads 1
            if n > 3:int32
              parallel (i: 4)
                if b == 0
                  continue
                Y[i] = 1.0
            else
              parallel (j: 4)
                Y[j] = 2.0
        """
    assert run(text, 5, empty(4))[1].tolist() == [1] * 4
    assert run(text, 3, empty(4))[1].tolist() == [2] * 4


def test_loops_with_bounds_per_lane(run: Run) -> None:
    starts, stops = np.array([0, 3, 5, 9, -2]), np.array([4, 3, 2, 11, 1])
    steps = np.array([1, 1, -1, 2, 0])
    *_, y, last = run(
        """
        func f(A: int64[5], B: int64[5], C: int64[5], Y: int64[5], Z: int64[5])
          launch (b: 1) threads 1
            parallel (i: 5)
              alloc local n: int64[]
              alloc local last: int64[]
              n[] = 0:int64
              last[] = -99:int64
              for serial k in index(A[i]) .. index(B[i]) step index(C[i])
                n[] = n[] + 1:int64
                last[] = int64(k)
              Y[i] = n[]
              Z[i] = last[]
        """,
        *(column.astype(np.int64) for column in (starts, stops, steps)),
        empty(5, dtype=np.int64),
        empty(5, dtype=np.int64),
    )
    assert y.tolist() == [4, 0, 3, 1, 0]
    assert last.tolist() == [3, -99, 3, 9, -99]


def test_loop_bounds_are_evaluated_once(run: Run) -> None:
    (y,) = run(
        """
        func f(Y: int32[3])
          launch (b: 1) threads 1
            parallel (i: 3)
              alloc local n: index[]
              n[] = i + 1
              Y[i] = 0:int32
              for serial k in 0 .. n[] step 1
                n[] = n[] + 5
                Y[i] = Y[i] + 1:int32
        """,
        empty(3, dtype=np.int32),
    )
    assert y.tolist() == [1, 2, 3]


def test_loops_at_the_ends_of_the_integers(run: Run) -> None:
    ends = np.array([2**63 - 1, -(2**63)])
    _, y = run(
        """
        func f(A: int64[2], Y: int64[2])
          launch (b: 1) threads 1
            parallel (i: 2)
              Y[i] = 0:int64
              let big: index = 4611686018427387904
              let end: index = select(i == 0, 0 - big - big, big - 1 + big)
              for serial k in index(A[i]) .. end step select(i == 0, 0 - big, big)
                Y[i] = Y[i] + 1:int64
        """,
        ends,
        empty(2, dtype=np.int64),
    )
    assert y.tolist() == [4, 4]


def test_while_with_break_and_continue(run: Run) -> None:
    x = np.arange(12, dtype=np.int32)
    _, y = run(
        """
        func f(X: int32[12], Y: int32[12])
          launch (b: 1) threads 1
            parallel (i: 12)
              alloc local n: int32[]
              n[] = X[i]
              Y[i] = 0:int32
              while n[] > 0:int32
                n[] = n[] - 1:int32
                if n[] % 3:int32 == 1:int32
                  continue
                if Y[i] > 4:int32
                  break
                Y[i] = Y[i] + n[]
        """,
        x,
        empty(12, dtype=np.int32),
    )
    expected = []
    for n in x.tolist():
        total = 0
        while n > 0:
            n -= 1
            if n % 3 == 1:
                continue
            if total > 4:
                break
            total += n
        expected.append(total)
    assert y.tolist() == expected


def test_break_in_nested_loops_and_continue_of_the_iteration(run: Run) -> None:
    (y,) = run(
        """
        func f(Y: int64[4, 6])
          launch (b: 1) threads 1
            parallel (i: 4, j: 6)
              Y[i, j] = 0:int64
              if j == 5
                continue
              for serial a in 0 .. 5 step 1
                if a == i
                  break
                for serial c in 0 .. 9 step 2
                  if c > j
                    break
                  if c == 2
                    continue
                  Y[i, j] = Y[i, j] + int64(a * 10 + c)
                Y[i, j] = Y[i, j] + 1000:int64
              Y[i, j] = Y[i, j] * 2:int64
        """,
        empty(4, 6, dtype=np.int64),
    )
    assert y[3, 4] == 2 * (3000 + sum(a * 20 + 4 for a in range(3)))


def test_uniform_loops_with_break_and_continue(run: Run) -> None:
    (y,) = run(
        """
        func f(Y: int64[9])
          launch (b: 1) threads 1
            alloc local n: int64[]
            n[] = 0:int64
            for serial k in 8 .. -1 step -1
              if k == 6
                continue
              if k == 2
                break
              Y[k] = int64(k)
              n[] = n[] + 1:int64
            while n[] < 100:int64
              n[] = n[] * 2:int64
              if n[] > 30:int64
                break
            Y[0] = n[]
            for serial none in 3 .. 3 step 1
              Y[1] = 1:int64
            for serial still in 0 .. 3 step 0
              Y[1] = 1:int64
        """,
        empty(9, dtype=np.int64),
    )
    assert y.tolist() == [40, 77, 77, 3, 4, 5, 77, 7, 8]


def test_private_arrays(run: Run) -> None:
    x = floats(7)
    _, y = run(
        """
        func f(X: float32[7], Y: float32[7])
          launch (b: 1) threads 1
            alloc local w: float32[3]
            parallel (i: 7)
              alloc local v: float32[2]
              w[0] = X[i]
              w[1] = X[i + 1]
              w[2] = X[i + 2]
              v[i % 2] = w[2]
              v[(i + 1) % 2] = w[i % 3]
              let before: float32 = v[0]
              v[0] = 9.0
              Y[i] = before * 100.0 + v[1] + v[5] + v[0]
        """,
        x,
        empty(7),
    )
    padded = np.append(x, [0, 0])
    for i in range(7):
        w = padded[i : i + 3]
        v = [0, 0]
        v[i % 2] = w[2]
        v[(i + 1) % 2] = w[i % 3]
        assert y[i] == v[0] * 100 + v[1] + 9


def test_what_is_private_is_undefined_after_the_loop(interpret: Run) -> None:
    text = """
        func f(Y: int32[2])
          launch (b: 1) threads 1
            alloc local v: int32[]
            v[] = 5:int32
            Y[0] = v[]
            parallel (i: 4)
              v[] = int32(i)
            Y[1] = v[]
        """
    results = [
        interpret(text, empty(2, dtype=np.int32), poison=seed)[0] for seed in (0, 1)
    ]
    assert results[0][0] == results[1][0] == 5
    assert results[0][1] != results[1][1]


def test_snapshots_do_not_change(run: Run) -> None:
    x = floats(4)
    y, z = run(
        """
        func f(X: float32[4], Z: float32[4])
          launch (b: 1) threads 1
            parallel (i: 4)
              let old: float32 = X[i]
              X[i] = old + 1.0
              let positive: bool = X[i] > 0.0
              Z[i] = old
              if positive
                X[i] = -5.0
              else
                Z[i] = 50.0
        """,
        x,
        empty(4),
    )
    np.testing.assert_array_equal(z, np.where(x + 1 > 0, x, 50))
    np.testing.assert_array_equal(y, np.where(x + 1 > 0, -5, x + 1))


def test_conditions_are_evaluated_once(run: Run) -> None:
    flags = np.array([True, False, True])
    y, z = run(
        """
        func f(F: bool[3], Z: int32[3])
          launch (b: 1) threads 1
            parallel (i: 3)
              if F[i]
                F[i] = false
                Z[i] = 1:int32
              else
                F[i] = true
                Z[i] = 2:int32
        """,
        flags,
        empty(3, dtype=np.int32),
    )
    assert y.tolist() == [False, True, False] and z.tolist() == [1, 2, 1]


def test_loads_and_casts_of_narrow_floats(run: Run) -> None:
    h = floats(8).astype(np.float16) / np.float16(3)
    b = (floats(8) * 1.7).astype(ml_dtypes.bfloat16)
    q = (floats(8) * 100).astype(ml_dtypes.float8_e4m3fn)
    run(
        """
        func f(H: float16[8], B: bfloat16[8], Q: float8_e4m3fn[8], Z: float32[8])
          launch (b: 1) threads 1
            parallel (i: 8)
              let product: float32 = float32(H[i]) * float32(B[i])
              Z[i] = product
              H[i] = float16(product)
              B[i] = bfloat16(product + float32(Q[i]), rounding rz)
              Q[i] = float8_e4m3fn(product * 60.0)
              Z[i] = Z[i] + bitcast(1073741824:int32, float32)
        """,
        h,
        b,
        q,
        empty(8),
    )


def test_select_reads_only_the_chosen_arm_and_both_have_one_value(run: Run) -> None:
    x = floats(6)
    _, y = run(
        """
        func f[n](X: float32[n], Y: float32[6])
          launch (b: 1) threads 1
            parallel (i: 6)
              Y[i] = select(i < n, X[i], 1.0) + select_both(X[i] > 0.0, X[i], 2.0)
        """,
        x[:4],
        empty(6),
        dims=[4],
    )
    padded = np.array([*x[:4], 0, 0], np.float32)
    first = np.where(np.arange(6) < 4, padded, 1)
    np.testing.assert_array_equal(y, first + np.where(padded > 0, padded, 2))


@pytest.mark.parametrize("grid", [(2,), (3, 2), (2, 3, 2)])
def test_grids(run: Run, grid: tuple[int, ...]) -> None:
    names = ("bx", "by", "bz")[: len(grid)]
    axes = ", ".join(f"{n}: {e}" for n, e in zip(names, grid, strict=True))
    number = {1: "bx", 2: "by * 10 + bx", 3: "bz * 100 + by * 10 + bx"}[len(grid)]
    shape = ", ".join(map(str, grid))
    (y,) = run(
        f"""
        func f(Y: int64[{shape}])
          launch ({axes}) threads 32
            Y[{", ".join(names)}] = int64({number})
        """,
        empty(*grid, dtype=np.int64),
    )
    assert y[(1,) * len(grid)] == {1: 1, 2: 11, 3: 111}[len(grid)]


def test_empty_spaces(run: Run) -> None:
    text = """
        func f[n](X: float32[n], Y: float32[3])
          launch (b: n) threads 1
            Y[0] = 1.0
          launch (c: 2) threads 1
            parallel (i: 3, j: n)
              Y[i] = X[j]
            parallel (k: n - 5)
              Y[1] = 1.0
            Y[2] = X[0; fill 5.0]
        """
    _, y = run(text, floats(0), empty(3), dims=[0])
    assert y.tolist() == [77, 77, 5]


def test_launches_in_order_share_workspaces(run: Run) -> None:
    x = floats(8)
    _, y = run(
        """
        func f[n](X: float32[n], Y: float32[n])
          alloc global W: float32[n + 1]
          launch (b: n) threads 1
            W[b] = X[b] * 2.0
          launch (c: n) threads 1
            Y[c] = W[n - 1 - c]
        """,
        x,
        empty(8),
        dims=[8],
    )
    np.testing.assert_array_equal(y, 2 * x[::-1])


def test_undefined_elements_show(interpret: Run) -> None:
    text = """
        func f(X: float32[2], Y: bfloat16[2], N: int32[2], B: bool[1])
          alloc global W: float32[2]
          launch (b: 1) threads 1
            alloc shared t: bfloat16[2]
            alloc fragment n: int32[2]
            alloc fragment c: bool[1]
            for serial k in 0 .. 2 step 1
              alloc local again: float32[]
              X[k] = again[]
              again[] = 1.0
              Y[k] = t[k]
              N[k] = n[k]
            B[0] = c[0]
        """
    first, second = (
        interpret(
            text,
            empty(2),
            empty(2, dtype=ml_dtypes.bfloat16),
            empty(2, dtype=np.int32),
            np.zeros(1, bool),
            poison=seed,
        )
        for seed in (0, 1)
    )
    for one, other in zip(first, second, strict=True):
        assert (one.view(np.uint8) != other.view(np.uint8)).any()
        assert one.astype(np.float64).all() or one.dtype == bool
    assert np.isnan(first[0]).all()
