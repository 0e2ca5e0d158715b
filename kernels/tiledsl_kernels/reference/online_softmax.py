"""Error bounds that hold for one-pass (online) softmax as well as for the plain one.

Subtracting the same shift from every score of a row leaves softmax and log-sum-exp
unchanged, so the error of the computed maximum plays no role: the shift is exact here.
What an online evaluation adds is a few more factors, each with its own roundings.
"""

from __future__ import annotations

import numpy as np

from tiledsl.testing import Bounded, bounded_math, roundoff
from tiledsl.testing.bounds import Floats


def row_shift(scores: Bounded) -> Floats:
    """The largest score of each row, kept as an axis; 0 if it is -inf."""
    largest = bounded_math.max_along(scores, -1).value[..., None]
    return np.where(np.isneginf(largest), 0.0, largest)


def exp_below(scores: Bounded, shift: Floats) -> Bounded:
    """exp(score - shift), whether or not the products in both were rounded apart."""
    u = roundoff(scores.dtype)
    error = np.where(np.isfinite(shift), 2 * u * np.abs(shift), 0.0)
    difference = scores - Bounded(shift, error, scores.dtype)
    return bounded_math.exp(difference)


def rescaled(powers: Bounded, scores: Bounded, rescales: int) -> Bounded:
    """Powers that were multiplied by up to ``rescales`` factors exp(m_old - m_new).

    A factor errs by 4 roundoffs of exp (2 ulp), one of the product, and by the absolute
    error of its argument: a roundoff of both scaled maxima and of their difference.
    """
    u = roundoff(powers.dtype)
    with np.errstate(invalid="ignore"):
        finite = np.where(np.isfinite(scores.value), np.abs(scores.value), 0.0)
    largest = finite.max(axis=-1, keepdims=True, initial=0.0)
    relative = np.expm1(rescales * u * (6 + 4 * largest))
    with np.errstate(invalid="ignore"):
        return powers.widened((np.abs(powers.value) + powers.error) * relative)
