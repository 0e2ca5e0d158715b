"""Reading and writing float16, bfloat16 and the 8-bit floats by integer arithmetic.

Processors without conversion instructions give the same bits as those with them.
"""

from __future__ import annotations

from dataclasses import dataclass

from tiledsl.ir.dtypes import DType
from tiledsl_llvm.machine import Machine
from tiledsl_llvm.text import Builder
from tiledsl_llvm.values import Value, floating, integer

_SIGN = -(1 << 31)
_INFINITY = 0x7F800000


@dataclass(frozen=True, slots=True)
class _Format:
    """An exponent-and-fraction format narrower than float32, without its sign bit."""

    bits: int
    fraction: int
    largest: int  # code of the largest finite value
    nan: int
    infinity: int | None

    @property
    def bias(self) -> int:
        return (1 << (self.bits - 2 - self.fraction)) - 1


_FORMATS = {
    "float16": _Format(16, 10, 0x7BFF, 0x7E00, 0x7C00),
    "bfloat16": _Format(16, 7, 0x7F7F, 0x7FC0, 0x7F80),
    "float8_e4m3fn": _Format(8, 3, 0x7E, 0x7F, None),
    "float8_e5m2": _Format(8, 2, 0x7B, 0x7E, 0x7C),
}


def decode(builder: Builder, machine: Machine, bits: Value, dtype: DType) -> Value:
    """The float32 value of a code."""
    if dtype == "float8_e8m0fnu":
        return _decode_scale(builder, bits)
    wide = builder.convert("zext", bits, "i32")
    if dtype == "bfloat16":
        moved = builder.binary("shl", wide, integer(16, "i32"))
        return builder.convert("bitcast", moved, "float")
    if dtype == "float16" and machine.has_half_conversion:
        half = builder.convert("bitcast", bits, "half")
        return builder.convert("fpext", half, "float")
    return _decode(builder, wide, _FORMATS[dtype])


def _decode(builder: Builder, code: Value, form: _Format) -> Value:
    sign_position = form.bits - 1
    size = builder.binary("and", code, integer((1 << sign_position) - 1, "i32"))
    moved = builder.binary("shl", size, integer(23 - form.fraction, "i32"))
    normal = builder.binary("add", moved, integer((127 - form.bias) << 23, "i32"))
    count = builder.convert("uitofp", size, "float")
    least = floating(2.0 ** (1 - form.bias - form.fraction))
    tiny = builder.convert("bitcast", builder.binary("fmul", count, least), "i32")
    is_tiny = builder.compare("ult", size, integer(1 << form.fraction, "i32"))
    result = builder.select(is_tiny, tiny, normal)
    first_special = form.nan if form.infinity is None else form.infinity
    special = builder.compare("uge", size, integer(first_special, "i32"))
    fraction = builder.binary("or", moved, integer(_INFINITY, "i32"))
    result = builder.select(special, fraction, result)
    sign = builder.binary("and", code, integer(1 << sign_position, "i32"))
    sign = builder.binary("shl", sign, integer(31 - sign_position, "i32"))
    return builder.convert("bitcast", builder.binary("or", result, sign), "float")


def encode(
    builder: Builder,
    machine: Machine,
    value: Value,
    dtype: DType,
    rounding: str,
    saturate: bool,
) -> Value:
    """The code of a float32 value."""
    if dtype == "float8_e8m0fnu":
        return _encode_scale(builder, value, rounding)
    if dtype == "float16" and rounding == "rn" and machine.has_half_conversion:
        return builder.convert(
            "bitcast", builder.convert("fptrunc", value, "half"), "i16"
        )
    if dtype == "bfloat16" and rounding == "rn":
        return _upper_half(builder, value)
    form = _FORMATS[dtype]
    bits = builder.convert("bitcast", value, "i32")
    size = builder.binary("and", bits, integer(0x7FFFFFFF, "i32"))
    sign = builder.binary("lshr", bits, integer(31, "i32"))
    code = _round_normal(builder, size, sign, form, rounding)
    if form.bias != 127:
        tiny = _round_tiny(builder, size, sign, form, rounding)
        least = integer((128 - form.bias) << 23, "i32")
        code = builder.select(builder.compare("ult", size, least), tiny, code)
    code = _overflow(builder, code, size, sign, form, rounding, saturate)
    is_nan = builder.compare("ugt", size, integer(_INFINITY, "i32"))
    code = builder.select(is_nan, integer(form.nan, "i32"), code)
    moved = builder.binary("shl", sign, integer(form.bits - 1, "i32"))
    return builder.convert("trunc", builder.binary("or", code, moved), f"i{form.bits}")


