"""The float64 references agree with independent formulations, and their bounds hold."""

from __future__ import annotations

import numpy as np
import pytest
from tiledsl_kernels.reference.attention import (
    attend,
    flash_fwd_reference,
    mla_decode_reference,
    sparse_mla_reference,
)
from tiledsl_kernels.reference.gemm import gemm_reference, grouped_gemm_reference
from tiledsl_kernels.reference.moe import moe_gate_reference
from tiledsl_kernels.reference.norm import rmsnorm_reference, softmax_reference

from tiledsl.testing import Bounded, bounded_math, compare, exact

F32 = np.float32


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def close(value: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(value, expected, rtol=1e-11, atol=1e-12)


def test_gemm_and_grouped_gemm(rng: np.random.Generator) -> None:
    a, b = (
        rng.standard_normal((5, 7)).astype(F32),
        rng.standard_normal((7, 3)).astype(F32),
    )
    close(
        gemm_reference(a, b, "float32").value,
        np.einsum("mk,kn->mn", a, b, dtype=np.float64),
    )
    x, w = (
        rng.standard_normal((9, 4)).astype(F32),
        rng.standard_normal((3, 2, 4)).astype(F32),
    )
    x[0] = x[8] = np.nan
    y = grouped_gemm_reference(x, w, np.int32([1, 4, 4, 8]), "float32")
    for row in range(9):
        expert = 0 if 1 <= row < 4 else 2 if 4 <= row < 8 else None
        expected = (
            np.zeros(2) if expert is None else w[expert] @ x[row].astype(np.float64)
        )
        close(y.value[row], expected)
        assert (y.error[row] == 0).all() == (expert is None)


def test_softmax_and_rmsnorm(rng: np.random.Generator) -> None:
    x = (rng.standard_normal((4, 30)) * 10).astype(F32)
    x[1, 4:] = -np.inf
    close(softmax_reference(x, "float32").value, softmax(x.astype(np.float64)))
    w = rng.standard_normal(30).astype(F32)
    x = rng.standard_normal((4, 30)).astype(F32)
    rms = np.sqrt((x.astype(np.float64) ** 2).sum(-1, keepdims=True) / 30 + 1e-6)
    close(rmsnorm_reference(x, w, 1e-6, "float32").value, x / rms * w)


def test_softmax_of_special_rows() -> None:
    x = np.full((4, 5), 1, F32)
    x[0] = -np.inf
    x[1, 2] = np.nan
    x[2, 2] = np.inf
    y = softmax_reference(x, "float32")
    assert np.isnan(y.value[:3]).all()
    assert not y.error[:3].any()
    close(y.value[3], np.full(5, 0.2))


@pytest.mark.parametrize(("rows", "columns"), [(6, 6), (4, 9), (9, 4)])
@pytest.mark.parametrize("causal", [True, False])
def test_flash_attention(
    rng: np.random.Generator, rows: int, columns: int, causal: bool
) -> None:
    q = rng.standard_normal((2, rows, 4, 8)).astype(F32)
    k = rng.standard_normal((2, columns, 2, 8)).astype(F32)
    v = rng.standard_normal((2, columns, 2, 5)).astype(F32)
    o, lse = flash_fwd_reference(q, k, v, 0.3, causal=causal)
    for b, i, h in np.ndindex(2, rows, 4):
        count = min(columns, i + columns - rows + 1) if causal else columns
        if count <= 0:
            assert not o.value[b, i, h].any()
            assert lse.value[b, h, i] == -np.inf
            continue
        z = 0.3 * k[b, :count, h // 2].astype(np.float64) @ q[b, i, h]
        close(o.value[b, i, h], softmax(z) @ v[b, :count, h // 2].astype(np.float64))
        close(lse.value[b, h, i], np.log(np.exp(z).sum()))


def test_absorbed_latent_attention_is_expanded_attention(
    rng: np.random.Generator,
) -> None:
    heads, nope, rope, latent, length, page = 3, 6, 4, 8, 11, 4
    w_k = rng.standard_normal((heads, nope, latent))
    w_v = rng.standard_normal((heads, 5, latent))
    q_nope, q_rope = (
        rng.standard_normal((heads, nope)),
        rng.standard_normal((heads, rope)),
    )
    absorbed = np.einsum("hn,hnc->hc", q_nope, w_k)
    q = np.concatenate([absorbed, q_rope], -1).astype(F32)[None, None]
    cache = np.full((5, page, 1, latent + rope), np.nan, F32)
    tokens = rng.standard_normal((length, latent + rope)).astype(F32)
    table = np.int32([[3, 0, 4, -1]])
    for t in range(length):
        cache[table[0, t // page], t % page, 0] = tokens[t]
    o, lse = mla_decode_reference(q, cache, table, np.int32([length]), 0.25, latent)
    c, k_rope = tokens[:, :latent].astype(np.float64), tokens[:, latent:]
    keys = np.einsum("tc,hnc->thn", c, w_k)
    z = 0.25 * (np.einsum("hn,thn->ht", q_nope, keys) + q_rope @ k_rope.T)
    expanded = np.einsum("ht,thv->hv", softmax(z), np.einsum("tc,hvc->thv", c, w_v))
    # the absorbed query was rounded to float32
    projected = np.einsum("hc,hvc->hv", o.value[0, 0], w_v)
    np.testing.assert_allclose(projected, expanded, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(lse.value[0, 0], np.log(np.exp(z).sum(-1)), rtol=1e-5)


def test_a_step_of_several_queries_is_causal(rng: np.random.Generator) -> None:
    q = rng.standard_normal((1, 3, 2, 6)).astype(F32)
    cache = rng.standard_normal((1, 8, 1, 6)).astype(F32)
    table = np.zeros((1, 1), np.int32)
    whole, _ = mla_decode_reference(q, cache, table, np.int32([7]), 0.5, 4)
    for i in range(3):
        alone, _ = mla_decode_reference(
            q[:, i : i + 1], cache, table, np.int32([7 - 2 + i]), 0.5, 4
        )
        close(whole.value[:, i], alone.value[:, 0])


def test_sparse_attention_to_all_rows_is_dense(rng: np.random.Generator) -> None:
    q = rng.standard_normal((1, 2, 3, 6)).astype(F32)
    kv = rng.standard_normal((1, 9, 1, 6)).astype(F32)
    kv[0, 8] = np.nan
    indices = np.full((1, 2, 1, 12), -1, np.int32)
    indices[0, 0, 0, :8] = rng.permutation(8)
    indices[0, 0, 0, 8:] = [-(2**31), 2**31 - 1, 9, -9]
    o, lse = sparse_mla_reference(q, kv, indices, 0.5, 4)
    table = np.zeros((1, 1), np.int32)
    dense, dense_lse = mla_decode_reference(q[:, :1], kv, table, np.int32([8]), 0.5, 4)
    close(o.value[:, :1], dense.value)
    close(lse.value[:, :1], dense_lse.value)
    assert not o.value[:, 1].any()
    assert np.isneginf(lse.value[:, 1]).all()


def test_gate_against_plain_loops(rng: np.random.Generator) -> None:
    logits = (np.round(rng.standard_normal((50, 24)) * 2) / 2).astype(F32)
    bias = np.zeros(24, F32)
    chosen, weights = moe_gate_reference(
        logits, bias, topk=5, groups=6, keep=3, route_scale=2.5
    )
    assert chosen.undecided is not None
    assert not chosen.undecided.all()
    for t in range(50):
        if chosen.undecided[t].any():
            continue
        score = 1 / (1 + np.exp(-logits[t].astype(np.float64)))
        value = [sum(sorted(score[g * 4 : g * 4 + 4])[-2:]) for g in range(6)]
        kept = sorted(range(6), key=lambda g, value=value: (-value[g], g))[:3]
        allowed = [e for e in range(24) if e // 4 in kept]
        best = sorted(allowed, key=lambda e, score=score: (-score[e], e))[:5]
        assert chosen.value[t].tolist() == best
        close(weights.value[t], score[best] / score[best].sum() * 2.5)


def test_gate_says_where_rounding_decides() -> None:
    logits = np.float32([[0.5, np.nextafter(F32(0.5), F32(1)), 0.1, 0.1]])
    flat = np.zeros(4, F32)
    unclear, weights = moe_gate_reference(
        logits, flat, topk=1, groups=1, keep=1, route_scale=1.0
    )
    assert unclear.undecided is not None
    assert unclear.undecided.all()
    assert np.isinf(weights.error).all()
    # the first three are unclear only in their order, which counts too
    equal, _ = moe_gate_reference(
        logits[:, 2:], flat[2:], topk=1, groups=1, keep=1, route_scale=1.0
    )
    assert equal.undecided is not None
    assert not equal.undecided.any()
    assert equal.value.tolist() == [[0]]


def online_attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, block: int, drop: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """One-pass attention in float32 in blocks of keys, as a kernel does it."""
    factor = F32(0.35 * np.log2(np.e))
    largest = np.full(len(q), -np.inf, F32)
    total, acc = np.zeros(len(q), F32), np.zeros((len(q), v.shape[1]), F32)
    for start in range(0, len(k) - drop, block):
        keys, values = k[start : start + block], v[start : start + block]
        s = q @ keys.T
        before, largest = largest, np.maximum(largest, s.max(-1))
        shrink = np.exp2(before * factor - largest * factor).astype(F32)
        p = np.exp2(s * factor - (largest * factor)[:, None]).astype(F32)
        total = total * shrink + p.sum(-1, dtype=F32)
        acc = acc * shrink[:, None] + p @ values
    return acc / total[:, None], largest * F32(0.35) + np.log(total)


@pytest.mark.parametrize("spread", [0.1, 1.0, 8.0])
@pytest.mark.parametrize("block", [16, 48, 400])
def test_online_attention_is_within_the_bound(
    rng: np.random.Generator, spread: float, block: int
) -> None:
    q = (rng.standard_normal((20, 32)) * spread).astype(F32)
    k, v = (rng.standard_normal((321, 32)).astype(F32) for _ in range(2))
    seen = np.ones((20, 321), np.bool_)
    o, lse = attend(exact(q), exact(k), exact(v), seen, 0.35, "float32")
    got_o, got_lse = online_attention(q, k, v, block)
    for name, got, expected in (("o", got_o, o), ("lse", got_lse, lse)):
        result = compare(name, got, expected)
        assert result.ok, str(result)
        assert 0 < result.worst_share < 0.7


@pytest.mark.parametrize("planted", ["last key", "unscaled", "inexact division"])
def test_planted_errors_of_attention_are_seen(
    rng: np.random.Generator, planted: str
) -> None:
    q, k, v = (rng.standard_normal((n, 32)).astype(F32) for n in (20, 321, 321))
    seen = np.ones((20, 321), np.bool_)
    o, _ = attend(exact(q), exact(k), exact(v), seen, 0.35, "float32")
    wrong = {
        "last key": online_attention(q, k[:-1], v[:-1], 32)[0],
        "unscaled": online_attention(q * F32(1.001), k, v, 32)[0],
        "inexact division": online_attention(q, k, v, 32)[0] * F32(1.001),
    }[planted]
    assert not compare("o", wrong, o).ok


def test_bounds_of_rounded_probabilities_hold(rng: np.random.Generator) -> None:
    q, k, v = (rng.standard_normal((n, 32)).astype(F32) for n in (20, 64, 64))
    seen = np.ones((20, 64), np.bool_)
    o, _ = attend(exact(q), exact(k), exact(v), seen, 0.35, "bfloat16")
    s = q @ k.T * F32(0.35)
    p = np.exp(s - s.max(-1, keepdims=True))
    got = (p.astype("bfloat16").astype(F32) @ v) / p.sum(-1, keepdims=True)
    assert compare("o", got.astype("bfloat16"), o).ok


def test_tight_enough_to_be_useful(rng: np.random.Generator) -> None:
    x = rng.standard_normal((8, 512)).astype(F32)
    y = softmax_reference(x, "float32")
    assert (y.error / y.value).max() < 2e-4
    n: Bounded = rmsnorm_reference(x, np.ones(512, F32), 1e-6, "float32")
    assert (n.error / np.abs(n.value)).max() < 1e-4
    assert bounded_math.max_along(exact(x), -1).error.max() == 0
