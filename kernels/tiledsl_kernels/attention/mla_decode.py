"""Decoding with multi-head latent attention: absorbed form over a paged cache.

All heads share one latent key of 512 + 64 numbers per token; its first 512 are also the
value.  The queries of all heads and of all tokens of a step form the rows of one tile.
"""

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
from tiledsl_kernels.attention.online_softmax import (
    LOG2_E,
    finish_rows,
    start_rows,
    take_block,
)
from tiledsl_kernels.data import normal
from tiledsl_kernels.reference.attention import mla_decode_reference

# DeepSeek-V3: (128 + 64)^-0.5 times the square of YaRN's 0.1 ln 40 + 1
V3_SCALE = 192**-0.5 * (0.1 * np.log(40.0) + 1.0) ** 2


@tiledsl.jit
def mla_decode_kernel(
    Q,
    cache,
    block_table,
    seqlens,
    heads,
    scale,
    dtype="bfloat16",
    latent=512,
    bm=64,
    stages=2,
):
    B, R, P, pages = T.dynamic("B, R, P, pages")
    D, page = T.const("D, page")
    Q: T.Tensor((B, R, D), dtype)
    cache: T.Tensor((P, page, 1, D), dtype)
    block_table: T.Tensor((B, pages), "int32")
    seqlens: T.Tensor((B,), "int32")
    out = T.empty((B, R, latent), dtype)
    lse_out = T.empty((B, R), "float32")
    lowest = -T.infinity("float32")
    with T.Kernel(T.ceildiv(R, bm), B, threads=256) as (bx, b):
        q_latent = T.alloc_shared((bm, latent), dtype)
        q_rope = T.alloc_shared((bm, D - latent), dtype)
        k_latent = T.alloc_shared((page, latent), dtype)
        k_rope = T.alloc_shared((page, D - latent), dtype)
        s = T.alloc_fragment((bm, page), "float32")
        p = T.alloc_fragment((bm, page), dtype)
        acc = T.alloc_fragment((bm, latent), "float32")
        largest = T.alloc_fragment((bm,), "float32")
        total = T.alloc_fragment((bm,), "float32")
        lse = T.alloc_fragment((bm,), "float32")
        start_rows(acc, largest, total)
        T.copy(Q[b, bx * bm : (bx + 1) * bm, 0:latent], q_latent)
        T.copy(Q[b, bx * bm : (bx + 1) * bm, latent:D], q_rope)

        length = seqlens[b]
        # what the first query of the step does not see of the last keys
        hidden = R // heads - 1
        for t in T.Pipelined(T.ceildiv(length, page), num_stages=stages):
            physical = block_table[b, t]
            if page > 1:
                # unused rows of a page may hold anything; outside a slice zeros are read
                used = T.min(length - t * page, page)
                T.copy(cache[physical, 0:used, 0, 0:latent], k_latent)
                T.copy(cache[physical, 0:used, 0, latent:D], k_rope)
            else:
                T.copy(cache[physical, 0, 0, 0:latent], k_latent)
                T.copy(cache[physical, 0, 0, latent:D], k_rope)
            T.gemm(q_latent, k_latent, s, transpose_B=True, clear_accum=True)
            T.gemm(q_rope, k_rope, s, transpose_B=True)
            for i, j in T.Parallel(bm, page):
                newest = length - 1 - hidden + (bx * bm + i) // heads
                s[i, j] = s[i, j] if t * page + j <= newest else lowest
            take_block(s, acc, largest, total, scale * LOG2_E)
            T.copy(s, p)
            T.gemm(p, k_latent, acc)

        finish_rows(acc, largest, total, lse, scale)
        T.copy(acc, out[b, bx * bm : (bx + 1) * bm, :])
        T.copy(lse, lse_out[b, bx * bm : (bx + 1) * bm])
    return out, lse_out


