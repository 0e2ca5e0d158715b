"""The typed functions that users call: shapes, defaults, refusals, torch tensors."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from tiledsl_kernels.attention.flash_fwd import flash_fwd
from tiledsl_kernels.attention.mla_decode import V3_SCALE, mla_decode
from tiledsl_kernels.attention.sparse_mla_fwd import sparse_mla_fwd
from tiledsl_kernels.gemm.gemm import gemm
from tiledsl_kernels.moe.grouped_gemm import grouped_gemm
from tiledsl_kernels.moe.moe_gate import moe_gate
from tiledsl_kernels.norm.rmsnorm import rmsnorm
from tiledsl_kernels.norm.softmax import softmax

from tiledsl import ArgumentError

F32 = np.float32
BACKEND = "numpy"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(2)


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape, dtype=F32)


def test_gemm(rng: np.random.Generator) -> None:
    a, b = normal(rng, 3, 5), normal(rng, 5, 4)
    c = gemm(a, b, transpose_b=False, out_dtype="float32", backend=BACKEND)
    np.testing.assert_allclose(c, a @ b, rtol=1e-5, atol=1e-6)
    d = gemm(
        a.astype(ml_dtypes.bfloat16),
        np.ascontiguousarray(b.T).astype(ml_dtypes.bfloat16),
        backend=BACKEND,
    )
    assert d.dtype == ml_dtypes.bfloat16
    np.testing.assert_allclose(d.astype(F32), a @ b, rtol=0.05, atol=0.1)


def test_rows(rng: np.random.Generator) -> None:
    x, w = normal(rng, 3, 70), normal(rng, 70)
    np.testing.assert_allclose(
        softmax(x, backend=BACKEND).sum(-1), np.ones(3), rtol=1e-5
    )
    y = rmsnorm(x, w, eps=0.5, backend=BACKEND)
    expected = x * w / np.sqrt((x * x).mean(-1, keepdims=True) + 0.5)
    np.testing.assert_allclose(y, expected, rtol=1e-5)


def test_flash_fwd(rng: np.random.Generator) -> None:
    q, k, v = (
        normal(rng, 1, 4, 2, 16),
        normal(rng, 1, 6, 1, 16),
        normal(rng, 1, 6, 1, 8),
    )
    o, lse = flash_fwd(q, k, v, causal=False, backend=BACKEND)
    z = q[0, :, 1] @ k[0, :, 0].T / 4
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    np.testing.assert_allclose(o[0, :, 1], p @ v[0, :, 0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(lse[0, 1], np.log(np.exp(z).sum(-1)), rtol=1e-4)
    last, _ = flash_fwd(q[:, 3:], k, v, backend=BACKEND)
    np.testing.assert_allclose(last[0, 0, 1], o[0, 3, 1], rtol=1e-4, atol=1e-6)
    with pytest.raises(ArgumentError, match="a divisor of 3 heads, got 2"):
        flash_fwd(
            normal(rng, 1, 4, 3, 8), normal(rng, 1, 4, 2, 8), normal(rng, 1, 4, 2, 8)
        )
    with pytest.raises(ArgumentError, match="positive finite number"):
        flash_fwd(q, k, v, scale=-1.0)


def test_latent_attention(rng: np.random.Generator) -> None:
    assert pytest.approx(192**-0.5 * 1.8739, rel=1e-4) == V3_SCALE
    q, cache = normal(rng, 1, 1, 3, 24), normal(rng, 2, 16, 1, 24)
    table, lengths = np.int32([[1, 0]]), np.int32([20])
    o, lse = mla_decode(q, cache, table, lengths, latent=16, backend=BACKEND)
    assert o.shape == (1, 1, 3, 16)
    assert lse.shape == (1, 1, 3)
    flat = np.concatenate([cache[1], cache[0, :4]])[None]
    rows = np.arange(20, dtype=np.int32).reshape(1, 1, 1, 20)
    same, same_lse = sparse_mla_fwd(q, flat, rows, latent=16, backend=BACKEND)
    np.testing.assert_allclose(o, same, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(lse, same_lse, rtol=1e-5)
    for call in (
        lambda: mla_decode(q, cache, table, lengths, scale=0.0),
        lambda: sparse_mla_fwd(q, flat, rows, scale=0.0),
    ):
        with pytest.raises(ArgumentError, match="positive finite number"):
            call()


def test_experts(rng: np.random.Generator) -> None:
    logits, bias = normal(rng, 5, 16), np.zeros(16, F32)
    chosen, weights = moe_gate(
        logits, bias, topk=3, groups=4, keep=2, route_scale=1.0, backend=BACKEND
    )
    assert chosen.dtype == np.int64
    np.testing.assert_allclose(weights.sum(-1), np.ones(5), rtol=1e-5)
    assert (np.diff(weights, axis=-1) <= 0).all()
    x, w = normal(rng, 6, 8), normal(rng, 2, 4, 8)
    y = grouped_gemm(x, w, np.int32([0, 2, 5]), out_dtype="float32", backend=BACKEND)
    np.testing.assert_allclose(y[:2], x[:2] @ w[0].T, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(y[2:5], x[2:5] @ w[1].T, rtol=1e-4, atol=1e-5)
    assert not y[5:].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 5}, "a divisor of 16 experts, got 5"),
        ({"groups": 0}, "a divisor of 16 experts, got 0"),
        ({"topk": 9, "groups": 4, "keep": 2}, "1 to 8 experts, got 9"),
        ({"topk": 1, "groups": 4, "keep": 5}, "1 to 4 groups, got 5"),
        ({"topk": 0, "groups": 4, "keep": 2}, "1 to 8 experts, got 0"),
    ],
)
def test_impossible_choices_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        moe_gate(np.zeros((1, 16), F32), np.zeros(16, F32), **options)


def test_offsets_must_fit_the_experts(rng: np.random.Generator) -> None:
    with pytest.raises(ArgumentError, match="expected 3 offsets, got 2"):
        grouped_gemm(normal(rng, 6, 8), normal(rng, 2, 4, 8), np.int32([0, 2]))


def test_torch_in_torch_out(rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    a = torch.from_numpy(normal(rng, 20, 33)).to(torch.bfloat16)
    b = torch.from_numpy(normal(rng, 7, 33)).to(torch.bfloat16)
    c = gemm(a, b, backend=BACKEND)
    assert c.dtype == torch.bfloat16
    expected = a.to(torch.float32) @ b.to(torch.float32).T
    assert torch.allclose(c.to(torch.float32), expected, rtol=0.01, atol=0.01)


WRAPPERS = [
    (gemm, (2, 2)),
    (softmax, (2,)),
    (rmsnorm, (2, 1)),
    (flash_fwd, (4, 4, 4)),
    (mla_decode, (4, 4, 2, 1)),
    (sparse_mla_fwd, (4, 4, 4)),
    (moe_gate, (2, 1)),
    (grouped_gemm, (2, 3, 1)),
]


@pytest.mark.parametrize(("wrapper", "ranks"), WRAPPERS)
def test_every_argument_must_be_an_array_of_its_rank(wrapper, ranks) -> None:
    good = [np.zeros((16,) * rank, F32) for rank in ranks]
    for position, rank in enumerate(ranks):
        for bad in (None, [[1.0]], 3, np.zeros((2,) * (rank + 1), F32)):
            arguments = [*good[:position], bad, *good[position + 1 :]]
            with pytest.raises(ArgumentError, match="E1030"):
                wrapper(*arguments)
