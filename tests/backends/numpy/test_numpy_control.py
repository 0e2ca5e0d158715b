"""If, loops, break and continue, with conditions and bounds per lane."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Run = Callable[..., list]


def floats(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(sum(shape))
    return rng.integers(-8, 9, shape).astype(np.float32)


def empty(*shape: int, dtype: object = np.float32) -> np.ndarray:
    return np.full(shape, 77, dtype)


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


def test_bounds_of_inactive_lanes_do_not_matter(run: Run) -> None:
    stops = np.array([3, 2**62, 1, -(2**62)], np.int64)
    _, y = run(
        """
        func f(S: int64[4], Y: int64[4])
          launch (b: 1) threads 1
            parallel (i: 4)
              Y[i] = 0:int64
              if S[i] < 100:int64
                for serial k in 0 .. index(S[i]) step 1
                  Y[i] = Y[i] + 1:int64
        """,
        stops,
        empty(4, dtype=np.int64),
    )
    assert y.tolist() == [3, 0, 1, 0]


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
