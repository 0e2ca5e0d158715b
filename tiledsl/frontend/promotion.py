"""The dtype in which two operands meet (rule L28): pure rules on dtypes."""

from __future__ import annotations

from typing import Final

from tiledsl.frontend.literals import Literal, fits, integer_literal_dtype
from tiledsl.ir.dtypes import BOOL, FLOAT32, FLOAT64, INT32, DType

_FLOAT32: Final = (
    "tfloat32",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e8m0fnu",
    "float4_e2m1fn",
)


def decoded(dtype: DType) -> DType:
    """The dtype an operand counts as.

    The 4- and 8-bit floats and tfloat32 count as float32, 4-bit integers as int32.
    """
    if dtype in ("int4", "uint4"):
        return INT32
    return FLOAT32 if dtype in _FLOAT32 else dtype


def promote(a: DType, b: DType, *, arithmetic: bool = True) -> DType:
    """The common dtype of two typed operands.

    ``arithmetic``: two bools give int32 rather than bool.

    >>> promote(DType("int32"), DType("uint32")), promote(DType("int64"), DType("float16"))
    (DType('uint32'), DType('float16'))
    """
    a, b = decoded(a), decoded(b)
    if a == BOOL and b == BOOL:
        return INT32 if arithmetic else BOOL
    if BOOL in (a, b):
        return b if a == BOOL else a
    if a.is_float and b.is_float:
        return _wider_float(a, b)
    if a.is_float or b.is_float:
        return a if a.is_float else b
    if a.bits != b.bits:
        return a if a.bits > b.bits else b
    return b if a.is_signed else a


def _wider_float(a: DType, b: DType) -> DType:
    if a.bits == b.bits:
        return a if a == b else FLOAT32
    return a if a.bits > b.bits else b


def mixes_signs(a: DType, b: DType) -> bool:
    """Whether two integers of equal width differ in signedness."""
    both = a.is_integer and b.is_integer
    return both and a.bits == b.bits and a.is_signed != b.is_signed


def literal_dtype(literal: Literal, beside: DType | None) -> DType:
    """The dtype of a literal beside a typed operand, or alone."""
    value = literal.value
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, float):
        return FLOAT64 if beside == FLOAT64 else FLOAT32
    if beside is not None and beside.is_float:
        return decoded(beside)
    if beside is not None and beside.is_integer and fits(value, decoded(beside)):
        return decoded(beside)
    return integer_literal_dtype(value)
