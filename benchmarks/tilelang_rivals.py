"""The same program by TileLang's own CPU target, one serial C function.

With the compiler flags that make it fastest; without any flags, which is its default, it
takes some 30 times as long.
"""

from __future__ import annotations

import tilelang
import tilelang.cpu.language as T
import torch
from tiledsl_kernels.gemm.gemm import GemmWorkload

from tiledsl.benchmarking import Contender
from tiledsl.testing import Inputs

FASTEST = ("-O3", "-march=native", "-ffast-math")


def gemm(
    work: GemmWorkload, inputs: Inputs, flags: tuple[str, ...] = FASTEST
) -> Contender | None:
    """In the blocks in which the kernel is written here."""
    if work.dtype != "float32" or work.out_dtype != "float32" or work.transpose_b:
        return None
    M, N, K = work.M, work.N, work.K
    block_M, block_N, block_K = 128, 128, 32

    @T.prim_func
    def product(
        A: T.Tensor((M, K), "float32"),
        B: T.Tensor((K, N), "float32"),
        C: T.Tensor((M, N), "float32"),
    ):
        with T.Kernel(T.ceildiv(N, block_N), T.ceildiv(M, block_M)) as (bx, by):
            a = T.alloc_local((block_M, block_K), "float32")
            b = T.alloc_local((block_K, block_N), "float32")
            c = T.alloc_local((block_M, block_N), "float32")
            T.clear(c)
            for k in T.serial(T.ceildiv(K, block_K)):
                T.copy(A[by * block_M, k * block_K], a)
                T.copy(B[k * block_K, bx * block_N], b)
                T.gemm(a, b, c)
            T.copy(c, C[by * block_M, bx * block_N])

    kernel = tilelang.compile(
        product, target="c", execution_backend="cython", compile_flags=list(flags)
    )
    left, right = torch.from_numpy(inputs["a"]), torch.from_numpy(inputs["b"])
    out = torch.empty(M, N)
    return Contender(
        "tilelang", lambda: kernel(left, right, out), lambda: [out.numpy()]
    )


RIVALS = {"gemm": gemm}
