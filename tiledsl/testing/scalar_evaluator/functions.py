"""Math functions: Python's libm in float64, with results where it raises instead."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

Function = Callable[..., float]


def _total(function: Function, domain_error: float = math.nan) -> Function:
    """``function`` with NaN for a domain error and infinity for an overflow."""

    def evaluate(*operands: float) -> float:
        try:
            return function(*operands)
        except ValueError:
            return domain_error
        except OverflowError:
            return math.inf

    return evaluate


def _logarithm(function: Function) -> Function:
    def evaluate(a: float) -> float:
        return -math.inf if a == 0 else _total(function)(a)

    return evaluate


def _log1p(a: float) -> float:
    return -math.inf if a == -1 else _total(math.log1p)(a)


def _reciprocal_root(a: float) -> float:
    if a == 0:
        return math.copysign(math.inf, a)
    return math.nan if a < 0 else 1.0 / math.sqrt(a)


def _sinh(a: float) -> float:
    try:
        return math.sinh(a)
    except OverflowError:
        return math.copysign(math.inf, a)


def _atanh(a: float) -> float:
    return math.copysign(math.inf, a) if abs(a) == 1 else _total(math.atanh)(a)


def _sigmoid(a: float) -> float:
    if a >= 0:
        return 1.0 / (1.0 + math.exp(-a))
    power = math.exp(a)
    return power / (1.0 + power)


def _power(a: float, b: float) -> float:
    odd = math.isfinite(b) and math.fmod(abs(b), 2.0) == 1
    try:
        return math.pow(a, b)
    except ValueError:
        if a == 0:
            return math.copysign(math.inf, a) if odd else math.inf
        return math.nan
    except OverflowError:
        return -math.inf if a < 0 and odd else math.inf


FUNCTIONS: Final[dict[str, Function]] = {
    "exp": _total(math.exp),
    "exp2": _total(math.exp2),
    "exp10": lambda a: _power(10.0, a),
    "log": _logarithm(math.log),
    "log2": _logarithm(math.log2),
    "log10": _logarithm(math.log10),
    "log1p": _log1p,
    "rsqrt": _reciprocal_root,
    "sin": _total(math.sin),
    "cos": _total(math.cos),
    "tanh": math.tanh,
    "erf": math.erf,
    "tan": _total(math.tan),
    "asin": _total(math.asin),
    "acos": _total(math.acos),
    "atan": math.atan,
    "atan2": math.atan2,
    "sinh": _sinh,
    "cosh": _total(math.cosh),
    "asinh": math.asinh,
    "acosh": _total(math.acosh),
    "atanh": _atanh,
    "hypot": math.hypot,
    "pow": _power,
    "sigmoid": _sigmoid,
}
