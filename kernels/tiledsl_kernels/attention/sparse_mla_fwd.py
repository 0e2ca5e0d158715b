"""Token-sparse latent attention: each query attends to the tokens it is given by index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing import Call, Expected, Inputs, KernelEntry, Size, Static
from tiledsl_kernels.arguments import check, check_arrays, check_scale
from tiledsl_kernels.arrays import ArrayT
from tiledsl_kernels.attention.mla_decode import V3_SCALE
from tiledsl_kernels.attention.online_softmax import (
    LOG2_E,
    finish_rows,
    start_rows,
    take_block,
)
from tiledsl_kernels.data import normal
from tiledsl_kernels.reference.attention import sparse_mla_reference


@tiledsl.jit
def sparse_mla_fwd_kernel(
    Q, KV, indices, scale, dtype="bfloat16", latent=512, bm=64, bn=64, stages=2
):
    B, S, Sk = T.dynamic("B, S, Sk")
    H, D, topk = T.const("H, D, topk")
    Q: T.Tensor((B, S, H, D), dtype)
    KV: T.Tensor((B, Sk, 1, D), dtype)
    indices: T.Tensor((B, S, 1, topk), "int32")
    out = T.empty((B, S, H, latent), dtype)
    lse_out = T.empty((B, S, H), "float32")
    lowest = -T.infinity("float32")
    with T.Kernel(T.ceildiv(H, bm), S, B, threads=256) as (bx, s_q, b):
        q_latent = T.alloc_shared((bm, latent), dtype)
        q_rope = T.alloc_shared((bm, D - latent), dtype)
        k_latent = T.alloc_shared((bn, latent), dtype)
        k_rope = T.alloc_shared((bn, D - latent), dtype)
        rows = T.alloc_fragment((bn,), "int32")
        s = T.alloc_fragment((bm, bn), "float32")
        p = T.alloc_fragment((bm, bn), dtype)
        acc = T.alloc_fragment((bm, latent), "float32")
        largest = T.alloc_fragment((bm,), "float32")
        total = T.alloc_fragment((bm,), "float32")
        lse = T.alloc_fragment((bm,), "float32")
        # row -1 lies outside and reads as zero, which is meant
        T.annotate_safe_value({KV: 0})
        start_rows(acc, largest, total)
        T.copy(Q[b, s_q, bx * bm : (bx + 1) * bm, 0:latent], q_latent)
        T.copy(Q[b, s_q, bx * bm : (bx + 1) * bm, latent:D], q_rope)

        for t in T.Pipelined(T.ceildiv(topk, bn), num_stages=stages):
            for j in T.Parallel(bn):
                row = indices[b, s_q, 0, t * bn + j]
                valid = t * bn + j < topk and row >= 0 and row < Sk
                rows[j] = row if valid else -1
            for j, d in T.Parallel(bn, latent):
                k_latent[j, d] = KV[b, rows[j], 0, d]
            for j, d in T.Parallel(bn, D - latent):
                k_rope[j, d] = KV[b, rows[j], 0, latent + d]
            T.gemm(q_latent, k_latent, s, transpose_B=True, clear_accum=True)
            T.gemm(q_rope, k_rope, s, transpose_B=True)
            for i, j in T.Parallel(bm, bn):
                s[i, j] = s[i, j] if rows[j] >= 0 else lowest
            take_block(s, acc, largest, total, scale * LOG2_E)
            T.copy(s, p)
            T.gemm(p, k_latent, acc)

        finish_rows(acc, largest, total, lse, scale)
        T.copy(acc, out[b, s_q, bx * bm : (bx + 1) * bm, :])
        T.copy(lse, lse_out[b, s_q, bx * bm : (bx + 1) * bm])
    return out, lse_out


def sparse_mla_fwd(
    q: ArrayT,
    kv: ArrayT,
    indices: ArrayT,
    *,
    scale: float = V3_SCALE,
    latent: int = 512,
    backend: str | None = None,
) -> tuple[ArrayT, ArrayT]:
    """Q [B, S, H, D] to the rows of KV [B, Sk, 1, D] named by indices [B, S, 1, k].

    An index that is negative or not below Sk names no row.  Gives O [B, S, H, latent] and
    the natural log-sum-exp [B, S, H]; a query without any row has 0 and -inf.
    """
    check_arrays(q=(q, 4), kv=(kv, 4), indices=(indices, 4))
    check_scale(scale)
    width = q.shape[3]
    check(0 < latent < width, "latent", expected=f"a part of the {width}", got=latent)
    return cast(
        "tuple[ArrayT, ArrayT]",
        sparse_mla_fwd_kernel(
            q,
            kv,
            indices,
            scale=float(scale),
            dtype=T.dtype(q.dtype),
            latent=latent,
            backend=backend,
        ),
    )


@dataclass(frozen=True, slots=True)
class SparseMlaWorkload:
    name: str
    B: int
    S: int
    Sk: int
    H: int
    topk: int
    latent: int = 512
    rope: int = 64
    dtype: str = "bfloat16"
    size: Size = "small"
    linear: bool = False

    def make_inputs(
        self, rng: np.random.Generator, *, integers: bool = False
    ) -> Inputs:
        """Distinct rows per query; unnamed rows are NaN, some indices name no row."""
        width = self.latent + self.rope
        shape = (self.B, self.S, 1, self.topk)
        indices = rng.integers(0, max(self.Sk, 1), shape).astype(np.int32)
        indices[rng.random(shape) < 0.1] = -1
        for place, value in enumerate((-(2**31), 2**31 - 1, self.Sk, -7)):
            indices[:, ::3, :, place % self.topk] = value
        if self.S > 1:
            indices[0, 1] = -1
        kv = normal(rng, (self.B, self.Sk, 1, width), self.dtype)
        for b in range(self.B):
            kv[b, ~np.isin(np.arange(self.Sk), indices[b])] = np.nan
        q = normal(rng, (self.B, self.S, self.H, width), self.dtype)
        return {"q": q, "kv": kv, "indices": indices}

    def call(self, inputs: Inputs) -> Call:
        options: dict[str, Static] = {
            "scale": float(V3_SCALE),
            "dtype": self.dtype,
            "latent": self.latent,
        }
        return Call((inputs["q"], inputs["kv"], inputs["indices"]), options)

    def reference(self, inputs: Inputs) -> Mapping[str, Expected]:
        o, lse = sparse_mla_reference(
            inputs["q"],
            inputs["kv"],
            inputs["indices"].astype(np.int32),
            float(V3_SCALE),
            self.latent,
        )
        return {"o": o, "lse": lse}

    def flops(self, inputs: Inputs) -> float:
        pairs = self.B * self.S * self.H * self.topk
        return 2.0 * pairs * (2 * self.latent + self.rope)

    def bytes(self, inputs: Inputs) -> float:
        item = T.dtype(self.dtype).bytes
        rows = self.B * self.S * self.H
        gathered = self.B * self.S * self.topk * (self.latent + self.rope) * item
        small = inputs["q"].nbytes + inputs["indices"].nbytes
        return float(gathered + small + rows * (self.latent * item + 4))


SPARSE_MLA_FWD = KernelEntry(
    name="sparse_mla_fwd",
    area="attention",
    summary="latent attention to tokens gathered by index",
    kernel=sparse_mla_fwd_kernel,
    workloads=(
        SparseMlaWorkload("bfloat16", 1, 2, 90, 16, 64),
        SparseMlaWorkload("odd-float32", 2, 3, 50, 5, 100, 32, 16, "float32"),
        SparseMlaWorkload("one-index", 1, 2, 9, 3, 1, 16, 16, "float32"),
        SparseMlaWorkload("no-keys", 1, 2, 0, 3, 5, 16, 16, "float32"),
        # DeepSeek-V3.2: 128 heads, 2048 tokens for each query
        SparseMlaWorkload("v3-prefill", 1, 2, 4096, 128, 2048, size="model"),
    ),
)
