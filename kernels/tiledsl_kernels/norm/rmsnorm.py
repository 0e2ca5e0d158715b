"""Root-mean-square normalization of rows that fit into one tile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing import Call, Expected, Inputs, KernelEntry, Size, Static
from tiledsl_kernels.arguments import check_arrays
from tiledsl_kernels.arrays import ArrayT
from tiledsl_kernels.data import normal
from tiledsl_kernels.reference.norm import rmsnorm_reference


@tiledsl.jit
def rmsnorm_kernel(X, W, eps=1e-6, dtype="bfloat16", bm=2):
    M = T.dynamic("M")
    N = T.const("N")
    X: T.Tensor((M, N), dtype)
    W: T.Tensor((N,), "float32")
    Y = T.empty((M, N), dtype)
    with T.Kernel(T.ceildiv(M, bm), threads=256) as bx:
        x = T.alloc_shared((bm, N), dtype)
        squares = T.alloc_fragment((bm, N), "float32")
        scale = T.alloc_fragment((bm,), "float32")
        T.copy(X[bx * bm, 0], x)
        for i, j in T.Parallel(bm, N):
            squares[i, j] = x[i, j] * x[i, j]
        T.reduce_sum(squares, scale, dim=1)
        for i in T.Parallel(bm):
            scale[i] = T.rsqrt(scale[i] / N + eps)
        for i, j in T.Parallel(bm, N):
            x[i, j] = x[i, j] * scale[i] * W[j]
        T.copy(x, Y[bx * bm, 0])
    return Y


def rmsnorm(
    x: ArrayT, weight: ArrayT, *, eps: float = 1e-6, backend: str | None = None
) -> ArrayT:
    """X / rms(x) * weight along the last axis of X [M, N]; weight float32 [N]."""
    check_arrays(x=(x, 2), weight=(weight, 1))
    return cast(
        "ArrayT",
        rmsnorm_kernel(x, weight, eps=eps, dtype=T.dtype(x.dtype), backend=backend),
    )


@dataclass(frozen=True, slots=True)
class RmsnormWorkload:
    name: str
    M: int
    N: int
    dtype: str = "bfloat16"
    scale: float = 1.0
    eps: float = 1e-6
    size: Size = "small"
    linear: bool = False

    def make_inputs(
        self, rng: np.random.Generator, *, integers: bool = False
    ) -> Inputs:
        weight = normal(rng, (self.N,), "float32")
        return {
            "x": normal(rng, (self.M, self.N), self.dtype, self.scale),
            "weight": weight,
        }

    def call(self, inputs: Inputs) -> Call:
        options: dict[str, Static] = {"eps": self.eps, "dtype": self.dtype}
        return Call((inputs["x"], inputs["weight"]), options)

    def reference(self, inputs: Inputs) -> Mapping[str, Expected]:
        x, weight = inputs["x"], inputs["weight"]
        return {"y": rmsnorm_reference(x, weight, self.eps, self.dtype)}

    def flops(self, inputs: Inputs) -> float:
        return 4.0 * self.M * self.N

    def bytes(self, inputs: Inputs) -> float:
        return 2.0 * inputs["x"].nbytes + inputs["weight"].nbytes


RMSNORM = KernelEntry(
    name="rmsnorm",
    area="norm",
    summary="root-mean-square normalization of resident rows",
    kernel=rmsnorm_kernel,
    workloads=(
        RmsnormWorkload("odd", 5, 100, "float32"),
        RmsnormWorkload("bfloat16", 9, 576),
        RmsnormWorkload("tiny-values", 3, 64, "float32", scale=1e-6),
        RmsnormWorkload("single", 2, 1, "float32"),
        RmsnormWorkload("no-rows", 0, 32),
        RmsnormWorkload("v3-hidden", 16, 7168, size="model"),
    ),
)
