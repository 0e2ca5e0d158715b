"""Assertions, prints and asynchronous copies in thread code, on every backend (L72)."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import CheckError, UnsupportedByTarget


def prints(X):
    X: T.Tensor((32,), "int32")
    with T.Kernel(1, threads=32):
        tx = T.get_thread_binding()
        s = T.alloc_shared((4,), "int32")
        p = T.alloc_local((2,), "int32")
        T.fill(s, 3)
        p[0] = 1
        p[1] = tx
        T.assume(tx < 32)
        if tx == 5:
            T.print(X[tx], "one")
            T.print(p, "mine")
        if tx > 30:
            T.print(s, "tile")
        X[tx] = s[tx % 4]


def test_prints_of_threads_and_of_the_block(run, capsys):
    x = np.arange(32, dtype=np.int32)
    run(prints, x)
    np.testing.assert_array_equal(x, 3)
    text = capsys.readouterr().out
    ends = [line.split(": ", 1)[1] for line in text.splitlines()]
    assert sorted(ends) == ["mine 1", "mine 5", "one 5", "tile [3, 3, 3, 3]"]


def copies(X):
    X: T.Tensor((64,), "int32")
    with T.Kernel(1, threads=64):
        tx = T.get_thread_binding()
        s = T.alloc_shared((64,), "int32")
        T.async_copy(X, s)
        T.ptx_wait_group(0)
        T.sync_threads()
        X[tx] = s[63 - tx]


def test_asynchronous_copies(run, numbers):
    x = numbers(64)
    expected = x[::-1].copy()
    run(copies, x)
    np.testing.assert_array_equal(x, expected)
    assert tiledsl.jit(copies, backend="numpy").check(x).ok


def asserts(X):
    X: T.Tensor((32,), "int32")
    with T.Kernel(1, threads=32):
        tx = T.get_thread_binding()
        if tx % 2 == 0:
            T.device_assert(X[tx] < 28, "too large")


def test_assertions_say_which_thread():
    x = np.arange(32, dtype=np.int32)
    with pytest.raises(CheckError) as caught:
        tiledsl.jit(asserts, backend="numpy")(x)
    assert "too large" in str(caught.value)
    assert "tx = 28" in str(caught.value) and "tx = 29" not in str(caught.value)


def sorts(X):
    X: T.Tensor((32, 4), "int32")
    with T.Kernel(1, threads=32):
        tx = T.get_thread_binding()
        row, ids = T.alloc_local((4,), "int32"), T.alloc_local((4,), "int32")
        T.copy(X[tx, 0:4], row)
        T.sort(row, None, ids)


def test_a_sort_by_each_thread_is_refused():
    with pytest.raises(UnsupportedByTarget, match="one thread"):
        tiledsl.jit(sorts, backend="numpy").compile()
