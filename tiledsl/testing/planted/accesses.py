"""Defects of accesses: bounds, undefined elements, races, copies."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.planted.defect import Defect, planted

_X = np.arange(16, dtype=np.float32)


def _places(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


@planted
def out_of_bounds() -> Defect:
    @tiledsl.jit
    def kernel(X, At):
        X: T.Tensor((16,), "float32")
        At: T.Tensor((4,), "int32")
        Y = T.empty((4,), "float32")
        with T.Kernel(4) as b:
            Y[b] = X[At[b]]  # planted
        return Y

    faulty, clean = _places(1, -3, 99, 2), _places(1, 3, 9, 2)
    return Defect("bounds", "E5010", kernel, (_X, faulty), (_X, clean), 2, (1,))


@planted
def undefined_element() -> Defect:
    @tiledsl.jit
    def kernel(X, count):
        X: T.Tensor((16,), "float32")
        count: T.int32
        Y = T.empty((16,), "float32")
        with T.Kernel(1):
            s = T.alloc_shared((16,), "float32")
            for i in T.Parallel(count):
                s[i] = X[i]
            for j in T.Parallel(16):
                Y[j] = s[j]  # planted
        return Y

    loops = (("j", 13),)
    return Defect("undefined", "E5011", kernel, (_X, 13), (_X, 16), 3, (0,), loops)


@planted
def race_between_blocks() -> Defect:
    @tiledsl.jit
    def kernel(X, step):
        X: T.Tensor((16,), "float32")
        step: T.int32
        with T.Kernel(4) as b:
            X[b * step] = b  # planted

    def fresh() -> np.ndarray:
        return _X.copy()

    return Defect(
        "race between blocks", "E5012", kernel, (fresh(), 0), (fresh(), 4), 3, (1,)
    )


@planted
def race_between_iterations() -> Defect:
    @tiledsl.jit
    def kernel(X, step):
        X: T.Tensor((16,), "float32")
        step: T.int32
        Y = T.empty((16,), "float32")
        with T.Kernel(1):
            s = T.alloc_shared((16,), "float32")
            T.copy(X, s)
            for i in T.Parallel(4):
                s[i * step] = X[i]  # planted
            T.copy(s, Y)
        return Y

    loops = (("i", 0),)
    return Defect(
        "race between iterations", "E5013", kernel, (_X, 0), (_X, 2), 4, (0,), loops
    )


@planted
def overlapping_copy() -> Defect:
    @tiledsl.jit
    def kernel(X, at):
        X: T.Tensor((16,), "float32")
        at: T.int32
        with T.Kernel(1):
            T.copy(X[0:4], X[at : at + 4])  # planted

    return Defect("overlap", "E5014", kernel, (_X.copy(), 2), (_X.copy(), 8), 1)


@planted
def asynchronous_copy() -> Defect:
    @tiledsl.jit
    def kernel(X, wait):
        X: T.Tensor((16,), "float32")
        wait: T.int32
        Y = T.empty((16,), "float32")
        with T.Kernel(2) as b:
            s = T.alloc_shared((8,), "float32")
            T.async_copy(X[b * 8], s)
            if wait > 0:
                T.ptx_wait_group(0)
            for i in T.Parallel(8):
                Y[b * 8 + i] = s[i]  # planted
            T.ptx_wait_group(0)
        return Y

    loops = (("i", 0),)
    return Defect(
        "asynchronous copy", "E5024", kernel, (_X, 0), (_X, 1), 16, (0,), loops
    )


@planted
def unwritten_output() -> Defect:
    @tiledsl.jit
    def kernel(X, count):
        X: T.Tensor((16,), "float32")
        count: T.int32
        Y = T.empty((16,), "float32")  # planted
        with T.Kernel(count) as b:
            Y[b] = X[b]
        return Y

    return Defect("unwritten", "E5019", kernel, (_X, 14), (_X, 16), 2, None)
