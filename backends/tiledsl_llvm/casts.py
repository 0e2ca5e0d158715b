"""Conversions (language rule L35): each value is rounded once, from its exact source."""

from __future__ import annotations

from tiledsl.ir.dtypes import FLOAT32, DType
from tiledsl_llvm.machine import Machine
from tiledsl_llvm.narrow_floats import decode, encode
from tiledsl_llvm.representation import element_of
from tiledsl_llvm.saturation import to_integer
from tiledsl_llvm.text import Builder
from tiledsl_llvm.values import BITS, Value, floating, integer


def convert(
    builder: Builder,
    machine: Machine,
    value: Value,
    source: DType,
    target: DType,
    rounding: str = "rn",
    saturate: bool = True,
) -> Value:
    """The value of dtype ``source`` as a ``target``."""
    if source == target or {source, target} == {"float32", "tfloat32"}:
        return value
    if source.is_float and not source.is_arithmetic and element_of(source) != "float":
        value, source = decode(builder, machine, value, source), FLOAT32
        if target == FLOAT32:
            return value
    if target.kind == "bool":
        return _to_bool(builder, value)
    if not target.is_float:
        return _to_integer(builder, value, source, target)
    if not source.is_float:
        return _from_integer(
            builder, machine, value, source, target, (rounding, saturate)
        )
    return _to_float(builder, machine, value, target, (rounding, saturate))


def _to_bool(builder: Builder, value: Value) -> Value:
    if value.element in ("float", "double"):
        return builder.compare("une", value, floating(0.0, value.element))
    return builder.compare("ne", value, integer(0, value.element))


def _to_integer(builder: Builder, value: Value, source: DType, target: DType) -> Value:
    element = element_of(target)
    if source.is_float:
        return to_integer(builder, value, element, signed=target.is_signed)
    if BITS[element] < value.bits:
        return builder.convert("trunc", value, element)
    widen = "sext" if source.is_signed and source.kind != "bool" else "zext"
    return builder.convert(widen, value, element)


def _from_integer(
    builder: Builder,
    machine: Machine,
    value: Value,
    source: DType,
    target: DType,
    how: tuple[str, bool],
) -> Value:
    operation = "sitofp" if source.is_signed and source.kind != "bool" else "uitofp"
    element = element_of(target)
    nearest = how[0] == "rn"
    if element in ("float", "double") and nearest:
        return builder.convert(operation, value, element)
    if value.bits == 64:
        value = _sticky(builder, value)
    exact = builder.convert(operation, value, "double")
    return _to_float(builder, machine, exact, target, how)


def _sticky(builder: Builder, value: Value) -> Value:
    """A 64-bit integer of 53 significant bits that rounds as ``value`` to fewer bits.

    The last bit kept is set if a bit dropped was; small values are not touched.
    """
    low = builder.binary("and", value, integer(0x7FF))
    odd = builder.binary("or", value, builder.binary("add", low, integer(0x7FF)))
    kept = builder.binary("and", odd, integer(~0x7FF))
    # |value| < 2^53 is exact as it is; the distance from -2^53 is below 2^54
    shifted = builder.binary("add", value, integer(1 << 53))
    small = builder.compare("ult", shifted, integer(1 << 54))
    return builder.select(small, value, kept)


def _to_float(
    builder: Builder,
    machine: Machine,
    value: Value,
    target: DType,
    how: tuple[str, bool],
) -> Value:
    """From float or double."""
    element = element_of(target)
    if value.element == element:
        return value
    if element == "double":
        return builder.convert("fpext", value, "double")
    if element == "float":
        return narrow_double(builder, value, how[0])
    if value.element == "double":
        value = narrow_double(builder, value, "odd")
    return encode(builder, machine, value, target, *how)


def narrow_double(builder: Builder, value: Value, rounding: str) -> Value:
    """A double as float32 in a rounding direction.

    ``odd`` keeps the last bit set whenever the result is inexact: a second rounding to a
    narrower format then gives what one rounding would.
    """
    near = builder.convert("fptrunc", value, "float")
    if rounding == "rn":
        return near
    back = builder.convert("fpext", near, "double")
    bits = builder.convert("bitcast", near, "i32")
    one = integer(1, "i32")
    less, more = builder.binary("sub", bits, one), builder.binary("add", bits, one)
    size, size_near = builder.intrinsic("fabs", value), builder.intrinsic("fabs", back)
    over = builder.compare("ogt", size_near, size)
    under = builder.compare("olt", size_near, size)
    if rounding in ("odd", "rz"):
        result = builder.select(over, less, bits)
        if rounding == "odd":
            inexact = builder.binary("or", over, under)
            result = builder.select(inexact, builder.binary("or", result, one), result)
        return builder.convert("bitcast", result, "float")
    # rp moves away from zero what is positive, rm what is negative
    raw = builder.convert("bitcast", value, "i64")
    negative = builder.compare("slt", raw, integer(0))
    away = (
        negative
        if rounding == "rm"
        else builder.binary("xor", negative, integer(1, "i1"))
    )
    outward = builder.select(under, more, bits)
    inward = builder.select(over, less, bits)
    return builder.convert("bitcast", builder.select(away, outward, inward), "float")
