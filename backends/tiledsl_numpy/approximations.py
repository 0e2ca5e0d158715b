"""Math functions within their published error (language.md section 4).

A float32 argument is evaluated in float64 and rounded once, so the result is within a
hair of half an ulp.  float64 functions are NumPy's, or libm's where those are better.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Function = Callable[..., np.ndarray]


def _through_float64(function: Function) -> Function:
    """``function`` of float64, also for float32 operands."""

    def evaluate(*operands: np.ndarray) -> np.ndarray:
        wide = [operand.astype(np.float64, copy=False) for operand in operands]
        return function(*wide).astype(operands[0].dtype)

    return evaluate


def _one_by_one(function: Callable[[float], float]) -> Function:
    """A function of the standard library, applied to each element."""

    def evaluate(operand: np.ndarray) -> np.ndarray:
        results = map(function, operand.ravel().tolist())
        flat = np.fromiter(results, np.float64, operand.size)
        return flat.reshape(operand.shape)

    return evaluate


def _reciprocal_root(a: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.divide(1.0, np.sqrt(a))
    return result


def _sigmoid(a: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.divide(1.0, 1.0 + np.exp(-a))
    return result


def _power_of_ten(a: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.power(np.float64(10.0), a)
    return result


_OF_FLOAT64: dict[str, Function] = {
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
    "tanh": np.tanh,
    "erf": _one_by_one(math.erf),
    "tan": np.tan,
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

APPROXIMATIONS: dict[str, Function] = {
    name: _through_float64(function) for name, function in _OF_FLOAT64.items()
}
