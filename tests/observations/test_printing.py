"""``T.print``: the same lines on every backend, through Python's ``sys.stdout``."""

from __future__ import annotations

import threading
from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import KernelError, TileWarning
from tiledsl.passes.record_observations import LOG_WORDS

BACKENDS = ["numpy", "llvm", "triton"]
COMPILED = ["llvm", "triton"]
Captured = pytest.CaptureFixture[str]


def printing(X):
    n = T.dynamic("n")
    X: T.Tensor((n, 8), "float32")
    Y = T.empty((n, 8), "float32")
    with T.Kernel(n, 2) as (b, c):
        s = T.alloc_shared((8,), "float32")
        T.copy(X[b, :], s)
        if c == 0:
            T.print(s)
        T.print(X[b, 2:5], "part")
        T.print(b * 2 + c)
        for k in T.serial(4, 0, -2):
            T.print(k, "k")
            for i in T.Parallel(8):
                if s[i] > 5:
                    T.print(s[i] * 0.1, "scaled")
        for i in T.Parallel(8):
            if c == 0:
                Y[b, i] = s[i]
        T.print(Y[b, 0] if c == 0 else 7.5, "last")
    return Y


X = np.arange(24, dtype=np.float32).reshape(3, 8) / 3


def test_what_is_printed(capsys: Captured) -> None:
    tiledsl.jit(printing)(X[:1] * 3, backend="numpy")
    assert capsys.readouterr().out.splitlines() == [
        "block (0, 0): s [0., 1., 2., 3., 4., 5., 6., 7.]",
        "block (0, 0): part [2., 3., 4.]",
        "block (0, 0): 0",
        "block (0, 0), k = 4: k 4",
        "block (0, 0), k = 4, i = 6: scaled 0.6",
        "block (0, 0), k = 4, i = 7: scaled 0.7",
        "block (0, 0), k = 2: k 2",
        "block (0, 0), k = 2, i = 6: scaled 0.6",
        "block (0, 0), k = 2, i = 7: scaled 0.7",
        "block (0, 0): last 0.0",
        "block (0, 1): part [2., 3., 4.]",
        "block (0, 1): 1",
        "block (0, 1), k = 4: k 4",
        "block (0, 1), k = 4, i = 6: scaled 0.6",
        "block (0, 1), k = 4, i = 7: scaled 0.7",
        "block (0, 1), k = 2: k 2",
        "block (0, 1), k = 2, i = 6: scaled 0.6",
        "block (0, 1), k = 2, i = 7: scaled 0.7",
        "block (0, 1): last 7.5",
    ]


@pytest.mark.parametrize("backend", COMPILED)
def test_compiled_code_prints_the_same(capsys: Captured, backend: str) -> None:
    kernel = tiledsl.jit(printing)
    kernel(X, backend="numpy")
    expected = capsys.readouterr().out
    y = kernel(X, backend=backend)
    assert capsys.readouterr().out == expected
    np.testing.assert_array_equal(y, X)


VALUES: dict[str, np.ndarray] = {
    "float32": np.array([np.nan, np.inf, -0.0, 1e-45], np.float32),
    "float64": np.array([0.1, -np.inf, 1e300, -5e-324]),
    "float16": np.array([0.1, 65504, -6e-8, np.nan], np.float16),
    "bfloat16": np.array([0.1, 1e38, -0.0, 3], ml_dtypes.bfloat16),
    "float8_e4m3fn": np.array([0.1, 448, -0.0, 3], ml_dtypes.float8_e4m3fn),
    "int8": np.array([-128, 127, 0, 5], np.int8),
    "uint64": np.array([2**64 - 1, 2**63, 0, 5], np.uint64),
    "int64": np.array([-(2**63), 2**63 - 1, 0, 5], np.int64),
    "bool": np.array([True, False, True, True]),
}


