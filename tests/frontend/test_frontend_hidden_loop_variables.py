"""A loop inside another may use the name of the outer loop's variable."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import KernelError


def test_the_inner_variable_hides_the_outer_one() -> None:
    @tiledsl.jit(backend="numpy")
    def kernel(X):
        X: T.Tensor((3, 4), "int32")
        with T.Kernel(1):
            row = T.alloc_fragment((4,), "int32")
            for i in T.serial(3):
                at = i * 1
                for i in T.Parallel(4):
                    row[i] = i
                for i, j in T.Parallel(1, 4):
                    X[at, j] = row[j] + 10 * i

    found = np.zeros((3, 4), np.int32)
    kernel(found)
    np.testing.assert_array_equal(found, [[0, 1, 2, 3]] * 3)


def test_the_outer_variable_is_not_read_after_the_inner_loop() -> None:
    @T.prim_func
    def kernel(X: T.Tensor((4,), "int32")):
        with T.Kernel(1):
            for i in T.serial(4):
                for i in T.serial(2):
                    X[i] = 0
                X[i] = 1

    with pytest.raises(KernelError, match="E0403"):
        _ = kernel.function
