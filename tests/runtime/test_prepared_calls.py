"""Prepared calls: checked once, then as good as any other call."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import ArgumentError


@tiledsl.jit
def scaled(X, Y, factor):
    N = T.dynamic("N")
    X: T.Tensor((N,), "float32")
    Y: T.Tensor((N,), "float32")
    factor: T.float32
    with T.Kernel(T.ceildiv(N, 16), threads=32) as bx:
        for i in T.Parallel(16):
            Y[bx * 16 + i] = X[bx * 16 + i] * factor


@tiledsl.jit
def squares(X):
    N = T.dynamic("N")
    X: T.Tensor((N,), "float32")
    Y = T.empty((N,), "float32")
    with T.Kernel(T.ceildiv(N, 16), threads=32) as bx:
        for i in T.Parallel(16):
            Y[bx * 16 + i] = X[bx * 16 + i] * X[bx * 16 + i]
    return Y


@tiledsl.jit
def lazy(n=4):
    @T.prim_func
    def main(X: T.Tensor((n,), "float32")):
        with T.Kernel(1, threads=1) as _:
            X[0] = 1.0

    return main


@pytest.fixture(params=["llvm", "numpy"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TILEDSL_BACKEND", request.param)
    return str(request.param)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("size", [0, 5, 16, 1000])
def test_content_is_read_at_each_call(size: int) -> None:
    x, y = np.arange(size, dtype=np.float32), np.zeros(size, np.float32)
    call = scaled.compile(x, y).prepare(x, y, 3.0)
    for step in range(3):
        x += step
        assert call() in (None, [])
        np.testing.assert_array_equal(y, 3 * x)


@pytest.mark.usefixtures("backend")
def test_outputs_are_the_same_arrays_again() -> None:
    x = np.arange(40, dtype=np.float32)
    call = squares.prepare(x)
    first = call()
    np.testing.assert_array_equal(first, x * x)
    x += 1
    assert call() is first
    np.testing.assert_array_equal(first, x * x)


def test_memory_is_kept() -> None:
    calls = [squares.prepare(np.full(1000, k, np.float32)) for k in range(20)]
    for k, call in enumerate(calls):
        np.testing.assert_array_equal(call(), np.full(1000, k * k, np.float32))


def test_arguments_are_checked_when_it_is_prepared() -> None:
    x = np.zeros(4, np.float32)
    with pytest.raises(ArgumentError, match="E1012"):
        scaled.prepare(x, x, 1.0)
    with pytest.raises(ArgumentError, match="E0617"):
        lazy.prepare(n=3)


def test_from_several_threads_at_once() -> None:
    x, y = np.arange(5000, dtype=np.float32), np.zeros(5000, np.float32)
    call = scaled.prepare(x, y, 2.0)
    threads = [
        threading.Thread(target=lambda: [call() for _ in range(50)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(y, 2 * x)
