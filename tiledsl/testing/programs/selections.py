"""Programs of reducers, scans, patches, predicates, sorting."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program


@program
def reductions_of_bits(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((5, 6), "int32")
        Y = T.empty((5, 5), "int32")
        with T.Kernel(1):
            r = T.alloc_fragment((5,), "int32")
            T.reduce_bitand(X[0:5, 0:6], r)
            T.copy(r, Y[0, 0:5])
            T.reduce_bitor(X[0:5, 0:6], r)
            T.copy(r, Y[1, 0:5])
            T.reduce_bitxor(X[0:5, 0:6], r)
            T.copy(r, Y[2, 0:5])
            T.reduce_abssum(X[0:5, 0:6], r)
            T.copy(r, Y[3, 0:5])
            T.reduce_abssum(X[0:5, 0:6], r, clear=False)
            T.copy(r, Y[4, 0:5])
        return Y

    x = source.integers((5, 6), low=-99, high=99)
    total = abs(x).sum(1)
    ufuncs = (np.bitwise_and, np.bitwise_or, np.bitwise_xor)
    rows = [ufunc.reduce(x, axis=1) for ufunc in ufuncs]
    return Case(kernel, (x,), (np.array([*rows, total, 2 * total], np.int32),))


@program
def extremes_with_nan(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((3, 4), "float32")
        Y = T.empty((4, 3), "float32")
        with T.Kernel(1):
            r = T.alloc_fragment((3,), "float32")
            T.reduce_max(X[0:3, 0:4], r, nan_propagate=True)
            T.copy(r, Y[0, 0:3])
            T.reduce_min(X[0:3, 0:4], r, nan_propagate=False)
            T.copy(r, Y[1, 0:3])
            for i in T.Parallel(3):
                Y[2, i] = T.max(X[i, 0], X[i, 1], nan_propagate=True)
                Y[3, i] = T.min(X[i, 0], X[i, 1])
        return Y

    nan = np.nan
    x = np.array([[1, 2, 3, 4], [nan, 5, 6, 7], [8, 9, nan, -9]], np.float32)
    y = np.array([[4, nan, nan], [1, 5, -9], [2, nan, 9], [1, 5, 8]], np.float32)
    return Case(kernel, (x,), (y,))


@program
def reducers_of_both_forms(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4, 9), "int32")
        Y = T.empty((4,), "int32")
        Z = T.empty((4,), "int32")
        with T.Kernel(1):
            largest = T.alloc_reducer((4,), "int32", op="max")
            T.reducer_init(largest)
            total = T.alloc_reducer((4,), "int32", op="sum", replication="all")
            T.fill(total, 5)
            for i, j in T.Parallel(4, 9):
                T.reducer_update(largest[i], X[i, j])
                total[i] += X[i, j]
            T.finalize_reducer(largest, Y)
            T.finalize_reducer(total)
            T.copy(total, Z)
        return Y, Z

    x = source.integers((4, 9))
    return Case(kernel, (x,), (x.max(1), (5 + x.sum(1)).astype(np.int32)))


@program
def running_extremes(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((3, 7), "int32")
        Y = T.empty((3, 7), "int32")
        Z = T.empty((3, 7), "int32")
        with T.Kernel(1):
            x = T.alloc_shared((3, 7), "int32")
            T.copy(X, x)
            T.cummax(x, Y, dim=1)
            T.cumsum(x, dim=0, reverse=True)
            T.copy(x, Z)
        return Y, Z

    x = source.integers((3, 7))
    sums = np.flip(np.cumsum(np.flip(x, 0), 0), 0).astype(np.int32)
    return Case(kernel, (x,), (np.maximum.accumulate(x, 1), sums))


@program
def patches_of_an_image(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((1, 4, 5, 2), "int32")
        Y = T.empty((20, 18), "int32")
        with T.Kernel(3, 3) as (rows, columns):
            col = T.alloc_shared((8, 8), "int32")
            T.im2col(X, col, rows, columns, 3, 1, 1, 1)
            T.copy(col, Y[rows * 8, columns * 8])
        return Y

    x = source.integers((1, 4, 5, 2))
    padded = np.pad(x[0], ((1, 1), (1, 1), (0, 0)))
    patches = [padded[h : h + 3, w : w + 3] for h in range(4) for w in range(5)]
    return Case(kernel, (x,), (np.array(patches, np.int32).reshape(20, 18),))


@program
def predicates_of_tiles(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4, 5), "int32")
        Y = T.empty((4,), "int32")
        with T.Kernel(4) as row:
            code = T.alloc_var("int32", init=0)
            if T.any_of(X[row, 0:5]):
                code += 1
            if T.all_of(X[row, 0:5]):
                code += 2
            if T.any_of(X[row, 0] > 3, X[row, 1] > 3):
                code += 4
            if T.all_of(X[row, 0] > 3, X[row, 1] > 3):
                code += 8
            Y[row] = code
        return Y

    x = np.array([[0] * 5, [0, 9, 0, 0, 0], [4, 5, 6, 7, 8], [1] * 5], np.int32)
    return Case(kernel, (x,), (np.array([0, 5, 15, 3], np.int32),))


@program
def orders_of_elements(source: Source) -> Case:
    """Equal elements in the order of their positions."""

    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((3, 9), "int32")
        V = T.empty((3, 9), "int32")
        P = T.empty((3, 9), "int32")
        L = T.empty((3, 4), "int32")
        Q = T.empty((3, 4), "int32")
        with T.Kernel(1):
            x = T.alloc_shared((3, 9), "int32")
            T.copy(X, x)
            T.sort(x, V, P, descending=True)
            T.topk(x, L, Q, 4, largest=False)
        return V, P, L, Q

    x = source.integers((3, 9), low=-3, high=4)
    down = np.argsort(-x, axis=1, kind="stable")
    up = np.argsort(x, axis=1, kind="stable")[:, :4]
    return Case(
        kernel,
        (x,),
        (
            np.take_along_axis(x, down, 1),
            down.astype(np.int32),
            np.take_along_axis(x, up, 1),
            up.astype(np.int32),
        ),
    )


@program
def products_turned_by_name(source: Source) -> Case:
    """Operands turned by keyword; a maximum that starts from what is there."""

    @tiledsl.jit
    def kernel(A, B):
        A: T.Tensor((6, 5), "int8")
        B: T.Tensor((7, 6), "int8")
        C = T.empty((5, 7), "int32")
        M = T.empty((5,), "int32")
        with T.Kernel(1):
            T.gemm(A, B, C, transpose_A=True, transpose_B=True, clear_accum=True)
            largest = T.alloc_fragment((5,), "int32")
            T.fill(largest, 20)
            T.reduce_max(C, largest, dim=1, clear=False)
            T.copy(largest, M)
        return C, M

    a, b = source.integers((6, 5), np.int8), source.integers((7, 6), np.int8)
    c = a.T.astype(np.int32) @ b.T.astype(np.int32)
    return Case(kernel, (a, b), (c, np.maximum(c.max(1), 20)))
