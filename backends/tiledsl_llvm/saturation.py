"""Floats to integers without poison: toward zero, saturating, NaN becomes 0 (rule L35).

LLVM's own saturating conversion does the same, but takes vectors apart.
"""

from __future__ import annotations

from tiledsl_llvm.text import Builder
from tiledsl_llvm.values import BITS, Value, floating, integer

_PRECISION = {"float": 24, "double": 53}


def to_integer(b: Builder, x: Value, element: str, *, signed: bool) -> Value:
    """The nearest value of the integer type toward zero."""
    bits = BITS[element]
    low = -(1 << (bits - 1)) if signed else 0
    high = (1 << (bits - 1 if signed else bits)) - 1
    # the largest float that is not above `high`
    magnitude = bits - 1 if signed else bits
    top = (
        float(high)
        if magnitude <= _PRECISION[x.element]
        else _below(magnitude, x.element)
    )
    inside = at_least(b, at_most(b, x, top), float(low))
    inside = b.select(b.compare("uno", x, x), floating(0.0, x.element), inside)
    wide = element if bits >= 32 else "i32"
    operation = "fptosi" if signed or bits < 32 else "fptoui"
    result = b.convert("trunc", b.convert(operation, inside, wide), element)
    if top == float(high):
        return result
    over = b.compare("ogt", x, floating(top, x.element))
    return b.select(over, integer(high, element), result)


def _below(exponent: int, element: str) -> float:
    """The largest float below 2^exponent."""
    return float(2**exponent - 2 ** (exponent - _PRECISION[element]))


def at_most(b: Builder, x: Value, limit: float) -> Value:
    """The smaller; NaN stays NaN."""
    bound = floating(limit, x.element, x.lanes)
    return b.select(b.compare("ogt", x, bound), bound, x)


def at_least(b: Builder, x: Value, limit: float) -> Value:
    """The larger; NaN stays NaN."""
    bound = floating(limit, x.element, x.lanes)
    return b.select(b.compare("olt", x, bound), bound, x)


def small_integer(b: Builder, x: Value, element: str) -> Value:
    """A float that is known to be small, or NaN, which becomes 0."""
    number = b.select(b.compare("uno", x, x), floating(0.0, x.element), x)
    return b.convert("fptosi", number, element)
