"""Constants keep their bits in generated source."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T


@tiledsl.jit
def negative_zeros(X, dtype):
    N = T.dynamic("N")
    X: T.Tensor((N,), dtype)
    Y = T.empty((N,), dtype)
    with T.Kernel(1):
        for i in T.Parallel(4):
            Y[i] = -0.0 if X[i] < 2 else X[i]
    return Y


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_negative_zero_keeps_its_sign(dtype: str) -> None:
    x = np.array([0, 1, 2, 3], dtype)
    y = negative_zeros(x, dtype=dtype, backend="triton")
    assert np.signbit(y).tolist() == [True, True, False, False]
    assert y.tolist() == [0, 0, 2, 3]
