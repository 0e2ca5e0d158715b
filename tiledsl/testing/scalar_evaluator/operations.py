"""One scalar operation on values of one dtype."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from tiledsl.ir.dtypes import DType
from tiledsl.testing.scalar_evaluator import floats, integers
from tiledsl.testing.scalar_evaluator.conversion import Value, narrow, wrap
from tiledsl.testing.scalar_evaluator.functions import FUNCTIONS

_TESTS: Final[dict[str, Callable[..., bool]]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "isnan": math.isnan,
    "isinf": math.isinf,
    "isfinite": math.isfinite,
}

_LOGICAL: Final[dict[str, Callable[..., bool]]] = {
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "xor": lambda a, b: a != b,
    "not": lambda a: not a,
}


def apply(name: str, operands: tuple[Value, ...], dtype: DType) -> Value:
    """The operation's value; ``dtype`` is that of the operands."""
    if name in _TESTS:
        return _TESTS[name](*operands)
    if dtype.kind == "bool":
        return _LOGICAL[name](*operands)
    if dtype.is_float:
        return _float(name, operands, dtype)
    if name in integers.SIZED:
        return wrap(integers.SIZED[name](*operands, dtype), dtype)
    return wrap(integers.PLAIN[name](*operands), dtype)


def _float(name: str, operands: tuple[Value, ...], dtype: DType) -> float:
    if name in floats.SIZED:
        return floats.SIZED[name](*operands, dtype)
    if name in floats.PLAIN:
        return floats.PLAIN[name](*operands)
    return narrow(FUNCTIONS[name](*operands), dtype)