@pytest.mark.parametrize("dtype", VALUES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_dtype(capsys: Captured, backend: str, dtype: str) -> None:
    @tiledsl.jit(backend=backend)
    def kernel(X):
        X: T.Tensor((4,), dtype)
        Y = T.empty((4,), dtype)
        with T.Kernel(1):
            T.print(X)
            T.copy(X, Y)
            for i in T.Parallel(4):
                T.print(X[i])
        return Y

    kernel(VALUES[dtype])
    values = VALUES[dtype]
    tile = np.array2string(values, separator=", ")
    between = "\n" if "\n" in tile else " "
    expected = f"block (0,): X{between}{tile}\n"
    expected += "".join(f"block (0,), i = {i}: {values[i]!s}\n" for i in range(4))
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize("backend", BACKENDS)
def test_tiles_that_overhang_have_run_time_extents_and_lines(
    capsys: Captured, backend: str
) -> None:
    @tiledsl.jit(backend=backend)
    def kernel(X):
        n = T.dynamic("n")
        X: T.Tensor((n, 2), "int32")
        Y = T.empty((n,), "int32")
        with T.Kernel(1):
            T.print(X[n - 1 : n + 1, :], "over")
            T.print(X[:, 0])
            for i in T.Parallel(n):
                Y[i] = X[i, 0]
        return Y

    kernel(np.arange(6, dtype=np.int32).reshape(3, 2))
    assert capsys.readouterr().out.splitlines() == [
        "block (0,): over", "[[4, 5],", " [0, 0]]", "block (0,): X [0, 2, 4]",
    ]  # fmt: skip


@pytest.mark.parametrize("backend", COMPILED)
def test_what_does_not_fit_is_not_lost_in_silence(
    capsys: Captured, backend: str
) -> None:
    @tiledsl.jit(backend=backend)
    def kernel(X):
        n = T.dynamic("n")
        X: T.Tensor((n,), "int8")
        Y = T.empty((1,), "int8")
        with T.Kernel(1):
            T.print(X[0], "first")
            T.print(X, "all")
            T.print(X[1], "after")
            Y[0] = X[0]
        return Y

    x = np.zeros(LOG_WORDS, np.int8)
    with pytest.warns(TileWarning, match="W5032 kernel prints more"):
        kernel(x)
    assert capsys.readouterr().out == "block (0,): first 0\n"
    kernel(x[:4])
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_text_alone(capsys: Captured, backend: str) -> None:
    @tiledsl.jit(backend=backend)
    def kernel(X):
        X: T.Tensor((3,), "float32")
        Y = T.empty((3,), "float32")
        with T.Kernel(1):
            T.print(msg="begin")
            for i in T.Parallel(3):
                if X[i] > 1:
                    T.print(msg="large")
                T.evaluate(X[i])
                Y[i] = X[i]
            T.print(X[1], "end")
        return Y

    kernel(np.array([1, 2, 0], np.float32))
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "block (0,): begin",
        "block (0,), i = 1: large",
        "block (0,): end 2.0",
    ]


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_launches_keep_their_order(capsys: Captured, backend: str) -> None:
    @tiledsl.jit(backend=backend)
    def kernel(X):
        X: T.Tensor((2,), "int32")
        Y = T.empty((2,), "int32")
        with T.Kernel(2) as b:
            T.print(X[b], "one")
            Y[b] = X[b]
        with T.Kernel(2) as b:
            T.print(Y[b], "two")
            Y[b] = Y[b] + 1
        return Y

    kernel(np.array([5, 6], np.int32))
    words = [line.split(": ")[1] for line in capsys.readouterr().out.splitlines()]
    assert words == ["one 5", "one 6", "two 5", "two 6"]


def test_calls_from_several_threads_print_all_they_have(capsys: Captured) -> None:
    @tiledsl.jit(backend="llvm")
    def kernel(X):
        X: T.Tensor((64,), "int32")
        Y = T.empty((64,), "int32")
        with T.Kernel(64) as b:
            T.print(X[b])
            Y[b] = X[b]
        return Y

    kernel(np.zeros(64, np.int32))
    capsys.readouterr()
    arrays = [np.arange(64, dtype=np.int32) + 64 * k for k in range(4)]
    threads = [threading.Thread(target=kernel, args=(array,)) for array in arrays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = capsys.readouterr().out.splitlines()
    assert sorted(int(line.split()[-1]) for line in lines) == list(range(256))


def test_in_checked_mode_it_prints_once(capsys: Captured) -> None:
    kernel = tiledsl.jit(printing)
    kernel(X, backend="numpy")
    expected = capsys.readouterr().out
    assert kernel.check(X).ok
    assert capsys.readouterr().out == expected


def refused(body: Callable[..., None], text: str) -> None:
    with pytest.raises(KernelError, match=text):
        tiledsl.jit(body)(np.ones(4, np.float32))


def test_mistakes() -> None:
    def tile_in_parallel(X):
        X: T.Tensor((4,), "float32")
        with T.Kernel(1):
            for i in T.Parallel(4):
                T.print(X)
                X[i] = 0

    def text_alone(X):
        X: T.Tensor((4,), "float32")
        with T.Kernel(1):
            T.print("here")
            X[0] = 0

    def no_text(X):
        X: T.Tensor((4,), "float32")
        with T.Kernel(1):
            T.print(X, 3)
            X[0] = 0

    refused(tile_in_parallel, "E0210 .*inside T.Parallel")
    refused(text_alone, "E0209 .*text alone")
    refused(no_text, "E0209 .*message of T.print")
