"""Attention forward for training and prefill: online softmax, grouped key heads."""

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
from tiledsl_kernels.reference.attention import flash_fwd_reference


@tiledsl.jit
def flash_fwd_kernel(
    Q, K, V, scale, causal=True, dtype="bfloat16", bm=64, bn=64, stages=2
):
    B, Sq, Sk = T.dynamic("B, Sq, Sk")
    H, G, D, Dv = T.const("H, G, D, Dv")
    Q: T.Tensor((B, Sq, H, D), dtype)
    K: T.Tensor((B, Sk, G, D), dtype)
    V: T.Tensor((B, Sk, G, Dv), dtype)
    out = T.empty((B, Sq, H, Dv), dtype)
    lse_out = T.empty((B, H, Sq), "float32")
    lowest = -T.infinity("float32")
    with T.Kernel(T.ceildiv(Sq, bm), H, B, threads=128) as (bx, h, b):
        q = T.alloc_shared((bm, D), dtype)
        k = T.alloc_shared((bn, D), dtype)
        v = T.alloc_shared((bn, Dv), dtype)
        s = T.alloc_fragment((bm, bn), "float32")
        p = T.alloc_fragment((bm, bn), dtype)
        acc = T.alloc_fragment((bm, Dv), "float32")
        largest = T.alloc_fragment((bm,), "float32")
        total = T.alloc_fragment((bm,), "float32")
        lse = T.alloc_fragment((bm,), "float32")
        start_rows(acc, largest, total)
        T.copy(Q[b, bx * bm : (bx + 1) * bm, h, :], q)

        # the last query sees the last key; keys beyond the tile's last row are skipped
        past = Sk - Sq
        stop = T.min(Sk, (bx + 1) * bm + past) if causal else Sk
        for t in T.Pipelined(T.ceildiv(stop, bn), num_stages=stages):
            T.copy(K[b, t * bn : (t + 1) * bn, h // (H // G), :], k)
            T.copy(V[b, t * bn : (t + 1) * bn, h // (H // G), :], v)
            T.gemm(q, k, s, transpose_B=True, clear_accum=True)
            for i, j in T.Parallel(bm, bn):
                if causal:
                    seen = t * bn + j < Sk and t * bn + j <= bx * bm + i + past
                else:
                    seen = t * bn + j < Sk
                s[i, j] = s[i, j] if seen else lowest
            take_block(s, acc, largest, total, scale * LOG2_E)
            T.copy(s, p)
            T.gemm(p, v, acc)

        finish_rows(acc, largest, total, lse, scale)
        T.copy(acc, out[b, bx * bm : (bx + 1) * bm, h, :])
        T.copy(lse, lse_out[b, h, bx * bm : (bx + 1) * bm])
    return out, lse_out


def flash_fwd(
    q: ArrayT,
    k: ArrayT,
    v: ArrayT,
    *,
    scale: float | None = None,
    causal: bool = True,
    backend: str | None = None,
) -> tuple[ArrayT, ArrayT]:
    """Attention of Q [B, Sq, H, D] to K [B, Sk, G, D], V [B, Sk, G, Dv].

    Gives O [B, Sq, H, Dv] and the natural log-sum-exp [B, H, Sq] in float32.  H is a
    multiple of G.  Causal masks are aligned to the bottom right: query i sees keys up to
    i + Sk - Sq.  A query that sees no key has O = 0 and log-sum-exp -inf.
    """
    check_arrays(q=(q, 4), k=(k, 4), v=(v, 4))
    heads, key_heads = q.shape[2], k.shape[2]
    whole_groups = key_heads > 0 and heads % key_heads == 0
    check(whole_groups, "k", expected=f"a divisor of {heads} heads", got=key_heads)
    scale = max(1, q.shape[3]) ** -0.5 if scale is None else scale
    check_scale(scale)
    return cast(
        "tuple[ArrayT, ArrayT]",
        flash_fwd_kernel(
            q, k, v, scale=scale, causal=causal, dtype=T.dtype(q.dtype), backend=backend
        ),
    )


@dataclass(frozen=True, slots=True)
class FlashWorkload:
    name: str
    B: int
    Sq: int
    Sk: int
    H: int
    G: int
    D: int
    Dv: int
    causal: bool = True
    dtype: str = "bfloat16"
    spread: float = 1.0
    falling: bool = False
    size: Size = "small"
    linear: bool = False

    def make_inputs(
        self, rng: np.random.Generator, *, integers: bool = False
    ) -> Inputs:
        q = normal(rng, (self.B, self.Sq, self.H, self.D), self.dtype, self.spread)
        k = normal(rng, (self.B, self.Sk, self.G, self.D), self.dtype)
        v = normal(rng, (self.B, self.Sk, self.G, self.Dv), self.dtype)
        if self.falling:
            # the first key outweighs all others, which must not make it forgotten
            k[:, 0] = 100 * q[:, 0, : self.G]
        return {"q": q, "k": k, "v": v}

    def call(self, inputs: Inputs) -> Call:
        options: dict[str, Static] = {
            "scale": self.D**-0.5,
            "causal": self.causal,
            "dtype": self.dtype,
        }
        return Call((inputs["q"], inputs["k"], inputs["v"]), options)

    def reference(self, inputs: Inputs) -> Mapping[str, Expected]:
        o, lse = flash_fwd_reference(
            inputs["q"], inputs["k"], inputs["v"], self.D**-0.5, causal=self.causal
        )
        return {"o": o, "lse": lse}

    @property
    def pairs(self) -> int:
        """Pairs of a query and a key it sees."""
        if not self.causal:
            return self.Sq * self.Sk
        past = self.Sk - self.Sq
        return sum(max(0, min(self.Sk, i + past + 1)) for i in range(self.Sq))

    def flops(self, inputs: Inputs) -> float:
        return 2.0 * self.B * self.H * self.pairs * (self.D + self.Dv)

    def bytes(self, inputs: Inputs) -> float:
        rows = self.B * self.Sq * self.H
        out = rows * (self.Dv * T.dtype(self.dtype).bytes + 4)
        return float(sum(array.nbytes for array in inputs.values()) + out)


FLASH_FWD = KernelEntry(
    name="flash_fwd",
    area="attention",
    summary="attention forward: causal or full, grouped heads, log-sum-exp",
    kernel=flash_fwd_kernel,
    workloads=(
        FlashWorkload("causal-ragged", 2, 70, 70, 2, 1, 64, 64),
        FlashWorkload("full-float32", 1, 67, 131, 2, 2, 32, 48, False, "float32"),
        FlashWorkload("longer-keys", 1, 5, 130, 4, 1, 192, 128, dtype="float32"),
        FlashWorkload("unseen-rows", 1, 150, 70, 1, 1, 128, 128, dtype="float32"),
        FlashWorkload("peaked", 1, 40, 90, 2, 2, 16, 16, dtype="float32", spread=20.0),
        FlashWorkload("falling", 1, 1, 90, 2, 2, 16, 16, dtype="float32", falling=True),
        FlashWorkload("one", 1, 1, 1, 1, 1, 16, 16),
        FlashWorkload("no-keys", 1, 3, 0, 2, 1, 16, 16, causal=False),
        # DeepSeek-V3 prefill: 128 heads of 128 + 64, values of 128
        FlashWorkload("v3-prefill", 1, 80, 80, 128, 128, 192, 128, size="model"),
    ),
)
