"""Matrix product: C = A @ B or A @ B^T, sums in float32."""

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
from tiledsl_kernels.data import integers_or_normal
from tiledsl_kernels.reference.gemm import gemm_reference


@tiledsl.jit
def gemm_kernel(
    A,
    B,
    transpose_b=True,
    dtype="bfloat16",
    out_dtype="bfloat16",
    bm=64,
    bn=64,
    bk=64,
    stages=3,
):
    M = T.dynamic("M")
    N, K = T.const("N, K")
    A: T.Tensor((M, K), dtype)
    B: T.Tensor((N, K) if transpose_b else (K, N), dtype)
    C = T.empty((M, N), out_dtype)
    with T.Kernel(T.ceildiv(N, bn), T.ceildiv(M, bm), threads=128) as (bx, by):
        a = T.alloc_shared((bm, bk), dtype)
        b = T.alloc_shared((bn, bk) if transpose_b else (bk, bn), dtype)
        acc = T.alloc_fragment((bm, bn), "float32")
        T.clear(acc)
        for k in T.Pipelined(T.ceildiv(K, bk), num_stages=stages):
            T.copy(A[by * bm, k * bk], a)
            if transpose_b:
                T.copy(B[bx * bn, k * bk], b)
            else:
                T.copy(B[k * bk, bx * bn], b)
            T.gemm(a, b, acc, transpose_B=transpose_b)
        T.copy(acc, C[by * bm, bx * bn])
    return C


def gemm(
    a: ArrayT,
    b: ArrayT,
    *,
    transpose_b: bool = True,
    out_dtype: str = "bfloat16",
    backend: str | None = None,
) -> ArrayT:
    """A [M, K] times B [N, K] (transposed) or [K, N]; bf16, f16 or f32 operands."""
    check_arrays(a=(a, 2), b=(b, 2))
    return cast(
        "ArrayT",
        gemm_kernel(
            a,
            b,
            transpose_b=transpose_b,
            dtype=T.dtype(a.dtype),
            out_dtype=out_dtype,
            backend=backend,
        ),
    )


@dataclass(frozen=True, slots=True)
class GemmWorkload:
    name: str
    M: int
    N: int
    K: int
    transpose_b: bool = True
    dtype: str = "bfloat16"
    out_dtype: str = "bfloat16"
    size: Size = "small"

    @property
    def linear(self) -> bool:
        # products of integers up to 4 sum exactly in float32; a bfloat16 result rounds
        return self.out_dtype == "float32"

    def make_inputs(
        self, rng: np.random.Generator, *, integers: bool = False
    ) -> Inputs:
        b_shape = (self.N, self.K) if self.transpose_b else (self.K, self.N)
        return {
            "a": integers_or_normal(rng, (self.M, self.K), self.dtype, integers),
            "b": integers_or_normal(rng, b_shape, self.dtype, integers),
        }

    def call(self, inputs: Inputs) -> Call:
        options: dict[str, Static] = {
            "transpose_b": self.transpose_b,
            "dtype": self.dtype,
            "out_dtype": self.out_dtype,
        }
        return Call((inputs["a"], inputs["b"]), options)

    def reference(self, inputs: Inputs) -> Mapping[str, Expected]:
        a, b = inputs["a"], inputs["b"]
        return {"c": gemm_reference(a, b.T if self.transpose_b else b, self.out_dtype)}

    def flops(self, inputs: Inputs) -> float:
        return 2.0 * self.M * self.N * self.K

    def bytes(self, inputs: Inputs) -> float:
        out = self.M * self.N * T.dtype(self.out_dtype).bytes
        return float(inputs["a"].nbytes + inputs["b"].nbytes + out)


GEMM = KernelEntry(
    name="gemm",
    area="gemm",
    summary="matrix product, bf16 or f32 operands, float32 sums",
    kernel=gemm_kernel,
    workloads=(
        GemmWorkload("tails", 70, 67, 131, out_dtype="float32"),
        GemmWorkload("tails-nn", 5, 130, 70, transpose_b=False),
        GemmWorkload("float32", 65, 33, 100, dtype="float32", out_dtype="float32"),
        GemmWorkload("one", 1, 1, 1, dtype="float32", out_dtype="float32"),
        GemmWorkload("no-rows", 0, 64, 64),
        # DeepSeek-V3: the latent of 32 tokens, hidden 7168 to 512 + 64
        GemmWorkload("v3-kv-down", 32, 576, 7168, size="model"),
    ),
)
