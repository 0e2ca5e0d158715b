"""Functions, selections, reductions and products of ``Bounded`` arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tiledsl.ir.ops import SCALAR_OPS
from tiledsl.testing.bounds import (
    Booleans,
    Bounded,
    Decision,
    Floats,
    Operand,
    as_bounded,
    half_subnormal,
    rounded,
    roundoff,
    smallest_normal,
    summation_factor,
)

# ------------------------------------------------------- monotone functions


def exp(x: Bounded) -> Bounded:
    return _monotone("exp", np.exp, x)


def exp2(x: Bounded) -> Bounded:
    return _monotone("exp2", np.exp2, x)


def log(x: Bounded) -> Bounded:
    return _monotone("log", np.log, x)


def log2(x: Bounded) -> Bounded:
    return _monotone("log2", np.log2, x)


def sqrt(x: Bounded) -> Bounded:
    return _monotone("sqrt", np.sqrt, x)


def rsqrt(x: Bounded) -> Bounded:
    return _monotone("rsqrt", lambda a: 1.0 / np.sqrt(a), x)


def tanh(x: Bounded) -> Bounded:
    return _monotone("tanh", np.tanh, x)


def sigmoid(x: Bounded) -> Bounded:
    return _monotone("sigmoid", lambda a: 1.0 / (1.0 + np.exp(-a)), x)


def _monotone(name: str, function: Callable[[Floats], Floats], x: Bounded) -> Bounded:
    """The range of the function over the operand's interval, plus its own ulps.

    An ulp is at most two roundoffs of the value; a subnormal result or operand may be
    read as zero (rule L38).
    """
    tiny = smallest_normal(x.dtype) if SCALAR_OPS[name].ulp else 0.0
    with np.errstate(all="ignore"):
        value = function(x.value)
        reach = np.where(np.abs(x.value) < tiny, np.maximum(x.error, tiny), x.error)
        spread = np.maximum(
            np.abs(function(x.value + reach) - value),
            np.abs(function(x.value - reach) - value),
        )
        spread = np.where(np.isfinite(value) & np.isnan(spread), np.inf, spread)
        spread = np.where(reach == 0, 0.0, spread)
        spread = np.where(np.isfinite(value), spread, np.where(x.error > 0, np.inf, 0))
        own = max(0.0, 2 * SCALAR_OPS[name].ulp - 1) * roundoff(x.dtype)
        flush = tiny if SCALAR_OPS[name].ulp else half_subnormal(x.dtype)
        # a result of exactly zero at -inf stays so
        own_error = own * np.abs(value) + np.where(np.isinf(x.value), 0.0, flush)
    return rounded(value, spread + own_error, x.dtype)


# ------------------------------------------------------ selections, extrema


def where(condition: Booleans | Decision, then: Operand, otherwise: Operand) -> Bounded:
    """An undecided condition allows either arm: the bound covers both."""
    dtype = next(x.dtype for x in (then, otherwise) if isinstance(x, Bounded))
    a, b = as_bounded(then, dtype), as_bounded(otherwise, dtype)
    if not isinstance(condition, Decision):
        condition = Decision(condition, np.ones_like(condition, dtype=np.bool_))
    value = np.where(condition.value, a.value, b.value)
    error = np.where(condition.value, a.error, b.error)
    with np.errstate(invalid="ignore"):
        hull = np.abs(a.value - b.value) + np.maximum(a.error, b.error)
    same = np.equal(a.value, b.value) & np.isinf(a.value)
    hull = np.where(np.isnan(hull) & ~same, np.inf, hull)
    return Bounded(value, np.where(condition.decided, error, hull), dtype)


def maximum(a: Bounded, b: Operand) -> Bounded:
    """The larger; NaN is ignored (rule L34)."""
    c = as_bounded(b, a.dtype)
    return _extreme(
        np.fmax(a.value, c.value),
        np.fmax(a.value + a.error, c.value + c.error),
        np.fmax(a.value - a.error, c.value - c.error),
        a,
    )


def minimum(a: Bounded, b: Operand) -> Bounded:
    """The smaller; NaN is ignored."""
    return -maximum(-a, -as_bounded(b, a.dtype))


def max_along(x: Bounded, axis: int) -> Bounded:
    """The largest element along ``axis``, -inf if there is none; NaN is ignored."""

    def largest(values: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            result: Floats = np.fmax.reduce(values, axis=axis, initial=-np.inf)
        return result

    return _extreme(
        largest(x.value), largest(x.value + x.error), largest(x.value - x.error), x
    )


def _extreme(value: Floats, upper: Floats, lower: Floats, like: Bounded) -> Bounded:
    with np.errstate(invalid="ignore"):
        distance = np.maximum(upper - value, value - lower)
        unknown = np.where(np.isposinf(upper) & ~np.isposinf(value), np.inf, 0.0)
        error = np.where(np.isfinite(value), distance, unknown)
    return Bounded(value, error, like.dtype)


# --------------------------------------------------------- sums and products


def sum_along(x: Bounded, axis: int) -> Bounded:
    """The sum along ``axis``, in any order."""
    factor = summation_factor(x.value.shape[axis], x.dtype)
    with np.errstate(all="ignore"):
        value = np.sum(x.value, axis=axis)
        own = np.sum(x.error, axis=axis)
        error = own + factor * (np.sum(np.abs(x.value), axis=axis) + own)
    return _unrounded(value, error, x)


def fma(a: Bounded, b: Bounded, c: Bounded) -> Bounded:
    """a·b + c, whether rounded once or twice."""
    return a * b + c


def matmul(a: Bounded, b: Bounded) -> Bounded:
    """The product of (stacks of) matrices, sums in any order, subnormals flushed or not."""
    terms = a.value.shape[-1]
    factor = summation_factor(terms, a.dtype)
    size_a, size_b = np.abs(a.value), np.abs(b.value)
    with np.errstate(all="ignore"):
        value = np.matmul(a.value, b.value)
        error = factor * np.matmul(size_a + a.error, size_b + b.error)
        if b.error.any():
            error += np.matmul(size_a, b.error)
        if a.error.any():
            error += np.matmul(a.error, size_b + b.error)
        error += _flushed(a, b, terms)
    return _unrounded(value, error, a)


def _flushed(a: Bounded, b: Bounded, terms: int) -> float:
    """What subnormal operands and results may lose in a matrix instruction."""
    if terms == 0:
        return 0.0
    largest = sum(
        float(np.max(np.abs(x.value), initial=0.0, where=np.isfinite(x.value)))
        for x in (a, b)
    )
    return terms * smallest_normal(a.dtype) * (1.0 + largest)


def _unrounded(value: Floats, error: Floats, like: Bounded) -> Bounded:
    """A result whose last rounding is already in ``error``."""
    return Bounded(value, np.zeros_like(value), like.dtype).widened(error)
