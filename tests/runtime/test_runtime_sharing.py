"""Kernels in threads and forked processes; raw bits as a dtype."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import ml_dtypes
import numpy as np
import pytest

from tiledsl.diagnostics import ArgumentError
from tiledsl.runtime.kernel import JITKernel
from tiledsl.runtime.reinterpret import as_dtype

Make = Callable[..., JITKernel]

TEXT = """
    func double[n](X: int32[n], Y: int32[n]) -> (Y)
      launch (bx: ceildiv(n, 8)) threads 32
        parallel (i: 8)
          Y[bx * 8 + i] = X[bx * 8 + i] + X[bx * 8 + i]
"""


def test_threads_share_a_kernel(kernel_of: Make) -> None:
    kernel = kernel_of(TEXT, backend="numpy")

    def work(size: int) -> bool:
        x = np.arange(size, dtype=np.int32)
        return np.array_equal(kernel(x), 2 * x)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, [size % 40 for size in range(400)]))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_can_call_and_compile(kernel_of: Make) -> None:
    kernel = kernel_of(TEXT, backend=None)  # the default backend of this machine
    x = np.arange(100, dtype=np.int32)
    kernel(x)
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        right = np.array_equal(kernel(x), 2 * x)
        right = right and np.array_equal(kernel_of(TEXT, backend=None)(x), 2 * x)
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert np.array_equal(kernel(x), 2 * x)


def test_raw_bits_as_a_narrow_dtype() -> None:
    raw = np.array([0x3F80, 0xC000], np.uint16)
    narrow = as_dtype(raw, "bfloat16")
    assert isinstance(narrow, np.ndarray)
    assert narrow.dtype == ml_dtypes.bfloat16
    assert narrow.tolist() == [1.0, -2.0]
    narrow[0] = 3.0  # the same memory
    assert raw[0] == 0x4040
    with pytest.raises(ArgumentError, match=r"E1006.*2 bytes.*got elements of 4 bytes"):
        as_dtype(np.zeros(3, np.float32), "bfloat16")
    with pytest.raises(ArgumentError, match=r"E1014.*'bfloat17'"):
        as_dtype(raw, "bfloat17")


def test_raw_bits_of_a_tensor() -> None:
    torch = pytest.importorskip("torch")
    narrow = as_dtype(torch.tensor([0x38, 0xC0], dtype=torch.uint8), "float8_e4m3fn")
    assert narrow.dtype == torch.float8_e4m3fn
    assert narrow.float().tolist() == [1.0, -2.0]
