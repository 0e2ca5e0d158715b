"""Scalar operations on constants, with exactly the meanings of ``ops.py``.

Only operations with one correct result are folded: those on integers and bools, and the
exactly rounded ones on floats.  ``None`` means: leave it to the backend.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from tiledsl.analysis.interval import truncated
from tiledsl.ir.dtypes import BOOL, DType
from tiledsl.ir.literals import fits
from tiledsl.ir.nodes import Bitcast, Cast, Const
from tiledsl.ir.ops import SCALAR_OPS

Number = int | float | bool


def wrapped(value: int, dtype: DType) -> int:
    """The integer of ``dtype`` that is congruent modulo 2^bits."""
    value &= (1 << dtype.bits) - 1
    return value - (1 << dtype.bits) if value > dtype.maximum else value


def fold_apply(op: str, args: tuple[Const, ...]) -> Const | None:
    """The constant that an operation on constants gives."""
    dtype = args[0].dtype
    result = BOOL if SCALAR_OPS[op].result == "bool" else dtype
    if dtype.is_float:
        rule = _FLOAT.get(op)
        if rule is None:
            return None
        scalar = dtype.as_numpy().type
        with np.errstate(all="ignore"):
            number = rule(*(scalar(arg.value) for arg in args))
        return Const(bool(number) if result == BOOL else float(number), result)
    values = [int(arg.value) for arg in args]
    if op in _BITS:
        return _number(_BITS[op](dtype, *values), result)
    exact = INTEGER_RULES.get(op)
    return None if exact is None else _number(exact(*values), result)


def _number(value: int, dtype: DType) -> Const:
    return Const(bool(value & 1) if dtype == BOOL else wrapped(value, dtype), dtype)


def fold_cast(cast: Cast) -> Const | None:
    """The constant that a conversion of a constant gives (rule L35)."""
    if not isinstance(cast.value, Const):
        return None
    value, dtype = cast.value.value, cast.dtype
    if dtype == BOOL:
        return Const(bool(value != 0), BOOL)
    if not dtype.is_float:
        number = _to_integer(value, dtype)
        return Const(wrapped(number, dtype), dtype)
    if dtype.bits <= 8 and math.isinf(value):
        return None  # saturates or not
    if fits(float(value), dtype) and float(value) == value:
        return Const(float(value), dtype)
    if dtype not in ("float32", "float64") or cast.rounding != "rn":
        return None
    with np.errstate(all="ignore"):
        if isinstance(value, float):
            return Const(float(dtype.as_numpy().type(value)), dtype)
        carrier = cast.value.dtype.as_numpy().type(value)
        return Const(float(carrier.astype(dtype.as_numpy())), dtype)


def _to_integer(value: Number, dtype: DType) -> int:
    if not isinstance(value, float):
        return int(value)
    if math.isnan(value):
        return 0
    if math.isinf(value):
        return int(dtype.maximum if value > 0 else dtype.minimum)
    return min(max(math.trunc(value), int(dtype.minimum)), int(dtype.maximum))


def fold_bitcast(bitcast: Bitcast) -> Const | None:
    """The constant with the same bits; not for NaN, whose bits are unspecified."""
    const = bitcast.value
    if not isinstance(const, Const) or const.value != const.value:
        return None
    if const.dtype.is_packed:
        return None  # half of its carrier's bits
    stored = np.array(const.value, dtype=const.dtype.as_numpy())
    number = stored.view(bitcast.dtype.as_numpy()).item()
    if isinstance(number, int | float | bool) and fits(number, bitcast.dtype):
        return Const(number, bitcast.dtype)
    return None


# ------------------------------------------------------------------ integers


def _floordiv(a: int, b: int) -> int:
    return a // b if b else 0


def _truncdiv(a: int, b: int) -> int:
    return truncated(a, b) if b else 0


# exact integers, to be wrapped afterwards
INTEGER_RULES: Final[dict[str, Callable[..., int]]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
    "abs": abs,
    "min": min,
    "max": max,
    "floordiv": _floordiv,
    "floormod": lambda a, b: a - _floordiv(a, b) * b,
    "truncdiv": _truncdiv,
    "truncmod": lambda a, b: a - _truncdiv(a, b) * b,
    "ceildiv": lambda a, b: -(-a // b) if b else 0,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "not": lambda a: ~a,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


def _shl(dtype: DType, a: int, b: int) -> int:
    count = b % (1 << dtype.bits)
    return a << count if count < dtype.bits else 0


def _shr(dtype: DType, a: int, b: int) -> int:
    return a >> min(b % (1 << dtype.bits), dtype.bits)


def _unsigned(dtype: DType, a: int) -> int:
    return a % (1 << dtype.bits)


# ... that depend on the number of bits
_BITS: Final[dict[str, Callable[..., int]]] = {
    "shl": _shl,
    "shr": _shr,
    "popcount": lambda dtype, a: _unsigned(dtype, a).bit_count(),
    "clz": lambda dtype, a: dtype.bits - _unsigned(dtype, a).bit_length(),
}

# -------------------------------------------------------------------- floats

Scalar = np.floating
Rule = Callable[..., "np.floating | np.bool"]


def _least(a: Scalar, b: Scalar) -> Scalar:
    if np.isnan(a) or np.isnan(b):
        return b if np.isnan(a) else a
    if a == b:
        return a if np.signbit(a) else b
    return a if a < b else b


def _greatest(a: Scalar, b: Scalar) -> Scalar:
    return -_least(-a, -b)


def _with_nan(rule: Callable[[Scalar, Scalar], Scalar]) -> Rule:
    return lambda a, b: a + b if np.isnan(a) or np.isnan(b) else rule(a, b)


_FLOAT: Final[dict[str, Rule]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "abs": np.abs,
    "min": _least,
    "max": _greatest,
    "min_nan": _with_nan(_least),
    "max_nan": _with_nan(_greatest),
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "round": np.rint,
    "sqrt": np.sqrt,
    "copysign": np.copysign,
}
