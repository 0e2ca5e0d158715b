"""Reference values of the math functions, more precise than what they judge.

float32 results are judged by float64, float64 results by NumPy's long double where that
has more bits; elsewhere ``reference_error`` is added to the limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from tiledsl.ir.dtypes import DType
from tiledsl.testing.accuracy.elementwise import Array

Function = Callable[..., Array]

_PRECISE = bool(np.finfo(np.longdouble).nmant > 60)


def reference_error(dtype: DType) -> float:
    """What the reference itself may be off, in ulp of ``dtype``."""
    if dtype != "float64":
        return 0.0
    return 1 / 128 if _PRECISE else 2.0


def reference(name: str, operands: tuple[Array, ...]) -> Array:
    """A function's values for float32 or float64 operands, in a wider dtype."""
    wide = np.float64 if operands[0].dtype == np.float32 else np.longdouble
    with np.errstate(all="ignore"):
        return _FUNCTIONS[name](*(operand.astype(wide) for operand in operands))


def _reciprocal_root(a: Array) -> Array:
    return np.asarray(1 / np.sqrt(a))


def _power_of_ten(a: Array) -> Array:
    return np.asarray(np.power(a.dtype.type(10), a))


def _sigmoid(a: Array) -> Array:
    small = np.exp(-np.abs(a))
    return np.asarray(np.where(a < 0, small, 1) / (1 + small))


def _erf(a: Array) -> Array:
    if a.dtype == np.float64:
        return np.fromiter(map(math.erf, a.tolist()), np.float64, len(a))
    return _erf_series(a)


def _erf_series(a: Array) -> Array:
    """``2/sqrt(pi) e^(-x^2)`` times the sum of ``2^n x^(2n+1) / (2n+1)!!``.

    All terms are positive, so nothing cancels; from 6.5 on the result rounds to one.
    """
    x = np.minimum(np.abs(a), a.dtype.type(6.5))
    term, total = x, x
    for n in range(1, 250):
        term = term * (2 * x * x) / (2 * n + 1)
        total = total + term
    scale = 2 / np.sqrt(4 * np.arctan(a.dtype.type(1)))
    value = np.where(np.isnan(a), a, scale * np.exp(-x * x) * total)
    return np.asarray(np.copysign(value, a))


_FUNCTIONS: Final[dict[str, Function]] = {
    "exp": np.exp,
    "exp2": np.exp2,
    "exp10": _power_of_ten,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "rsqrt": _reciprocal_root,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "erf": _erf,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "hypot": np.hypot,
    "pow": np.power,
    "sigmoid": _sigmoid,
}
