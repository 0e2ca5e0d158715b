"""What the row normalizations compute, in float64."""

from __future__ import annotations

from tiledsl.testing import Array, Bounded, bounded_math, exact
from tiledsl_kernels.reference.online_softmax import exp_below, rescaled, row_shift

# Blocks of columns in which an online softmax may visit a row.
_COLUMNS_PER_RESCALE = 64


def softmax_reference(x: Array, out_dtype: str) -> Bounded:
    """Each row: exp(x - m) / sum exp(x - m), m its largest element."""
    scores = exact(x)
    shift = row_shift(scores)
    powers = exp_below(scores, shift)
    rescales = -(-x.shape[1] // _COLUMNS_PER_RESCALE)
    total = bounded_math.sum_along(rescaled(powers, scores, rescales), -1)
    weight = 1.0 / total
    return (powers * weight.reshape(-1, 1)).cast(out_dtype)


def rmsnorm_reference(x: Array, weight: Array, eps: float, out_dtype: str) -> Bounded:
    """X * rsqrt(mean(x^2) + eps) * weight."""
    rows = exact(x)
    squares = bounded_math.sum_along(rows * rows, -1)
    scale = bounded_math.rsqrt(squares / float(x.shape[1]) + eps)
    return (rows * scale.reshape(-1, 1) * exact(weight)).cast(out_dtype)
