"""Kernels of large language models, written in tiledsl.

Each kernel is one file: the kernel, a typed host wrapper, its workloads and costs.
"""

from tiledsl_kernels.attention.flash_fwd import FLASH_FWD
from tiledsl_kernels.attention.mla_decode import MLA_DECODE
from tiledsl_kernels.attention.sparse_mla_fwd import SPARSE_MLA_FWD
from tiledsl_kernels.gemm.gemm import GEMM
from tiledsl_kernels.moe.grouped_gemm import GROUPED_GEMM
from tiledsl_kernels.moe.moe_gate import MOE_GATE
from tiledsl_kernels.norm.rmsnorm import RMSNORM
from tiledsl_kernels.norm.softmax import SOFTMAX

KERNELS = (
    FLASH_FWD,
    GEMM,
    GROUPED_GEMM,
    MLA_DECODE,
    MOE_GATE,
    RMSNORM,
    SOFTMAX,
    SPARSE_MLA_FWD,
)

__all__ = ["KERNELS"]
