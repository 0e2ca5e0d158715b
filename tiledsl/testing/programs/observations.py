"""Programs that look at their own run: assertions, assumptions, printing."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program


@program
def assertions_that_hold(source: Source) -> Case:
    @tiledsl.jit(asserts=True)
    def kernel(X):
        n = T.dynamic("n")
        X: T.Tensor((n,), "int32")
        Y = T.empty((n,), "int32")
        T.assume(n % 4 == 0, "whole tiles")
        with T.Kernel(n // 4) as block:
            for i in T.Parallel(4):
                value = X[block * 4 + i]
                T.device_assert(value > -100, "too small")
                assert value < 100, "too large"
                Y[block * 4 + i] = value * 2
        return Y

    x = source.integers((12,))
    return Case(kernel, (x,), (x * 2,))


@program
def values_printed(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((2, 3), "int32")
        Y = T.empty((2, 3), "int32")
        with T.Kernel(2) as block:
            row = T.alloc_shared((3,), "int32")
            T.copy(X[block, 0:3], row)
            T.print(row, "row")
            T.print(row[0] + row[2])
            T.copy(row, Y[block, 0:3])
        return Y

    x = np.arange(6, dtype=np.int32).reshape(2, 3)
    printed = (
        "block (0,): row [0, 1, 2]\nblock (0,): 2\n"
        "block (1,): row [3, 4, 5]\nblock (1,): 8\n"
    )
    return Case(kernel, (x,), (x,), printed=printed)
