"""Programs whose blocks share elements; each result does not depend on their order."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program


@program
def updates_of_elements(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((6, 4), "int32")
        A = T.empty((5, 4), "int32")
        with T.Kernel(1):
            T.fill(A, 0)
        with T.Kernel(6) as block:
            for i in T.Parallel(4):
                T.atomic_add(A[0, i], X[block, i], memory_order="relaxed")
                T.atomic_max(A[1, i], X[block, i])
                T.atomic_min(A[2, i], X[block, i])
                T.atomic_or(A[3, i], X[block, i])
            T.atomic_add(T.access_ptr(A[4, 0], "rw"), 1)
            T.atomic_store(A[4, 1], 7)
        with T.Kernel(1):
            A[4, 2] = T.atomic_load(A[4, 0]) * 10
            A[4, 3] = T.atomic_add(A[4, 1], 3, return_prev=True)
        return A

    x = source.integers((6, 4))
    zero = np.zeros((1, 4), np.int32)
    with_zero = np.concatenate([x, zero])
    a = np.stack(
        [
            x.sum(0),
            with_zero.max(0),
            with_zero.min(0),
            np.bitwise_or.reduce(x, 0),
            np.array([6, 10, 60, 7]),
        ]
    )
    return Case(kernel, (x,), (a.astype(np.int32),))


@program
def updates_of_tiles(source: Source) -> Case:
    """Sums of small integers in floats are exact in every order."""

    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4, 6), "float32")
        S = T.empty((3, 6), "float32")
        with T.Kernel(1):
            T.clear(S)
        with T.Kernel(4) as block:
            row = T.alloc_shared((1, 6), "float32")
            T.copy(X[block, 0], row)
            T.atomic_add(S[0, 0], row)
            T.atomic_addx2(S[1, 2], row[0, 0:2])
            T.atomic_addx4(S[2, 1], row[0, 2:6])
        return S

    x = source.integers((4, 6)).astype(np.float32)
    total = x.sum(0)
    s = np.zeros((3, 6), np.float32)
    s[0] = total
    s[1, 2:4] = total[:2]
    s[2, 1:5] = total[2:]
    return Case(kernel, (x,), (s,))
