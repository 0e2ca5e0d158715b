"""Tiles from T.alloc_local keep what tile operations and sequential loops write.

Only what the iterations of a T.Parallel write is private to each of them (rule L56).
"""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.testing import runnable_backends

N = 12
every_backend = pytest.mark.parametrize("backend", runnable_backends())


@every_backend
def test_a_product_in_local_tiles(backend: str) -> None:
    @T.prim_func
    def product(
        A: T.Tensor((N, 8), "int32"),
        B: T.Tensor((8, N), "int32"),
        C: T.Tensor((N, N), "int32"),
    ):
        with T.Kernel(1):
            a = T.alloc_local((N, 8), "int32")
            b = T.alloc_local((8, N), "int32")
            c = T.alloc_local((N, N), "int32")
            T.clear(c)
            T.copy(A, a)
            T.copy(B, b)
            for i, j, k in T.grid(N, N, 8):
                c[i, j] += a[i, k] * b[k, j]
            T.copy(c, C)

    a = np.arange(N * 8, dtype=np.int32).reshape(N, 8)
    kernel = tiledsl.compile(product, out_idx=-1, backend=backend)
    np.testing.assert_array_equal(kernel(a, a.T.copy()), a @ a.T)


@every_backend
def test_scratch_of_each_iteration_does_not_mix(backend: str) -> None:
    """Written before it is read, at the same elements by all iterations."""

    @T.prim_func
    def kernel(X: T.Tensor((N, 2), "int32"), Y: T.Tensor((N,), "int32")):
        with T.Kernel(1):
            pair = T.alloc_local((2,), "int32")
            for i in T.Parallel(N):
                for k in T.serial(2):
                    pair[k] = X[i, k]
                Y[i] = pair[0] * 10 + pair[1]

    x = np.arange(2 * N, dtype=np.int32).reshape(N, 2)
    got = tiledsl.compile(kernel, out_idx=-1, backend=backend)(x)
    np.testing.assert_array_equal(got, x[:, 0] * 10 + x[:, 1])
