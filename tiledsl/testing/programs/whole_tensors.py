"""Programs of statements on whole tensors, outside of every launch."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program


@program
def whole_tensor_arithmetic(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B):
        m, k, n = T.dynamic("m, k, n")
        A: T.Tensor((m, k), "int8")
        B: T.Tensor((n, k), "int8")
        Y = T.empty((m, n), "int32")
        S = T.empty((n,), "int32")
        sums = T.alloc_global((m, n), "int32")
        with T.tile_hint(8, T.tunable("columns", [8, 16]), reduce=4):
            T.gemm(A, B, sums, transpose_B=True, clear_accum=True)
            for i, j in T.Parallel(m, n):
                Y[i, j] = T.max(sums[i, j] + i, 0)
        T.reduce_sum(Y, S, dim=0)
        return Y, S

    a, b = source.integers((13, 7), np.int8), source.integers((9, 7), np.int8)
    products = a.astype(np.int32) @ b.T.astype(np.int32)
    y = np.maximum(products + np.arange(13)[:, None], 0).astype(np.int32)
    return Case(kernel, (a, b), (y, y.sum(0, dtype=np.int32)))


@program
def whole_tensor_movements(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        m, n = T.dynamic("m, n")
        X: T.Tensor((m, n), "int32")
        C = T.empty((m, n), "int32")
        D = T.empty((n, m), "int32")
        E = T.empty((m, n), "int32")
        F = T.empty((m, n), "int32")
        G = T.empty((m, 2), "int32")
        T.copy(X, C)
        T.transpose(C, D)
        T.cumsum(X, E, dim=1)
        T.cummax(X, F, dim=0, reverse=True)
        T.fill(G, 3)
        T.clear(G[:, 1:2])
        return C, D, E, F, G

    x = source.integers((11, 6))
    last = np.flip(np.maximum.accumulate(np.flip(x, 0), 0), 0)
    return Case(
        kernel,
        (x,),
        (
            x,
            np.ascontiguousarray(x.T),
            np.cumsum(x, 1, dtype=np.int32),
            np.ascontiguousarray(last),
            np.tile(np.array([3, 0], np.int32), (11, 1)),
        ),
    )
