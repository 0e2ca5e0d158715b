"""Softmax of rows of any length, in two passes over blocks of columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing import Call, Expected, Inputs, KernelEntry, Size
from tiledsl_kernels.arguments import check_arrays
from tiledsl_kernels.arrays import ArrayT
from tiledsl_kernels.data import normal
from tiledsl_kernels.reference.norm import softmax_reference


@tiledsl.jit
def softmax_kernel(X, dtype="float32", bm=4, bn=1024, stages=2):
    M = T.dynamic("M")
    N = T.const("N")
    X: T.Tensor((M, N), dtype)
    Y = T.empty((M, N), dtype)
    lowest = -T.infinity("float32")
    with T.Kernel(T.ceildiv(M, bm), threads=128) as bx:
        x = T.alloc_shared((bm, bn), dtype)
        p = T.alloc_fragment((bm, bn), "float32")
        largest = T.alloc_fragment((bm,), "float32")
        before = T.alloc_fragment((bm,), "float32")
        shift = T.alloc_fragment((bm,), "float32")
        total = T.alloc_fragment((bm,), "float32")
        part = T.alloc_fragment((bm,), "float32")
        weight = T.alloc_fragment((bm,), "float32")
        T.fill(largest, lowest)
        T.clear(total)

        # one pass finds the largest element and, rescaling as it grows, the sum
        for k in T.Pipelined(T.ceildiv(N, bn), num_stages=stages):
            T.copy(X[bx * bm, k * bn], x)
            for i, j in T.Parallel(bm, bn):
                p[i, j] = x[i, j] if k * bn + j < N else lowest
            T.copy(largest, before)
            T.reduce_max(p, largest, dim=1, clear=False)
            for i in T.Parallel(bm):
                # a row that is all -inf so far has nothing to subtract
                shift[i] = largest[i] if largest[i] > lowest else 0.0
            for i, j in T.Parallel(bm, bn):
                p[i, j] = T.exp(p[i, j] - shift[i])
            T.reduce_sum(p, part, dim=1)
            for i in T.Parallel(bm):
                total[i] = total[i] * T.exp(before[i] - shift[i]) + part[i]

        # one division a row: they take longer than the exponentials
        for i in T.Parallel(bm):
            weight[i] = 1.0 / total[i]
        for k in T.Pipelined(T.ceildiv(N, bn), num_stages=stages):
            T.copy(X[bx * bm, k * bn], x)
            for i, j in T.Parallel(bm, bn):
                p[i, j] = T.exp(x[i, j] - shift[i]) * weight[i]
            T.copy(p, Y[bx * bm, k * bn])
    return Y


def softmax(x: ArrayT, *, backend: str | None = None) -> ArrayT:
    """Softmax along the last axis of X [M, N].  A row of -inf only gives NaN."""
    check_arrays(x=(x, 2))
    return cast("ArrayT", softmax_kernel(x, dtype=T.dtype(x.dtype), backend=backend))


@dataclass(frozen=True, slots=True)
class SoftmaxWorkload:
    name: str
    M: int
    N: int
    dtype: str = "float32"
    scale: float = 1.0
    special: bool = False
    size: Size = "small"
    linear: bool = False

    def make_inputs(
        self, rng: np.random.Generator, *, integers: bool = False
    ) -> Inputs:
        x = normal(rng, (self.M, self.N), self.dtype, self.scale)
        if self.special:
            x[0, :] = -np.inf
            x[1, : self.N - 1] = -np.inf
            x[2, 3] = np.nan
            x[3, 5] = np.inf
            # the largest comes first: what follows must not forget it
            x[4, 0] = 500.0
        return {"x": x}

    def call(self, inputs: Inputs) -> Call:
        return Call((inputs["x"],), {"dtype": self.dtype})

    def reference(self, inputs: Inputs) -> Mapping[str, Expected]:
        return {"y": softmax_reference(inputs["x"], self.dtype)}

    def flops(self, inputs: Inputs) -> float:
        return 5.0 * self.M * self.N

    def bytes(self, inputs: Inputs) -> float:
        return 2.0 * inputs["x"].nbytes


SOFTMAX = KernelEntry(
    name="softmax",
    area="norm",
    summary="softmax of rows up to vocabulary length",
    kernel=softmax_kernel,
    workloads=(
        SoftmaxWorkload("short", 5, 13),
        SoftmaxWorkload("blocks", 7, 2500, scale=20.0),
        SoftmaxWorkload("bfloat16", 3, 1025, "bfloat16"),
        SoftmaxWorkload("special", 6, 1100, special=True),
        SoftmaxWorkload("single", 3, 1),
        SoftmaxWorkload("no-rows", 0, 40),
        SoftmaxWorkload("v3-vocabulary", 4, 129280, scale=4.0, size="model"),
    ),
)
