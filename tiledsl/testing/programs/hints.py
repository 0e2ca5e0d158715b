"""Programs with every hint and soft hardware name: the results are those without."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program


@program
def hints_change_nothing(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B):
        A: T.Tensor((20, 24), "int8")
        B: T.Tensor((24, 20), "int8")
        C = T.empty((20, 20), "int32")
        with T.Kernel(2, 2, threads=64) as (bx, by):
            a = T.alloc_shared((16, 8), "int8")
            b = T.alloc_shared((8, 16), "int8")
            c = T.alloc_fragment((16, 16), "int32")
            T.use_swizzle(8)
            T.annotate_layout(
                {
                    a: T.Layout((16, 8), lambda i, j: i * 8 + j),
                    c: T.Fragment((16, 16), lambda i, j: (i, j)),
                }
            )
            T.annotate_l2_hit_ratio({A: 0.5})
            T.annotate_min_blocks_per_sm(2)
            T.annotate_compile_flags("-O3")
            T.annotate_pass_configs({"tl.disable_tma_lower": True})
            T.disable_warp_group_reg_alloc()
            T.no_set_max_nreg()
            T.annotate_consumer_reg_alloc(240)
            T.annotate_producer_reg_dealloc(24)
            T.clear(c)
            for k in T.Pipelined(3, num_stages=3):
                T.copy(A[by * 16, k * 8], a, coalesced_width=8)
                T.copy(B[k * 8, bx * 16], b, disable_tma=True)
                T.gemm(a, b, c, policy=T.GemmWarpPolicy.FullRow, k_pack=1)
            T.copy(c, C[by * 16, bx * 16])
        return C

    a, b = source.integers((20, 24), np.int8), source.integers((24, 20), np.int8)
    return Case(kernel, (a, b), (a.astype(np.int32) @ b.astype(np.int32),))


@program
def hardware_names_with_a_meaning(source: Source) -> Case:
    @tiledsl.jit
    def kernel(A, B):
        A: T.Tensor((16, 16), "float16")
        B: T.Tensor((16, 16), "float16")
        C = T.empty((16, 16), "float32")
        with T.Kernel(1, threads=128):
            a = T.alloc_shared((16, 16), "float16")
            b = T.alloc_shared((16, 16), "float16")
            c = T.alloc_fragment((16, 16), "float32")
            T.set_max_nreg(240, 1)
            T.pdl_sync()
            T.async_copy(A, a)
            T.async_copy(B, b)
            T.ptx_commit_group()
            T.ptx_wait_group(0)
            T.cp_async_barrier_noinc(0)
            T.fence_proxy_async()
            T.wgmma_gemm(a, b, c, clear_accum=True)
            T.wait_wgmma(0)
            T.copy(c, C)
            T.pdl_trigger()
        return C

    a, b = (source.integers((16, 16)).astype(np.float16) for _ in range(2))
    return Case(kernel, (a, b), (a.astype(np.float32) @ b.astype(np.float32),))
