"""The error of a float in units of the last place of the right result."""

from __future__ import annotations

import itertools

import numpy as np

from tiledsl.testing.accuracy.elementwise import Array
from tiledsl.testing.accuracy.references import reference


def errors(name: str, operands: tuple[Array, ...], found: Array) -> Array:
    """In ulp; infinite where NaN, an infinity or a zero is in the wrong place.

    A function may read a subnormal operand as 0 and give 0 for a subnormal result.
    """
    best = _distance(found, reference(name, operands))
    tiny = np.finfo(found.dtype).tiny
    for flushed in itertools.product((False, True), repeat=len(operands)):
        small = [
            (np.abs(operand) < tiny) & (operand != 0) & flush
            for operand, flush in zip(operands, flushed, strict=True)
        ]
        rows = np.flatnonzero(np.logical_or.reduce(small))
        if not rows.size:
            continue
        read = tuple(
            np.where(less[rows], np.copysign(0, operand[rows]), operand[rows])
            for less, operand in zip(small, operands, strict=True)
        )
        values = reference(name, tuple(v.astype(found.dtype) for v in read))
        best[rows] = np.minimum(best[rows], _distance(found[rows], values))
    return best


def _distance(found: Array, exact: Array) -> Array:
    """In ulp of ``found``'s dtype at the exact value.

    Beyond the largest value the unit stays; infinity stands one unit after it.
    """
    info = np.finfo(found.dtype)
    largest, tiny = exact.dtype.type(info.max), exact.dtype.type(info.tiny)
    with np.errstate(all="ignore"):
        top = largest + np.exp2(exact.dtype.type(info.maxexp - 1 - info.nmant))
        size = np.clip(np.abs(exact), tiny, largest)
        unit = np.ldexp(exact.dtype.type(1), np.frexp(size)[1] - 1 - info.nmant)
        near = np.clip(found.astype(exact.dtype), -top, top)
        error = np.abs(near - np.clip(exact, -top, top)) / unit
    error = np.where((found == 0) & (np.abs(exact) < tiny), 0, error)
    both = np.isnan(found) & np.isnan(exact)
    either = np.isnan(found) | np.isnan(exact)
    # an infinity out of nothing, or none for an exact one
    poles = np.isinf(exact) & (found != exact)
    poles |= np.isinf(found) & (np.abs(exact) < largest / 2)
    error = np.where(both, 0, np.where(either | poles, np.inf, error))
    with np.errstate(over="ignore"):
        distance: Array = error.astype(np.float64)
    # what is not a number is no distance either
    return np.where(distance >= 0, distance, np.inf)
