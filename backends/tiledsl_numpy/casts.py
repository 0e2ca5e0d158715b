"""Conversions between dtypes: one rounding, from the exact source value (rule L35)."""

from __future__ import annotations

import numpy as np

from tiledsl.ir.dtypes import FLOAT64, DType
from tiledsl_numpy.exact_sums import integer_to_odd
from tiledsl_numpy.rounding import round_to_format

# conversions in which the carrier's own astype rounds once, to nearest even
_NATIVE = frozenset(
    [
        ("float32", "float16"),
        ("float32", "bfloat16"),
        ("float64", "float16"),
        ("float64", "float32"),
        ("float64", "tfloat32"),
    ]
)


def cast(
    value: np.ndarray,
    source: DType,
    target: DType,
    rounding: str = "rn",
    saturate: bool = True,
) -> np.ndarray:
    """``value`` of dtype ``source`` converted to ``target``, in its carrier."""
    carrier = target.as_numpy()
    if value.dtype == carrier and source == target:
        return value
    if target.is_float:
        return _to_float(value, source, target, rounding, saturate)
    if source.is_float:
        value = _widen(value, source)
        if target.kind != "bool":
            return _to_integer(value, target)
    if target.kind == "bool":
        truth: np.ndarray = value != 0
        return truth
    whole: np.ndarray = value.astype(carrier)
    return _low_half(whole, target) if target.is_packed else whole


def from_number(value: float, target: DType) -> np.ndarray:
    """A Python number as a scalar of ``target``, converted like any other value."""
    source = FLOAT64 if target.is_float else target
    scalar: np.ndarray = np.array(value, source.as_numpy())[()]
    return cast(scalar, source, target)


def _widen(value: np.ndarray, source: DType) -> np.ndarray:
    """A float in float32 or float64; exact."""
    return value if source.is_arithmetic else value.astype(np.float32)


def _low_half(value: np.ndarray, target: DType) -> np.ndarray:
    """The low four bits of integers, read as those of ``target``."""
    low: np.ndarray = value & value.dtype.type(15)
    if target == "int4":
        low = (low ^ low.dtype.type(8)) - low.dtype.type(8)
    return low


def _to_integer(value: np.ndarray, target: DType) -> np.ndarray:
    """Toward zero, saturating; NaN gives 0."""
    whole = np.trunc(value.astype(np.float64))
    carrier = target.as_numpy()
    lowest, highest = int(target.minimum), int(target.maximum)
    # highest may not be a float64, highest + 1 always is
    inside = (whole >= float(lowest)) & (whole < float(highest + 1))
    result = np.where(inside, whole, 0.0).astype(carrier)
    result = np.where(whole >= float(highest + 1), carrier.type(highest), result)
    return np.where(whole < float(lowest), carrier.type(lowest), result)


def _to_float(
    value: np.ndarray, source: DType, target: DType, rounding: str, saturate: bool
) -> np.ndarray:
    carrier = target.as_numpy()
    if not source.is_float:
        return _integer_to_float(value, target, saturate)
    value = _widen(value, source)
    nearest = rounding == "rn"
    if _keeps_values(source, target):
        return value.astype(carrier)
    if nearest and (str(source.evaluation), str(target)) in _NATIVE:
        return value.astype(carrier)
    exact = value.astype(np.float64)
    return round_to_format(exact, target, rounding, saturate).astype(carrier)


def _keeps_values(source: DType, target: DType) -> bool:
    """Whether every value of ``source`` is one of ``target``: float32 upward."""
    if target == "float64":
        return True
    return target in ("float32", "tfloat32") and source != "float64"


def _integer_to_float(value: np.ndarray, target: DType, saturate: bool) -> np.ndarray:
    carrier = target.as_numpy()
    if target in ("float32", "tfloat32", "float64"):
        return value.astype(carrier)
    exact = integer_to_odd(value)
    return round_to_format(exact, target, "rn", saturate).astype(carrier)


def bitcast(value: np.ndarray, target: DType) -> np.ndarray:
    """The same bits; any non-zero byte is a true bool."""
    if target.kind == "bool":
        result: np.ndarray = value.view(np.uint8) != 0
        return result
    if not target.is_packed:
        return value.view(target.as_numpy())
    codes = value.view(np.uint8) & np.uint8(15)
    if target == "int4":
        return _low_half(codes.view(np.int8), target)
    return codes.view(target.as_numpy())
