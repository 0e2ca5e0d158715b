"""Codes of any dtype as exact numbers, in integer arithmetic on whole arrays.

A finite number is ``(-1)**negative * magnitude * 2**exponent`` with a 64-bit magnitude,
which holds the significand of every float and the size of every integer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tiledsl.ir.dtypes import DType
from tiledsl.testing.accuracy.elementwise import Array
from tiledsl.testing.scalar_evaluator.formats import FORMATS, Format


@dataclass(frozen=True, slots=True)
class Exact:
    """Numbers; where ``nan`` or ``infinite`` holds, only the sign means anything."""

    negative: Array
    magnitude: Array
    exponent: Array
    infinite: Array
    nan: Array


def codes_of(values: Array) -> Array:
    """The bits of an array, as 64-bit unsigned integers."""
    bits = np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")
    return bits.astype(np.uint64)


def from_codes(codes: Array, dtype: DType) -> Array:
    """An array of the dtype's carrier with these bits."""
    carrier = dtype.as_numpy()
    narrow: Array = codes.astype(f"u{carrier.itemsize}").view(carrier)
    return narrow


def is_nan(codes: Array, dtype: DType) -> Array:
    """Which codes are NaN."""
    return decode(codes, dtype).nan


def decode(codes: Array, dtype: DType) -> Exact:
    """The numbers that codes stand for."""
    return _of_float(codes, FORMATS[dtype]) if dtype.is_float else _of_int(codes, dtype)


def _of_int(codes: Array, dtype: DType) -> Exact:
    none = np.zeros(len(codes), bool)
    zero = np.zeros(len(codes), np.int64)
    signed = dtype.is_signed and dtype.kind != "bool"
    negative = (codes >> np.uint64(dtype.bits - 1) != 0) if signed else none
    opposite = (~codes + np.uint64(1)) & np.uint64((1 << dtype.bits) - 1)
    return Exact(negative, np.where(negative, opposite, codes), zero, none, none)


def _of_float(codes: Array, form: Format) -> Exact:
    last = (1 << form.exponent) - 1
    fraction = codes & np.uint64((1 << form.fraction) - 1)
    biased = (codes >> np.uint64(form.fraction) & np.uint64(last)).astype(np.int64)
    if form.specials == "power":
        none = np.zeros(len(codes), bool)
        one = np.ones(len(codes), np.uint64)
        return Exact(none, one, biased - form.bias, none, biased == last)
    negative = codes >> np.uint64(form.fraction + form.exponent) != 0
    top = biased == last
    if form.specials == "finite":
        nan = infinite = np.zeros(len(codes), bool)
    elif form.specials == "fn":
        nan = top & (fraction == np.uint64((1 << form.fraction) - 1))
        infinite = np.zeros(len(codes), bool)
    else:
        nan, infinite = top & (fraction != 0), top & (fraction == 0)
    implicit = np.where(biased > 0, np.uint64(1 << form.fraction), np.uint64(0))
    exponent = np.maximum(biased, 1) - form.bias - form.fraction
    return Exact(negative, fraction + implicit, exponent, infinite, nan)


def bit_length(values: Array) -> Array:
    """Bits up to the highest that is set; 0 for 0."""
    high, low = values >> np.uint64(32), values & np.uint64(0xFFFFFFFF)
    # frexp of an integer below 2**53 is exact
    upper = np.frexp(high.astype(np.float64))[1].astype(np.int64)
    lower = np.frexp(low.astype(np.float64))[1].astype(np.int64)
    return np.where(high != 0, upper + 32, lower)
