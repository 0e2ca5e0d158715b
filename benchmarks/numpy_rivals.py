"""What a NumPy user would write.  float32 only: NumPy has no fast narrower arithmetic."""

from __future__ import annotations

import numpy as np
from tiledsl_kernels.gemm.gemm import GemmWorkload
from tiledsl_kernels.norm.rmsnorm import RmsnormWorkload
from tiledsl_kernels.norm.softmax import SoftmaxWorkload

from tiledsl.benchmarking import Contender
from tiledsl.testing import Inputs


def gemm(work: GemmWorkload, inputs: Inputs) -> Contender | None:
    a, b = inputs["a"], inputs["b"]
    if work.dtype != "float32" or work.out_dtype != "float32":
        return None
    right = b.T if work.transpose_b else b
    out = np.empty((work.M, work.N), np.float32)
    return Contender("numpy", lambda: np.matmul(a, right, out=out), lambda: [out])


def softmax(work: SoftmaxWorkload, inputs: Inputs) -> Contender | None:
    x = inputs["x"]
    if work.dtype != "float32":
        return None
    out = np.empty_like(x)

    def run() -> None:
        np.subtract(x, x.max(1, keepdims=True), out=out)
        np.exp(out, out=out)
        np.divide(out, out.sum(1, keepdims=True), out=out)

    return Contender("numpy", run, lambda: [out])


def rmsnorm(work: RmsnormWorkload, inputs: Inputs) -> Contender | None:
    x, weight = inputs["x"], inputs["weight"]
    if work.dtype != "float32":
        return None
    out = np.empty_like(x)

    def run() -> None:
        np.multiply(x, x, out=out)
        scale = 1 / np.sqrt(out.mean(1, keepdims=True) + np.float32(work.eps))
        np.multiply(x, scale, out=out)
        np.multiply(out, weight, out=out)

    return Contender("numpy", run, lambda: [out])


RIVALS = {"gemm": gemm, "softmax": softmax, "rmsnorm": rmsnorm}
