"""The value that a conversion must give (rule L35): exact, once, on whole arrays.

Written from the rule alone, in 64-bit integers; it shares nothing with a backend.
"""

from __future__ import annotations

import numpy as np

from tiledsl.ir.dtypes import DType
from tiledsl.testing.accuracy.elementwise import Array
from tiledsl.testing.accuracy.exact_values import Exact, bit_length, decode
from tiledsl.testing.scalar_evaluator.formats import FORMATS, Format

_ONE = np.uint64(1)


def convert_codes(
    codes: Array,
    source: DType,
    target: DType,
    rounding: str = "rn",
    saturate: bool = True,
) -> Array:
    """The codes in ``target`` of numbers given as codes of ``source``."""
    if FORMATS.get(source) == FORMATS.get(target) and source.is_float:
        return codes
    number = decode(codes, source)
    if target.kind == "bool":
        special = number.nan | number.infinite
        return np.asarray(special | (number.magnitude != 0), np.uint64)
    if target.is_float:
        return round_to_float(number, target, rounding, saturate)
    if source.is_float:
        return _float_to_integer(number, target)
    wrapped = np.where(number.negative, ~number.magnitude + _ONE, number.magnitude)
    return wrapped & _mask(target)


def round_to_float(
    number: Exact, target: DType, rounding: str = "rn", saturate: bool = True
) -> Array:
    """Exact numbers in a float format."""
    form = FORMATS[target]
    if form.specials == "power":
        return _to_power(number, rounding)
    steps, quantum_code = _in_quanta(number, form, rounding)
    # a carry out of the fraction moves into the exponent by itself
    code = (quantum_code << np.uint64(form.fraction)) + steps
    largest = np.uint64(_largest_code(form))
    beyond = (code > largest) | number.infinite
    code = np.where(beyond, _overflow(number, target, rounding, saturate), code)
    sign = number.negative.astype(np.uint64) << np.uint64(form.bits - 1)
    nan = np.uint64((1 << (form.bits - 1)) - 1)
    if form.specials == "finite":  # the last code is a number, which NaN becomes
        return np.where(number.nan, nan, code | sign)
    return np.where(number.nan | (beyond & (code == nan)), nan, code | sign)


def _overflow(number: Exact, target: DType, rounding: str, saturate: bool) -> Array:
    """The unsigned code beyond the largest finite value."""
    form = FORMATS[target]
    largest = np.uint64(_largest_code(form))
    if (saturate and target.bits == 8) or form.specials == "finite":
        return np.full(len(number.nan), largest)
    never = np.zeros(len(number.nan), bool)
    inward = {
        "rn": never,
        "rz": ~never,
        "rp": number.negative,
        "rm": ~number.negative,
    }[rounding]
    # infinity, or NaN in a format without one, comes right after the largest
    return np.where(inward & ~number.infinite, largest, largest + _ONE)


def _largest_code(form: Format) -> int:
    """The code of the largest finite value, without a sign."""
    everything = (1 << (form.exponent + form.fraction)) - 1
    if form.specials in ("fn", "finite"):
        return everything - (form.specials == "fn")
    return everything - (1 << form.fraction)


def _in_quanta(number: Exact, form: Format, rounding: str) -> tuple[Array, Array]:
    """Multiples of the last place, and how many binades above the smallest it is."""
    lowest = 1 - form.bias
    leading = number.exponent + bit_length(number.magnitude) - 1
    leading = np.where(number.magnitude == 0, lowest, np.maximum(leading, lowest))
    steps = divide_by_power(
        number.magnitude,
        leading - form.fraction - number.exponent,
        number.negative,
        rounding,
    )
    return steps, (leading - lowest).astype(np.uint64)


def divide_by_power(
    magnitude: Array, shift: Array, negative: Array, rounding: str
) -> Array:
    """Magnitudes divided by ``2**shift``, rounded to an integer in one direction."""
    left = np.clip(-shift, 0, 63).astype(np.uint64)
    right = np.clip(shift, 0, 63).astype(np.uint64)
    whole = np.where(shift > 63, np.uint64(0), magnitude >> right)
    rest = np.where(shift > 63, magnitude, magnitude - (whole << right))
    half = _ONE << (np.clip(shift, 1, 64) - 1).astype(np.uint64)
    up = _goes_up(whole, rest, half, shift > 64, negative, rounding) & (shift > 0)
    return np.where(shift > 0, whole + up, magnitude << left)


def _goes_up(
    whole: Array, rest: Array, half: Array, tiny: Array, negative: Array, rounding: str
) -> Array:
    """Whether the magnitude grows; ``tiny``: the rest is less than any half."""
    if rounding == "rn":
        odd = whole & _ONE != 0
        grows: Array = ((rest > half) | ((rest == half) & odd)) & ~tiny
        return grows
    if rounding == "rz":
        return np.zeros(len(whole), bool)
    return np.asarray((rest != 0) & (negative if rounding == "rm" else ~negative))


def _to_power(number: Exact, rounding: str) -> Array:
    """The code of a power of two: nearest and ties up, or up, or down."""
    length = bit_length(number.magnitude)
    power = _ONE << np.maximum(length - 1, 0).astype(np.uint64)
    rest = number.magnitude - np.where(number.magnitude == 0, 0, power)
    up = {"rn": rest >= power - rest, "rp": rest > 0}.get(rounding, np.False_)
    code = np.clip(number.exponent + length - 1 + 127 + up, 0, 254)
    code = np.where(number.magnitude == 0, 0, code)
    # at or below the smallest power there is nothing to round
    below = number.exponent + length - 1 < -127
    code = np.where(number.infinite, 254, np.where(below, 0, code))
    minus = number.negative & (number.infinite | (number.magnitude != 0))
    return np.where(number.nan | minus, 255, code).astype(np.uint64)


def _float_to_integer(number: Exact, target: DType) -> Array:
    """Toward zero, saturating; NaN gives 0."""
    whole = divide_by_power(number.magnitude, -number.exponent, number.negative, "rz")
    huge = number.exponent + bit_length(number.magnitude) > 64
    huge = (huge & (number.magnitude != 0)) | number.infinite
    highest, lowest = np.uint64(int(target.maximum)), np.uint64(-int(target.minimum))
    limit = np.where(number.negative, lowest, highest)
    whole = np.where(huge | (whole > limit), limit, whole)
    code = np.where(number.negative, ~whole + _ONE, whole) & _mask(target)
    return np.where(number.nan, np.uint64(0), code)


def _mask(dtype: DType) -> np.uint64:
    return np.uint64((1 << dtype.bits) - 1)
