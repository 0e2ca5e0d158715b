"""Barriers that data keep some threads from: checked mode reports them (rule L78)."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T

SIZE = 32


@tiledsl.jit
def exchanged(X, limit: T.float32):
    X: T.Tensor((SIZE,), "float32")
    Y = T.empty((SIZE,), "float32")
    with T.Kernel(1, threads=SIZE):
        tx = T.get_thread_binding()
        s = T.alloc_shared((SIZE,), "float32")
        s[tx] = X[tx]
        if X[tx] >= limit:
            T.sync_threads()
        Y[tx] = s[SIZE - 1 - tx]
    return Y


@tiledsl.jit
def some_return(X, limit: T.float32):
    X: T.Tensor((SIZE,), "float32")
    Y = T.empty((SIZE,), "float32")
    with T.Kernel(1, threads=SIZE):
        tx = T.get_thread_binding()
        Y[tx] = X[tx]
        if X[tx] < 4:
            T.thread_return()
        if X[tx] >= limit:
            T.sync_threads()
        Y[tx] = -X[tx]
    return Y


X = np.arange(SIZE, dtype=np.float32)


@pytest.mark.parametrize("limit", [0, SIZE])
def test_all_threads_or_none(limit: int) -> None:
    assert exchanged.check(X, limit).ok


def test_only_some() -> None:
    (found,) = exchanged.check(X, 5).errors
    assert (found.code, found.count) == ("E5023", 1)
    assert "a barrier that only some of its threads reach" in str(found)
    assert "T.sync_threads()" in str(found)
    assert found.samples[0].block == (0,)


@pytest.mark.parametrize(("limit", "good"), [(0, True), (4, True), (5, False)])
def test_threads_that_returned_do_not_count(limit: int, good: bool) -> None:
    assert some_return.check(X, limit).ok == good


@pytest.mark.parametrize("backend", ["numpy", "llvm", "triton"])
def test_results_do_not_depend_on_it(backend: str) -> None:
    np.testing.assert_array_equal(exchanged(X, 5, backend=backend), X[::-1])
    expected = np.where(X < 4, X, -X)
    np.testing.assert_array_equal(some_return(X, 5, backend=backend), expected)


def test_compiled_code_does_not_ask() -> None:
    final = exchanged.compile().source("final", backend="llvm")
    assert "votes" not in final
