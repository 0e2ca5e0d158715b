"""Matrix products of the experts: each multiplies its own contiguous rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing import Call, Expected, Inputs, KernelEntry, Size, Static
from tiledsl_kernels.arguments import check, check_arrays
from tiledsl_kernels.arrays import ArrayT
from tiledsl_kernels.data import integers_or_normal
from tiledsl_kernels.reference.gemm import grouped_gemm_reference


@tiledsl.jit
def grouped_gemm_kernel(
    X,
    W,
    offsets,
    dtype="bfloat16",
    out_dtype="bfloat16",
    bm=64,
    bn=128,
    bk=64,
    stages=3,
):
    R = T.dynamic("R")
    E, N, K, ends = T.const("E, N, K, ends")
    X: T.Tensor((R, K), dtype)
    W: T.Tensor((E, N, K), dtype)
    offsets: T.Tensor((ends,), "int32")
    Y = T.empty((R, N), out_dtype)
    # The rows form E + 2 segments: before the first expert, each expert's, after the last.
    # Every segment but an empty one wastes less than a tile.
    with T.Kernel(T.ceildiv(N, bn), T.ceildiv(R, bm) + E + 2, threads=128) as (bx, by):
        x = T.alloc_shared((bm, bk), dtype)
        w = T.alloc_shared((bn, bk), dtype)
        acc = T.alloc_fragment((bm, bn), "float32")
        expert = T.alloc_var("int32", init=-1)
        begin = T.alloc_var("int32", init=0)
        end = T.alloc_var("int32", init=0)
        tiles = T.alloc_var("int32", init=0)

        # find the tile's segment by counting the tiles of those before it
        for segment in range(E + 2):
            first = offsets[segment - 1] if segment > 0 else 0
            last = offsets[segment] if segment <= E else R
            count = T.ceildiv(last - first, bm)
            if tiles <= by and by < tiles + count:
                expert = segment - 1
                begin = first + (by - tiles) * bm
                end = T.min(last, begin + bm)
            tiles = tiles + T.max(count, 0)

        T.clear(acc)
        if expert >= 0 and expert < E and begin < end:
            for k in T.Pipelined(T.ceildiv(K, bk), num_stages=stages):
                T.copy(X[begin:end, k * bk : (k + 1) * bk], x)
                T.copy(W[expert, bx * bn : (bx + 1) * bn, k * bk : (k + 1) * bk], w)
                T.gemm(x, w, acc, transpose_B=True)
        T.copy(acc, Y[begin:end, bx * bn : (bx + 1) * bn])
    return Y


def grouped_gemm(
    x: ArrayT,
    weights: ArrayT,
    offsets: ArrayT,
    *,
    out_dtype: str = "bfloat16",
    backend: str | None = None,
) -> ArrayT:
    """Rows offsets[e] to offsets[e + 1] of X [R, K] times the transpose of W[e] [N, K].

    ``offsets`` is int32 [E + 1] and does not decrease; an expert may have no rows.  Rows
    of no expert give zeros.
    """
    check_arrays(x=(x, 2), weights=(weights, 3), offsets=(offsets, 1))
    ends = weights.shape[0] + 1
    enough = offsets.shape[0] == ends
    check(enough, "offsets", expected=f"{ends} offsets", got=offsets.shape[0])
    return cast(
        "ArrayT",
        grouped_gemm_kernel(
            x,
            weights,
            offsets,
            dtype=T.dtype(x.dtype),
            out_dtype=out_dtype,
            backend=backend,
        ),
    )


@dataclass(frozen=True, slots=True)
class GroupedGemmWorkload:
    name: str
    rows: int
    N: int
    K: int
    offsets: tuple[int, ...]
    dtype: str = "bfloat16"
    out_dtype: str = "bfloat16"
    size: Size = "small"

    @property
    def linear(self) -> bool:
        return self.out_dtype == "float32"

    def make_inputs(
        self, rng: np.random.Generator, *, integers: bool = False
    ) -> Inputs:
        """Rows of no expert are NaN: they must not reach the result."""
        x = integers_or_normal(rng, (self.rows, self.K), self.dtype, integers)
        x[: self.offsets[0]] = np.nan
        x[self.offsets[-1] :] = np.nan
        shape = (len(self.offsets) - 1, self.N, self.K)
        weights = integers_or_normal(rng, shape, self.dtype, integers)
        offsets = np.array(self.offsets, np.int32)
        return {"x": x, "weights": weights, "offsets": offsets}

    def call(self, inputs: Inputs) -> Call:
        options: dict[str, Static] = {"dtype": self.dtype, "out_dtype": self.out_dtype}
        return Call((inputs["x"], inputs["weights"], inputs["offsets"]), options)

    def reference(self, inputs: Inputs) -> Mapping[str, Expected]:
        x, weights, offsets = inputs["x"], inputs["weights"], inputs["offsets"]
        return {"y": grouped_gemm_reference(x, weights, offsets, self.out_dtype)}

    def flops(self, inputs: Inputs) -> float:
        return 2.0 * (self.offsets[-1] - self.offsets[0]) * self.N * self.K

    def bytes(self, inputs: Inputs) -> float:
        pairs = zip(self.offsets, self.offsets[1:], strict=False)
        active = sum(first < last for first, last in pairs)
        weights = inputs["weights"].nbytes * active / max(1, len(self.offsets) - 1)
        out = self.rows * self.N * T.dtype(self.out_dtype).bytes
        return float(inputs["x"].nbytes + weights + out)


GROUPED_GEMM = KernelEntry(
    name="grouped_gemm",
    area="moe",
    summary="experts' products over ragged contiguous rows",
    kernel=grouped_gemm_kernel,
    workloads=(
        GroupedGemmWorkload(
            "ragged", 150, 70, 40, (0, 5, 5, 70, 131), out_dtype="float32"
        ),
        GroupedGemmWorkload("gaps", 90, 33, 65, (7, 64, 80), "float32", "float32"),
        GroupedGemmWorkload("all-empty", 10, 16, 16, (4, 4, 4)),
        GroupedGemmWorkload("no-rows", 0, 16, 16, (0, 0, 0)),
        # DeepSeek-V3 down projection of two experts, one without tokens
        GroupedGemmWorkload("v3-down", 24, 7168, 2048, (0, 17, 17), size="model"),
    ),
)
