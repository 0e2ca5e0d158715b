"""``T.assume``: verified by calls and in checked mode, relied on by proofs (rule L72)."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import ArgumentError

BACKENDS = ["numpy", "llvm", "triton"]


@tiledsl.jit
def tiles(X, step: T.int32, inside=True):
    n = T.dynamic("n")
    X: T.Tensor((n,), "float32")
    Y = T.empty((n,), "float32")
    if not inside:
        T.assume(n % 8 == 0, "whole tiles")
    with T.Kernel(T.ceildiv(n, 8)) as b:
        if inside:
            whole = n % 8
            T.assume(whole == 0, "whole tiles")
        T.assume(step > 0)
        for i in T.Parallel(8):
            Y[b * 8 + i] = X[b * 8 + i] + step
    return Y


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("inside", [True, False])
def test_every_call_verifies_dims_and_scalars(backend: str, inside: bool) -> None:
    x = np.arange(16, dtype=np.float32)
    np.testing.assert_array_equal(tiles(x, 2, inside=inside, backend=backend), x + 2)
    with pytest.raises(ArgumentError, match=r"E1024 whole tiles.*got n = 9") as caught:
        tiles(x[:9], 2, inside=inside, backend=backend)
    assert caught.value.span is not None and caught.value.span.file == __file__
    with pytest.raises(ArgumentError, match=r"E1024 .*step > 0.*got step = 0"):
        tiles(x, 0, inside=inside, backend=backend)
    tiles(x, 1, inside=inside, backend=backend)  # a failed call leaves nothing behind


def test_proofs_rely_on_it() -> None:
    def final(assumed: bool) -> str:
        @tiledsl.jit
        def copied(X):
            n = T.dynamic("n")
            X: T.Tensor((n,), "float32")
            Y = T.empty((n,), "float32")
            if assumed:
                T.assume(n % 8 == 0)
            with T.Kernel(T.ceildiv(n, 8)) as b:
                for i in T.Parallel(8):
                    Y[b * 8 + i] = X[b * 8 + i] + 1
            return Y

        return copied.compile().source("final", backend="llvm")

    assert "Y[!" in final(True)
    assert "Y[!" not in final(False)


@pytest.mark.parametrize("backend", BACKENDS)
def test_promises_about_data_are_verified_in_checked_mode_only(backend: str) -> None:
    @tiledsl.jit
    def gathered(X, At):
        n, m = T.dynamic("n, m")
        X: T.Tensor((n,), "float32")
        At: T.Tensor((m,), "int32")
        Y = T.empty((m,), "float32")
        with T.Kernel(1):
            for i in T.Parallel(m):
                T.assume(At[i] < n, "inside")
                Y[i] = X[At[i]]
        return Y

    x, at = np.ones(4, np.float32), np.array([0, 3, 9], np.int32)
    # no guard is removed: what is outside still reads as 0
    np.testing.assert_array_equal(gathered(x, at, backend=backend), [1, 1, 0])
    report = gathered.check(x, at)
    codes = {found.code: found for found in report.errors}
    assert codes["E5023"].count == 1
    assert codes["E5023"].samples[0].loops == (("i", 2),)
    assert "E5010" in codes


def test_a_promise_in_a_branch_is_no_promise_of_every_call() -> None:
    @tiledsl.jit
    def kernel(X):
        n = T.dynamic("n")
        X: T.Tensor((n,), "float32")
        Y = T.empty((n,), "float32")
        if n > 8:
            T.assume(n % 8 == 0)
        with T.Kernel(n) as b:
            if n > 4:
                T.assume(n % 4 == 0)
            Y[b] = X[b]
        return Y

    for size in (3, 7, 16):
        kernel(np.ones(size, np.float32))
    with pytest.raises(ArgumentError, match="E1024"):
        kernel(np.ones(9, np.float32))
    assert [found.code for found in kernel.check(np.ones(7, np.float32)).errors] == [
        "E5023"
    ]
