"""What the processor can do at best, measured by kernels of our own.

``multiply_add`` repeats a product of tiles that stay in the first-level cache;
``streaming`` copies an array that is larger than the caches of a core.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.benchmarking.contenders import Contender, prepared

_ROWS, _COLUMNS, _DEPTH, _STEPS, _BLOCKS = 16, 32, 128, 64, 64
_COPIED = 1 << 24  # float32 elements


@tiledsl.jit
def multiply_add_kernel(X, W, steps=1, blocks=1):
    rows, depth, columns = T.const("rows, depth, columns")
    X: T.Tensor((rows, depth), "float32")
    W: T.Tensor((depth, columns), "float32")
    Y = T.empty((blocks, rows, columns), "float32")
    with T.Kernel(blocks, threads=128) as bx:
        x = T.alloc_shared((rows, depth), "float32")
        w = T.alloc_shared((depth, columns), "float32")
        total = T.alloc_fragment((rows, columns), "float32")
        T.copy(X, x)
        T.copy(W, w)
        T.clear(total)
        for _ in T.serial(steps):
            T.gemm(x, w, total)
        T.copy(total, Y[bx, :, :])
    return Y


@tiledsl.jit
def streaming_kernel(X, tile=1024):
    N = T.const("N")
    X: T.Tensor((N,), "float32")
    Y = T.empty((N,), "float32")
    with T.Kernel(T.ceildiv(N, tile), threads=128) as bx:
        x = T.alloc_shared((tile,), "float32")
        T.copy(X[bx * tile], x)
        T.copy(x, Y[bx * tile])
    return Y


@dataclass(frozen=True, slots=True)
class Limit:
    """A contender and how much it does in one call: operations or bytes."""

    contender: Contender
    amount: float

    def rate(self, ms: float) -> float:
        return self.amount / ms * 1e3


def multiply_add(backend: str) -> Limit:
    """float32 multiplications and additions."""
    x = np.full((_ROWS, _DEPTH), 1e-3, np.float32)
    w = np.full((_DEPTH, _COLUMNS), 1e-3, np.float32)
    kernel = multiply_add_kernel.compile(x, w, steps=_STEPS, blocks=_BLOCKS)
    contender = prepared("multiply-add", kernel, (x, w), backend)
    return Limit(contender, 2.0 * x.size * _COLUMNS * _STEPS * _BLOCKS)


def streaming(backend: str) -> Limit:
    """Bytes read and bytes written."""
    x = np.ones(_COPIED, np.float32)
    kernel = streaming_kernel.compile(x)
    return Limit(prepared("streaming", kernel, (x,), backend), 2.0 * x.nbytes)
