"""Private and undefined memory, grids, launches in order."""

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


@pytest.mark.parametrize(
    "kind",
    ["serial", "unroll", "vectorized", "pipelined", "pipelined(1)", "pipelined(4)"],
)
def test_a_block_sees_its_own_writes_whatever_the_hint(run: Run, kind: str) -> None:
    """The tile is read, then overwritten; the global row is written, then read back."""
    x = floats(5, 4)
    _, y = run(
        f"""
        func f(X: float32[5, 4], Y: float32[5, 4])
          launch (b: 1) threads 64
            alloc shared t: float32[4]
            fill t[0 +: 4] = 1.0
            for {kind} k in 0 .. 5 step 1
              parallel (i: 4)
                Y[k, i] = t[i] * 10.0
              copy X[k, 0 +: 4] -> t[0 +: 4] shape (4)
              copy Y[k, 0 +: 2] -> t[2 +: 2] shape (2)
              Y[k, 3] = Y[k, 3] + t[1]
              reduce sum Y[k, 0 +: 4] axis 0 -> t[3] clear
        """,
        x,
        empty(5, 4),
    )
    tile = [1.0] * 4
    for k in range(5):
        row = [10 * value for value in tile]
        tile = [x[k, 0], x[k, 1], row[0], row[1]]
        row[3] += tile[1]
        tile[3] = sum(row)
        assert y[k].tolist() == row