def _upper_half(builder: Builder, value: Value) -> Value:
    """The nearest bfloat16: float32 without its lower half.

    A carry out of the fraction raises the exponent, at the end to infinity, as it should;
    only NaN must not be rounded.
    """
    bits = builder.convert("bitcast", value, "i32")
    odd = builder.binary("lshr", bits, integer(16, "i32"))
    odd = builder.binary("and", odd, integer(1, "i32"))
    more = builder.binary("add", odd, integer(0x7FFF, "i32"))
    rounded = builder.binary("add", bits, more)
    quiet = builder.binary("and", bits, integer(_SIGN, "i32"))
    quiet = builder.binary("or", quiet, integer(0x7FC00000, "i32"))
    is_nan = builder.compare("uno", value, value)
    kept = builder.select(is_nan, quiet, rounded)
    return builder.convert(
        "trunc", builder.binary("lshr", kept, integer(16, "i32")), "i16"
    )


def _round_normal(
    builder: Builder, size: Value, sign: Value, form: _Format, rounding: str
) -> Value:
    if form.bias != 127:
        size = builder.binary("sub", size, integer((127 - form.bias) << 23, "i32"))
    drop = integer(23 - form.fraction, "i32")
    return _drop_bits(builder, size, drop, sign, rounding)


def _round_tiny(
    builder: Builder, size: Value, sign: Value, form: _Format, rounding: str
) -> Value:
    """The code below the smallest normal: a multiple of the least positive value."""
    exponent = builder.binary("lshr", size, integer(23, "i32"))
    has_lead = builder.compare("ne", exponent, integer(0, "i32"))
    lead = builder.select(has_lead, integer(1 << 23, "i32"), integer(0, "i32"))
    fraction = builder.binary("and", size, integer((1 << 23) - 1, "i32"))
    significand = builder.binary("or", fraction, lead)
    places = 23 - form.fraction + 128 - form.bias
    drop = builder.binary("sub", integer(places, "i32"), exponent)
    drop = builder.intrinsic("umin", drop, integer(26, "i32"))
    return _drop_bits(builder, significand, drop, sign, rounding)


def _drop_bits(
    builder: Builder, value: Value, count: Value, sign: Value, rounding: str
) -> Value:
    """``value / 2^count`` rounded to an integer."""
    one = integer(1, "i32")
    if rounding == "rz":
        return builder.binary("lshr", value, count)
    unit = builder.binary("shl", one, count)
    if rounding == "rn":
        odd = builder.binary("and", builder.binary("lshr", value, count), one)
        half = builder.binary("lshr", unit, one)
        more = builder.binary("add", builder.binary("sub", half, one), odd)
    else:
        grows = builder.compare(
            "eq", sign, integer(1 if rounding == "rm" else 0, "i32")
        )
        most = builder.binary("sub", unit, one)
        more = builder.select(grows, most, integer(0, "i32"))
    return builder.binary("lshr", builder.binary("add", value, more), count)


def _overflow(
    builder: Builder,
    code: Value,
    size: Value,
    sign: Value,
    form: _Format,
    rounding: str,
    saturate: bool,
) -> Value:
    over = builder.compare("sgt", code, integer(form.largest, "i32"))
    largest = integer(form.largest, "i32")
    if form.bits == 8 and saturate:
        return builder.select(over, largest, code)
    beyond = integer(form.nan if form.infinity is None else form.infinity, "i32")
    if rounding == "rz":
        kept: Value = largest
    elif rounding == "rn":
        kept = beyond
    else:
        grows = builder.compare(
            "eq", sign, integer(1 if rounding == "rm" else 0, "i32")
        )
        kept = builder.select(grows, beyond, largest)
    infinite = builder.compare("eq", size, integer(_INFINITY, "i32"))
    return builder.select(infinite, beyond, builder.select(over, kept, code))


def _decode_scale(builder: Builder, bits: Value) -> Value:
    """2^(code - 127); 0xFF is NaN."""
    code = builder.convert("zext", bits, "i32")
    moved = builder.binary("shl", code, integer(23, "i32"))
    least = builder.compare("eq", code, integer(0, "i32"))
    moved = builder.select(least, integer(1 << 22, "i32"), moved)
    none = builder.compare("eq", code, integer(255, "i32"))
    moved = builder.select(none, integer(0x7FC00000, "i32"), moved)
    return builder.convert("bitcast", moved, "float")


def _encode_scale(builder: Builder, value: Value, rounding: str) -> Value:
    """The nearest power of two, ties up, or the one in the given direction."""
    bits = builder.convert("bitcast", value, "i32")
    size = builder.binary("and", bits, integer(0x7FFFFFFF, "i32"))
    # between 2^-127, which has code 0, and 2^-126 the values are half as far apart
    step = {"rn": 1 << 22, "rp": (1 << 23) - 1}.get(rounding, 0)
    tiny = builder.compare("ult", size, integer(1 << 23, "i32"))
    more = builder.select(tiny, integer(step // 2, "i32"), integer(step, "i32"))
    code = builder.binary("lshr", builder.binary("add", size, more), integer(23, "i32"))
    code = builder.intrinsic("umin", code, integer(254, "i32"))
    is_nan = builder.compare("ugt", size, integer(_INFINITY, "i32"))
    negative = builder.compare("olt", value, floating(0.0))
    bad = builder.binary("or", is_nan, negative)
    code = builder.select(bad, integer(255, "i32"), code)
    return builder.convert("trunc", code, "i8")
