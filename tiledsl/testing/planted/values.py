"""Defects of values: arithmetic, indices, conversions, conditions that do not hold."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.planted.defect import Defect, planted

_X = np.arange(4, dtype=np.float32)
_N = np.array([5, 3, 4, 2], np.int32)


@planted
def division_by_zero() -> Defect:
    @tiledsl.jit
    def kernel(N):
        N: T.Tensor((4,), "int32")
        Y = T.empty((4,), "int32")
        with T.Kernel(1):
            for k in T.serial(2):
                for i in T.Parallel(4):
                    Y[i] = 10 // N[i] + k  # planted
        return Y

    loops = (("k", 0), ("i", 2))
    faulty = np.array([5, 3, 0, 2], np.int32)
    return Defect("arithmetic", "E5016", kernel, (faulty,), (_N,), 2, (0,), loops)


@planted
def index_wraps_around() -> Defect:
    @tiledsl.jit
    def kernel(X, N):
        X: T.Tensor((4,), "float32")
        N: T.Tensor((4,), "int32")
        Y = T.empty((4,), "float32")
        with T.Kernel(4) as b:
            place = T.alloc_var("int32", init=0)
            place = N[b] * N[b]  # planted
            Y[b] = X[place % 4]
        return Y

    faulty = np.array([5, 3, 4, 1 << 20], np.int32)
    return Defect("index", "E5017", kernel, (_X, faulty), (_X, _N), 1, (3,))


@planted
def first_nan() -> Defect:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float32")
        with T.Kernel(1):
            for i in T.Parallel(4):
                Y[i] = T.sqrt(X[i])  # planted
        return Y

    faulty = np.array([1, 2, -1, -2], np.float32)
    loops = (("i", 2),)
    return Defect("not a number", "E5018", kernel, (faulty,), (_X,), 2, (0,), loops)


@planted
def lossy_conversion() -> Defect:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float8_e4m3fn")
        with T.Kernel(4) as b:
            Y[b] = X[b]  # planted
        return Y

    faulty = np.array([1, 500, -900, 2], np.float32)
    return Defect("conversion", "E5020", kernel, (faulty,), (_X,), 2, (1,))


@planted
def failing_assertion() -> Defect:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float32")
        with T.Kernel(1):
            for i in T.Parallel(4):
                T.device_assert(X[i] >= 0, "not negative")  # planted
                Y[i] = X[i]
        return Y

    faulty = np.array([1, -2, -1, 2], np.float32)
    loops = (("i", 1),)
    return Defect("assertion", "E5022", kernel, (faulty,), (_X,), 2, (0,), loops)


@planted
def failing_assumption() -> Defect:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float32")
        with T.Kernel(2) as b:
            T.assume(X[2 * b] < 3, "small")  # planted
            T.copy(X[2 * b : 2 * b + 2], Y[2 * b])
        return Y

    faulty = np.array([1, 2, 7, 2], np.float32)
    return Defect("assumption", "E5023", kernel, (faulty,), (_X,), 1, (1,))


@planted
def divergent_barrier() -> Defect:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float32")
        with T.Kernel(1, threads=4):
            tx = T.get_thread_binding()
            if X[tx] >= 0:
                T.sync_threads()  # planted
            Y[tx] = X[tx]
        return Y

    faulty = np.array([1, -2, -1, 2], np.float32)
    return Defect("barrier", "E5023", kernel, (faulty,), (_X,), 1)


@planted
def order_of_blocks() -> Defect:
    @tiledsl.jit
    def kernel(X, step):
        X: T.Tensor((4,), "float32")  # planted
        step: T.int32
        with T.Kernel(4) as b:
            X[b * step] = b

    first, second = np.zeros(4, np.float32), np.zeros(4, np.float32)
    return Defect("order of blocks", "E5021", kernel, (first, 0), (second, 1), 2, None)
