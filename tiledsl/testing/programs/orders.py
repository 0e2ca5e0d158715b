"""Programs of loops: orders of iterations, jumps, lists that are unrolled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Array, Case, Source, program

# places, and what each of them makes of the code so far
_Steps = Sequence[tuple[Sequence[int], Callable[[Array, int], Array]]]


@program
def sequential_loops(source: Source) -> Case:
    """Each element is added to a code in the order of the iterations."""

    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "int32")
        Y = T.empty((5,), "int32")
        with T.Kernel(1):
            code = T.alloc_var("int32", init=0)
            for i in range(4):
                code = code * 3 + X[i]
            Y[0] = code
            for i in T.serial(3, -1, -1):
                code = code * 3 + X[i]
            Y[1] = code
            for i in T.Serial(1, 4, 2):
                code = code * 3 - X[i]
            Y[2] = code
            for i in T.unroll(4):
                code = code * 3 + X[i] * i
            Y[3] = code
            for i in T.Unroll(1, 3):
                code = code * 3 + X[i] * i
            Y[4] = code
        return Y

    x = source.integers((4,))
    steps: _Steps = (
        ([0, 1, 2, 3], lambda code, i: code * 3 + x[i]),
        ([3, 2, 1, 0], lambda code, i: code * 3 + x[i]),
        ([1, 3], lambda code, i: code * 3 - x[i]),
        ([0, 1, 2, 3], lambda code, i: code * 3 + x[i] * i),
        ([1, 2], lambda code, i: code * 3 + x[i] * i),
    )
    return Case(kernel, (x,), (_codes(steps),))


@program
def loops_of_other_names(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "int32")
        Y = T.empty((3,), "int32")
        with T.Kernel(1):
            code = T.alloc_var("int32", init=0)
            for i in T.vectorized(4):
                code = code ^ X[i]
            Y[0] = code
            for i in T.Vectorized(4):
                code = code * 5 - X[i]
            Y[1] = code
            for i, j in T.grid(2, 3):
                code = code * 3 + X[i] * j
            Y[2] = code
        return Y

    x = source.integers((4,))
    steps: _Steps = (
        ([0, 1, 2, 3], lambda code, i: code ^ x[i]),
        ([0, 1, 2, 3], lambda code, i: code * 5 - x[i]),
        ([0, 1, 2, 3, 4, 5], lambda code, k: code * 3 + x[k // 3] * (k % 3)),
    )
    return Case(kernel, (x,), (_codes(steps),))


def _codes(steps: _Steps) -> Array:
    """The codes after each loop, in 32 bits."""
    code, found = np.array(0, np.int32), []
    for places, step in steps:
        for place in places:
            code = np.array(step(code, place)).astype(np.int32)
        found.append(code)
    return np.array(found, np.int32)


@program
def what_python_unrolls(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((6,), "int32")
        Y = T.empty((6,), "int32")
        rows = [2, 0, 1]
        with T.Kernel(1):
            for place, row in enumerate(rows):
                Y[place] = X[row] + place
            for place, row in zip((3, 4), (5, 3), strict=True):
                if row > 4:
                    Y[place] = X[row]
                else:
                    Y[place] = -X[row]
            total, last = X[0], X[1]
            for name, value in {"first": 2, "second": 3}.items():
                total = total + len(name) * X[value]
            Y[5] = total - last
        return Y

    x = source.integers((6,))
    total = x[0] + 5 * x[2] + 6 * x[3] - x[1]
    expected = [x[2], x[0] + 1, x[1] + 2, x[5], -x[3], total]
    return Case(kernel, (x,), (np.array(expected, np.int32),))


@program
def programs_that_persist(source: Source) -> Case:
    """Two programs share the tiles; a scheduler gives three workers theirs."""

    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4, 5), "int32")
        Y = T.empty((4, 5), "int32")
        Z = T.empty((4, 5), "int32")
        with T.Kernel(2) as worker:
            for i, j in T.Persistent([4, 5], 2, worker, 3):
                Y[i, j] = X[i, j] * 2
        with T.Kernel(3) as worker:
            tiles = T.PersistentTileScheduler(4, 5)
            tiles.init(worker)
            while tiles.valid():
                Z[tiles.m_idx, tiles.n_idx] = X[tiles.m_idx, tiles.n_idx] + 1
                tiles.next_tile()
        return Y, Z

    x = source.integers((4, 5))
    return Case(kernel, (x,), (x * 2, x + 1))


@program
def jumps_and_conditions(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((16,), "int32")
        Y = T.empty((4,), "int32")
        Z = T.empty((16,), "int32")
        with T.Kernel(1):
            found = T.alloc_var("int32", init=0)
            for i in T.serial(16):
                if X[i] < 0:
                    continue
                if X[i] > 7:
                    break
                found += X[i]
            Y[0] = found
            steps = T.alloc_var("int32", init=0)
            while steps < 16 and X[steps] != 8:
                steps += 1
            Y[1] = steps
            lowest = highest = X[3]
            Y[2] = lowest + highest if not (X[0] > 0 or X[1] > 0) else -1
            value: T.int8 = X[2] * 50
            Y[3] = value
            for i in T.Parallel(16):
                if -5 <= X[i] < 5:
                    Z[i] = 1
                elif X[i] >= 5:
                    Z[i] = 2
                else:
                    Z[i] = 3
        return Y, Z

    x = source.integers((16,), low=-9, high=8)
    x[11] = 8
    kept = x[:11][x[:11] >= 0].sum()
    sums = -1 if x[0] > 0 or x[1] > 0 else 2 * x[3]
    first = [kept, 11, sums, np.array(x[2] * 50).astype(np.int8)]
    kinds = np.where((x >= -5) & (x < 5), 1, np.where(x >= 5, 2, 3))
    return Case(kernel, (x,), (np.array(first, np.int32), kinds.astype(np.int32)))
