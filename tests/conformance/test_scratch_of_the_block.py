"""Local arrays made outside ``T.Parallel``: one for the block, read by iterations (L40)."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.testing import runnable_backends


def scratch(X, way):
    X: T.Tensor((4,), "int32")
    Y = T.empty((64,), "int32")
    with T.Kernel(1):
        p = T.alloc_local((4,), "int32")
        if way == "fill":
            T.fill(p, 7)
        elif way == "copy":
            T.copy(X, p)
        else:
            for k in T.serial(4):
                p[k] = k * k
        for i in T.Parallel(64):
            Y[i] = p[i % 4]
    return Y


@pytest.mark.parametrize("backend", runnable_backends())
@pytest.mark.parametrize("way", ["fill", "copy", "loop"])
def test_iterations_read_scratch_of_the_block(backend: str, way: str) -> None:
    x = np.array([3, 1, 4, 1], np.int32)
    expected = {"fill": [7] * 4, "copy": x, "loop": [0, 1, 4, 9]}[way]
    found = tiledsl.jit(scratch, backend=backend)(x, way=way)
    np.testing.assert_array_equal(found, np.tile(expected, 16))