def mla_decode(
    q: ArrayT,
    cache: ArrayT,
    block_table: ArrayT,
    seqlens: ArrayT,
    *,
    scale: float = V3_SCALE,
    latent: int = 512,
    backend: str | None = None,
) -> tuple[ArrayT, ArrayT]:
    """One decoding step of Q [B, Sq, H, D] over cache [pages, page, 1, D].

    Sequence b has ``seqlens[b]`` tokens, the step's own included; its t-th page is
    ``block_table[b, t]``.  Query i of the step sees all but the Sq - 1 - i last tokens.
    Gives O [B, Sq, H, latent] and the natural log-sum-exp [B, Sq, H].  ``scale`` is that
    of the expanded form, not D^-0.5.
    """
    check_arrays(
        q=(q, 4), cache=(cache, 4), block_table=(block_table, 2), seqlens=(seqlens, 1)
    )
    check_scale(scale)
    batch, rows, heads, width = q.shape
    check(0 < latent < width, "latent", expected=f"a part of the {width}", got=latent)
    o, lse = cast(
        "tuple[ArrayT, ArrayT]",
        mla_decode_kernel(
            q.reshape(batch, rows * heads, width),
            cache,
            block_table,
            seqlens,
            heads=heads,
            scale=float(scale),
            dtype=T.dtype(q.dtype),
            latent=latent,
            backend=backend,
        ),
    )
    return o.reshape(batch, rows, heads, latent), lse.reshape(batch, rows, heads)


@dataclass(frozen=True, slots=True)
class MlaDecodeWorkload:
    name: str
    Sq: int
    H: int
    lengths: tuple[int, ...]
    latent: int = 512
    rope: int = 64
    page: int = 64
    dtype: str = "bfloat16"
    size: Size = "small"
    linear: bool = False

    def make_inputs(
        self, rng: np.random.Generator, *, integers: bool = False
    ) -> Inputs:
        """Pages in random order; whatever a sequence does not use is NaN."""
        width, batch = self.latent + self.rope, len(self.lengths)
        counts = [-(-length // self.page) for length in self.lengths]
        order = rng.permutation(sum(counts) + 3).astype(np.int32)
        cache = np.full((len(order), self.page, 1, width), np.nan, np.dtype(self.dtype))
        table = np.full((batch, max(*counts, 1) + 1), -1, np.int32)
        first = 0
        for b, (length, count) in enumerate(zip(self.lengths, counts, strict=True)):
            mine = order[first : first + count]
            table[b, :count] = mine
            rows = normal(rng, (count * self.page, width), self.dtype)
            rows[length:] = np.nan
            cache[mine] = rows.reshape(count, self.page, 1, width)
            first += count
        q = normal(rng, (batch, self.Sq, self.H, width), self.dtype)
        lengths = np.array(self.lengths, np.int32)
        return {"q": q, "cache": cache, "block_table": table, "seqlens": lengths}

    def call(self, inputs: Inputs) -> Call:
        q = inputs["q"].reshape(len(self.lengths), self.Sq * self.H, -1)
        arguments = (q, inputs["cache"], inputs["block_table"], inputs["seqlens"])
        options: dict[str, Static] = {
            "heads": self.H,
            "scale": float(V3_SCALE),
            "dtype": self.dtype,
            "latent": self.latent,
        }
        return Call(arguments, options)

    def reference(self, inputs: Inputs) -> Mapping[str, Expected]:
        o, lse = mla_decode_reference(
            inputs["q"],
            inputs["cache"],
            inputs["block_table"].astype(np.int32),
            inputs["seqlens"].astype(np.int32),
            float(V3_SCALE),
            self.latent,
        )
        rows = (len(self.lengths), self.Sq * self.H)
        return {"o": o.reshape(*rows, self.latent), "lse": lse.reshape(*rows)}

    def flops(self, inputs: Inputs) -> float:
        width = 2 * self.latent + self.rope
        return 2.0 * self.H * self.Sq * sum(self.lengths) * width

    def bytes(self, inputs: Inputs) -> float:
        item = T.dtype(self.dtype).bytes
        rows = len(self.lengths) * self.Sq * self.H
        tokens = sum(self.lengths) * (self.latent + self.rope) * item
        return float(tokens + inputs["q"].nbytes + rows * (self.latent * item + 4))


MLA_DECODE = KernelEntry(
    name="mla_decode",
    area="attention",
    summary="absorbed latent attention, one decoding step over a paged cache",
    kernel=mla_decode_kernel,
    workloads=(
        MlaDecodeWorkload("one-query", 1, 16, (1, 64, 70)),
        MlaDecodeWorkload("step-of-two", 2, 5, (40, 2, 16), 32, 16, 16, "float32"),
        MlaDecodeWorkload("empty-sequences", 1, 3, (0, 7), 32, 16, 16, "float32"),
        MlaDecodeWorkload(
            "more-queries-than-keys", 3, 4, (2, 1), 16, 16, 16, "float32"
        ),
        # DeepSeek-V3 with one speculative token
        MlaDecodeWorkload("v3-decode", 2, 128, (300, 77), size="model"),
    ),
)
