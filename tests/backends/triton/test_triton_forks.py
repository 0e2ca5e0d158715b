"""A fork while another thread runs a kernel in the Triton interpreter."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T

pytest.importorskip("triton")


@tiledsl.jit
def double(X):
    n = T.dynamic("n")
    X: T.Tensor((n,), "float32")
    Y = T.empty((n,), "float32")
    with T.Kernel(T.ceildiv(n, 16)) as b:
        for i in T.Parallel(16):
            Y[b * 16 + i] = X[b * 16 + i] * 2
    return Y


def works() -> bool:
    x = np.arange(50, dtype=np.float32)
    return np.array_equal(double(x, backend="triton"), x * 2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_child_can_run_kernels() -> None:
    assert works()
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            works()

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                signal.alarm(60)  # a lock that is held for ever
                os._exit(0 if works() else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        thread.join()
