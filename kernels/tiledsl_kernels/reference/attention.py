"""What the attention kernels compute, in float64."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tiledsl.testing import Array, Bounded, bounded_math, exact
from tiledsl.testing.bounds import Booleans, Floats
from tiledsl_kernels.reference.online_softmax import exp_below, rescaled, row_shift

# Keys in a block of an online softmax: the fewer, the more rescalings may happen.
_KEYS_PER_RESCALE = 16


def flash_fwd_reference(
    q: Array, k: Array, v: Array, scale: float, *, causal: bool
) -> tuple[Bounded, Bounded]:
    """O [B, Sq, H, Dv] and natural log-sum-exp [B, H, Sq]; see ``flash_fwd``."""
    group = q.shape[2] // k.shape[2]
    queries = exact(q).transpose(0, 2, 1, 3)
    keys = exact(k).transpose(0, 2, 1, 3).repeat(group, 1)
    values = exact(v).transpose(0, 2, 1, 3).repeat(group, 1)
    rows, columns = q.shape[1], k.shape[1]
    seen = np.ones((rows, columns), np.bool_)
    if causal:
        seen = np.tril(seen, columns - rows)
    o, lse = attend(queries, keys, values, seen, scale, str(q.dtype))
    return o.transpose(0, 2, 1, 3), lse


def attend(
    queries: Bounded,
    keys: Bounded,
    values: Bounded,
    seen: Booleans,
    scale: float,
    dtype: str,
) -> tuple[Bounded, Bounded]:
    """Stacked attention: [.., M, D], [.., N, D], [.., N, Dv], and which pairs count.

    Probabilities are rounded to ``dtype`` before they meet the values, as is the result.
    Rows that see no key give 0 and -inf.
    """
    axes = (*range(keys.value.ndim - 2), keys.value.ndim - 1, keys.value.ndim - 2)
    scores = bounded_math.matmul(queries, keys.transpose(*axes)) * scale
    # in base 2 the factor scale * log2(e) is rounded once more, and so is the product
    scores = (scores * 1.0).widened(2.0**-23 * np.abs(scores.value))
    scores = bounded_math.where(seen, scores, -np.inf)
    shift = row_shift(scores)
    rescales = -(-keys.shape[-2] // _KEYS_PER_RESCALE) + 1
    powers = rescaled(exp_below(scores, shift), scores, rescales)
    total = bounded_math.sum_along(powers, -1)
    summed = bounded_math.matmul(powers.cast(dtype), values)
    # each rescaling of the accumulator is a product more
    empty: Booleans = np.logical_not(np.any(seen, axis=-1))
    divisor = bounded_math.where(empty, 1.0, total)
    o = (summed / divisor.reshape(*divisor.shape, 1)).cast(dtype)
    o = bounded_math.where(empty[..., None], 0.0, o)
    base = Bounded(shift[..., 0], 4 * 2.0**-24 * np.abs(shift[..., 0]))
    lse = bounded_math.log(divisor) + base
    return o, bounded_math.where(empty, -np.inf, lse)


def mla_decode_reference(
    q: Array,
    cache: Array,
    block_table: npt.NDArray[np.int32],
    seqlens: npt.NDArray[np.int32],
    scale: float,
    latent: int,
) -> tuple[Bounded, Bounded]:
    """O [B, Sq, H, latent] and log-sum-exp [B, Sq, H]; see ``mla_decode``."""
    batch, rows, heads, _ = q.shape
    page = cache.shape[1]
    outputs = []
    for b in range(batch):
        length = int(seqlens[b])
        pages = block_table[b, : -(-length // page)]
        tokens = cache[pages, :, 0].reshape(-1, cache.shape[-1])[:length]
        row = np.arange(rows)[:, None]
        # query i of a step sees the keys up to its own position
        seen = np.arange(length)[None, :] <= length - rows + row
        queries = exact(q[b]).reshape(rows * heads, -1)
        o, lse = attend(
            queries,
            exact(tokens),
            exact(tokens[:, :latent]),
            np.repeat(seen, heads, 0),
            scale,
            str(q.dtype),
        )
        outputs.append((o.reshape(rows, heads, latent), lse.reshape(rows, heads)))
    return _stack([o for o, _ in outputs]), _stack([lse for _, lse in outputs])


def sparse_mla_reference(
    q: Array, kv: Array, indices: npt.NDArray[np.int32], scale: float, latent: int
) -> tuple[Bounded, Bounded]:
    """O [B, S, H, latent] and log-sum-exp [B, S, H]; see ``sparse_mla_fwd``."""
    chosen = indices[:, :, 0]
    valid = (chosen >= 0) & (chosen < kv.shape[1])
    rows = np.where(valid, chosen, 0)
    batch = np.arange(q.shape[0])[:, None, None]
    gathered = np.zeros((*rows.shape, kv.shape[-1]), kv.dtype)
    if kv.shape[1]:
        # rows behind invalid indices may hold anything: they are replaced, not scaled
        gathered = np.where(valid[..., None], kv[batch, rows, 0], gathered)
    tokens = exact(gathered)
    return attend(
        exact(q),
        tokens,
        tokens[..., :latent],
        np.repeat(valid[:, :, None, :], q.shape[2], 2),
        scale,
        str(q.dtype),
    )


def _stack(parts: list[Bounded]) -> Bounded:
    value: Floats = np.stack([part.value for part in parts])
    return Bounded(value, np.stack([part.error for part in parts]))
