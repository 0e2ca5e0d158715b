"""``T.async_copy``: a copy everywhere; checked mode wants somebody to wait (rule L63)."""

from __future__ import annotations

import linecache
from collections.abc import Callable

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T

BACKENDS = ["numpy", "llvm", "triton"]
X = np.arange(32, dtype=np.float32)
Body = Callable[..., None]


def waited(X):
    X: T.Tensor((32,), "float32")
    Y = T.empty((32,), "float32")
    with T.Kernel(2) as b:
        s = T.alloc_shared((2, 8), "float32")
        T.async_copy(X[b * 16], s[0, :])
        for k in T.serial(2):
            T.ptx_wait_group(0)
            if k == 0:
                T.async_copy(X[b * 16 + 8], s[1, :])
            for i in T.Parallel(8):
                Y[b * 16 + k * 8 + i] = s[k, i]
    return Y


def barrier(X):
    X: T.Tensor((32,), "float32")
    Y = T.empty((32,), "float32")
    with T.Kernel(1):
        s = T.alloc_shared((32,), "float32")
        T.async_copy(X, s)
        T.sync_threads()
        T.copy(s, Y)
    return Y


def threads(X):
    X: T.Tensor((32,), "float32")
    Y = T.empty((32,), "float32")
    with T.Kernel(1, threads=32):
        tx = T.get_thread_binding()
        s = T.alloc_shared((32,), "float32")
        T.async_copy(X, s)
        T.sync_threads()
        Y[tx] = s[tx]
    return Y


@pytest.mark.parametrize("program", [waited, barrier, threads])
def test_who_waits_hears_nothing(program: Body) -> None:
    kernel = tiledsl.jit(program)
    for backend in BACKENDS:
        np.testing.assert_array_equal(kernel(X, backend=backend), X)
    assert kernel.check(X).ok


def too_early(X):
    X: T.Tensor((32,), "float32")
    Y = T.empty((32,), "float32")
    with T.Kernel(1):
        s = T.alloc_shared((32,), "float32")
        T.async_copy(X, s)
        T.copy(s, Y)  # here
        T.ptx_wait_group(0)
    return Y


def one_element(X):
    X: T.Tensor((32,), "float32")
    Y = T.empty((32,), "float32")
    with T.Kernel(1):
        s = T.alloc_shared((32,), "float32")
        T.async_copy(X[0:8], s[8:16])
        T.copy(X[0:8], s[0:8])
        for i in T.Parallel(32):
            Y[i] = s[8] if i == 5 else s[0]  # here
        T.ptx_wait_group(0)
    return Y


def overwritten(X):
    X: T.Tensor((32,), "float32")
    Y = T.empty((32,), "float32")
    with T.Kernel(1):
        s = T.alloc_shared((32,), "float32")
        T.async_copy(X, s)
        s[3] = 1.0  # here
        T.ptx_wait_group(0)
        T.copy(s, Y)
    return Y


def started_twice(X):
    X: T.Tensor((32,), "float32")
    Y = T.empty((32,), "float32")
    with T.Kernel(1):
        s = T.alloc_shared((32,), "float32")
        T.async_copy(X, s)
        T.async_copy(X, s)  # here
        T.ptx_wait_group(0)
        T.copy(s, Y)
    return Y


def never_waited(X):
    X: T.Tensor((32,), "float32")
    Y = T.empty((32,), "float32")
    with T.Kernel(1):
        s = T.alloc_shared((32,), "float32")
        T.copy(X, Y)
        T.async_copy(X, s)  # here
    return Y


def printed(X):
    X: T.Tensor((32,), "float32")
    Y = T.empty((32,), "float32")
    with T.Kernel(1):
        s = T.alloc_shared((32,), "float32")
        T.async_copy(X, s)
        T.device_assert(s[1] == 1)  # here
        T.ptx_wait_group(0)
        T.copy(s, Y)
    return Y


@pytest.mark.parametrize(
    ("program", "kind", "count"),
    [
        (too_early, "read", 32),
        (one_element, "read", 1),
        (overwritten, "write", 1),
        (started_twice, "write", 32),
        (never_waited, "left", 1),
        (printed, "read", 1),
    ],
)
def test_who_does_not_wait_is_told_where(program: Body, kind: str, count: int) -> None:
    kernel = tiledsl.jit(program)
    (found,) = kernel.check(X).errors
    assert (found.code, found.kind, found.count) == ("E5024", kind, count)
    assert "# here" in linecache.getline(found.span.file, found.span.line)
    assert found.samples[0].block == (0,)
    assert "T.ptx_wait_group" in str(found)
    kernel(X)  # elsewhere waiting is implied


def test_waits_without_copies_leave_no_trace() -> None:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((32,), "float32")
        Y = T.empty((32,), "float32")
        with T.Kernel(1):
            T.copy(X, Y)
            T.ptx_commit_group()
            T.ptx_wait_group(0)
            T.sync_threads()
        return Y

    assert "wait" not in kernel.compile().source("trace")
