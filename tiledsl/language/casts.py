"""Conversions between element types (rules L35, L36)."""

from __future__ import annotations

import math
from typing import overload

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.builder import here
from tiledsl.frontend.conversion import check_rounding, convert
from tiledsl.frontend.scalars import Scalar, scalar
from tiledsl.frontend.values import ScalarLike, Value, apply, as_value, operand
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Bitcast
from tiledsl.language.dtypes import dtype as dtype_of
from tiledsl.language.packs import Pack, cast_pack, pack_dtype, reinterpret_pack


@overload
def cast(
    value: ScalarLike, dtype: object, round: str = "", sat: bool = True
) -> Value: ...
@overload
def cast(value: Pack, dtype: object, round: str = "", sat: bool = True) -> Pack: ...
def cast(
    value: ScalarLike | Pack, dtype: object, round: str = "", sat: bool = True
) -> Value | Pack:
    """``value`` in another dtype, rounded once from its exact value.

    Floats narrow to the nearest even (``round``: "rz", "rp" or "rm" choose another
    direction); the 8-bit floats saturate unless ``sat`` is False.  Floats become integers
    toward zero, saturating, NaN as 0; integers keep their low bits; a number is True
    unless it is 0.  A pack is converted lane by lane, to a dtype of as many lanes.
    E0302: a literal that the integer dtype cannot hold.

    >>> cast(3, "int8").dtype
    DType('int8')
    """
    if isinstance(value, Pack):
        return cast_pack(value, dtype, lambda lane, to: cast(lane, to, round, sat))
    target = DType(dtype_of(dtype))
    rounding = check_rounding(round, target)
    return apply(
        lambda data: scalar(
            convert(data, target, implicit=False, rounding=rounding, saturate=sat),
            target,
        ),
        value,
    )


def Cast(dtype: object, value: ScalarLike) -> Value:
    """``cast`` with the dtype first."""
    return cast(value, dtype)


def reinterpret(value: ScalarLike | Pack, dtype: object) -> Value | Pack:
    """The bits of ``value``, rounded to its own dtype, read as a dtype of equal width.

    A pack of lanes, such as ``bfloat16x2`` or ``int8x4``, counts as one word of up to 64
    bits, its first lane in the lowest bits.
    E0308: the widths differ.

    >>> reinterpret(cast(1.0, "float32"), "uint32").dtype
    DType('uint32')
    """
    if dtype == "handle":
        return as_value(value)  # the placeholder in T.attr (rule L83)
    if isinstance(value, Pack) or pack_dtype(dtype) is not None:
        return reinterpret_pack(value, dtype, dtype_of)
    target = DType(dtype_of(dtype))
    source = operand(value)
    if not isinstance(source, Scalar):
        raise KernelError(
            "E0308",
            "a literal has no bits of its own",
            span=here(),
            got=brief(value),
            hint="give it a dtype first: T.float32(1.0)",
        )
    own = source.dtype
    if own.bits != target.bits:
        raise KernelError(
            "E0308",
            "reinterpret needs dtypes of equal width",
            span=here(),
            expected=f"a dtype of {own.bits} bits",
            got=f"{own} as {target}",
        )
    return apply(
        lambda data: scalar(
            Bitcast(convert(data, own, implicit=False), target, span=here()), target
        ),
        value,
    )


def infinity(dtype: object) -> float:
    """Positive infinity, for a dtype that has one (E0309 otherwise).

    >>> -infinity("bfloat16")
    -inf
    """
    target = dtype_of(dtype)
    if not target.has_infinity:
        raise KernelError(
            "E0309",
            f"{target} has no infinity",
            span=here(),
            hint=f"use T.max_value({str(target)!r}) or T.min_value({str(target)!r})",
        )
    return math.inf


def max_value(dtype: object) -> int | float:
    """The largest finite value of a dtype.

    >>> max_value("int8"), max_value("float16")
    (127, 65504.0)
    """
    return dtype_of(dtype).maximum


def min_value(dtype: object) -> int | float:
    """The smallest finite value of a dtype.

    >>> min_value("uint8"), min_value("int16")
    (0, -32768)
    """
    return dtype_of(dtype).minimum
