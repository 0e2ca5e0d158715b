"""Problems that take long enough to be timed well, with tiles that suit processors."""

from __future__ import annotations

from dataclasses import dataclass

from tiledsl_kernels.attention.flash_fwd import FlashWorkload
from tiledsl_kernels.attention.mla_decode import MlaDecodeWorkload
from tiledsl_kernels.gemm.gemm import GemmWorkload
from tiledsl_kernels.moe.grouped_gemm import GroupedGemmWorkload
from tiledsl_kernels.norm.rmsnorm import RmsnormWorkload
from tiledsl_kernels.norm.softmax import SoftmaxWorkload

from tiledsl.testing import Call, Inputs, Workload


@dataclass(frozen=True, slots=True)
class TiledGemm(GemmWorkload):
    """A product with tiles of a given size."""

    bm: int = 128
    bn: int = 128
    bk: int = 32

    def call(self, inputs: Inputs) -> Call:
        plain = GemmWorkload.call(self, inputs)
        tiles = {"bm": self.bm, "bn": self.bn, "bk": self.bk}
        return Call(plain.arguments, {**plain.options, **tiles})


def _square(n: int, dtype: str, *, transpose_b: bool) -> TiledGemm:
    form = "nt" if transpose_b else "nn"
    return TiledGemm(
        f"{n}-{form}-{dtype}", n, n, n, transpose_b, dtype, dtype, size="model"
    )


WORKLOADS: dict[str, tuple[Workload, ...]] = {
    "gemm": (
        _square(1024, "float32", transpose_b=False),
        _square(1024, "float32", transpose_b=True),
        _square(1024, "bfloat16", transpose_b=False),
        _square(1024, "bfloat16", transpose_b=True),
    ),
    "grouped_gemm": (
        GroupedGemmWorkload("4-experts", 512, 1408, 2048, (0, 128, 200, 410, 512)),
    ),
    "flash_fwd": (
        FlashWorkload("1024-float32", 1, 1024, 1024, 4, 4, 128, 128, False, "float32"),
        FlashWorkload("1024-bfloat16", 1, 1024, 1024, 4, 4, 128, 128, False),
        FlashWorkload("1024-causal", 1, 1024, 1024, 4, 4, 128, 128),
    ),
    "mla_decode": (
        MlaDecodeWorkload("2048-float32", 1, 128, (2048, 2048), dtype="float32"),
        MlaDecodeWorkload("2048-bfloat16", 1, 128, (2048, 2048)),
    ),
    "softmax": (SoftmaxWorkload("2048x4096", 2048, 4096),),
    "rmsnorm": (
        RmsnormWorkload("2048x4096-float32", 2048, 4096, "float32"),
        RmsnormWorkload("2048x4096-bfloat16", 2048, 4096),
    ),
}
