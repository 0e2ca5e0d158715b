"""The same computations by torch, with outputs that exist before where it takes them."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import torch
import torch.nn.functional as F
from tiledsl_kernels.attention.flash_fwd import FlashWorkload
from tiledsl_kernels.attention.mla_decode import V3_SCALE, MlaDecodeWorkload
from tiledsl_kernels.gemm.gemm import GemmWorkload
from tiledsl_kernels.moe.grouped_gemm import GroupedGemmWorkload
from tiledsl_kernels.norm.rmsnorm import RmsnormWorkload
from tiledsl_kernels.norm.softmax import SoftmaxWorkload

from tiledsl.benchmarking import Contender
from tiledsl.testing import Array, Inputs

torch.set_grad_enabled(False)
_DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def _tensor(array: Array) -> torch.Tensor:
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def _array(tensor: torch.Tensor) -> Array:
    if tensor.dtype == torch.bfloat16:
        bits = tensor.contiguous().view(torch.int16).numpy()
        return bits.view(ml_dtypes.bfloat16)
    return tensor.contiguous().numpy()


def gemm(work: GemmWorkload, inputs: Inputs) -> Contender | None:
    if work.dtype != work.out_dtype:
        return None
    a, b = _tensor(inputs["a"]), _tensor(inputs["b"])
    right = b.T if work.transpose_b else b
    out = torch.empty(work.M, work.N, dtype=a.dtype)
    return Contender(
        "torch", lambda: torch.mm(a, right, out=out), lambda: [_array(out)]
    )


def grouped_gemm(work: GroupedGemmWorkload, inputs: Inputs) -> Contender | None:
    if work.dtype != work.out_dtype:
        return None
    x, weights = _tensor(inputs["x"]), _tensor(inputs["weights"])
    out = torch.zeros(work.rows, work.N, dtype=x.dtype)
    ends = list(zip(work.offsets, work.offsets[1:], strict=False))

    def run() -> None:
        for expert, (first, last) in enumerate(ends):
            if first < last:
                torch.mm(x[first:last], weights[expert].T, out=out[first:last])

    return Contender("torch", run, lambda: [_array(out)])


def flash_fwd(work: FlashWorkload, inputs: Inputs) -> Contender | None:
    """In torch's own layout [batch, head, token, width], which is made before."""
    if work.causal and work.Sq != work.Sk:
        return None
    q, k, v = (
        _tensor(inputs[name]).transpose(1, 2).contiguous() for name in ("q", "k", "v")
    )
    kept: list[torch.Tensor] = []

    def run() -> None:
        kept[:] = [
            F.scaled_dot_product_attention(
                q, k, v, is_causal=work.causal, enable_gqa=work.G != work.H
            )
        ]

    return Contender("torch", run, lambda: [_array(kept[0].transpose(1, 2))])


def mla_decode(work: MlaDecodeWorkload, inputs: Inputs) -> Contender | None:
    """Sequence by sequence, over keys that were gathered from their pages before."""
    if work.Sq != 1:
        return None
    q, cache = _tensor(inputs["q"]), _tensor(inputs["cache"])
    keys = []
    for row, length in zip(inputs["block_table"], work.lengths, strict=True):
        pages = torch.from_numpy(row[: -(-length // work.page)].astype(np.int64))
        keys.append(cache[pages].reshape(-1, cache.shape[-1])[:length].contiguous())
    kept: list[torch.Tensor] = []

    def run() -> None:
        kept.clear()
        for b, key in enumerate(keys):
            scores = torch.softmax(q[b, 0] @ key.T * float(V3_SCALE), -1)
            kept.append(scores @ key[:, : work.latent])

    return Contender("torch", run, lambda: [_array(torch.stack(kept))])


def softmax(work: SoftmaxWorkload, inputs: Inputs) -> Contender | None:
    x = _tensor(inputs["x"])
    out = torch.empty_like(x)
    return Contender(
        "torch", lambda: torch.softmax(x, -1, out=out), lambda: [_array(out)]
    )


def rmsnorm(work: RmsnormWorkload, inputs: Inputs) -> Contender | None:
    """Torch takes no output here: the call allocates it."""
    x = _tensor(inputs["x"])
    weight = _tensor(inputs["weight"]).to(_DTYPES[work.dtype])
    kept: list[torch.Tensor] = []

    def run() -> None:
        kept[:] = [F.rms_norm(x, (work.N,), weight, work.eps)]

    return Contender("torch", run, lambda: [_array(kept[0])])


RIVALS = {
    "gemm": gemm,
    "grouped_gemm": grouped_gemm,
    "flash_fwd": flash_fwd,
    "mla_decode": mla_decode,
    "softmax": softmax,
    "rmsnorm": rmsnorm,
}
