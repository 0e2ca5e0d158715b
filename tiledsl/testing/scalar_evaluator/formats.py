"""Float formats by their definition: bits to values and back, and one exact rounding."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

from tiledsl.ir.dtypes import DType


@dataclass(frozen=True, slots=True)
class Format:
    """Widths of exponent and fraction.

    ``specials``: "ieee" (infinities and NaN in the last exponent), "fn" (only the code
    of all ones is NaN), "finite" (nothing but numbers) or "power" (an unsigned exponent;
    all ones is NaN).
    """

    exponent: int
    fraction: int
    specials: str = "ieee"

    @property
    def bias(self) -> int:
        return (1 << (self.exponent - 1)) - 1

    @property
    def bits(self) -> int:
        return self.exponent + self.fraction + (self.specials != "power")


FORMATS: Final[dict[str, Format]] = {
    "float16": Format(5, 10),
    "bfloat16": Format(8, 7),
    "float32": Format(8, 23),
    "tfloat32": Format(8, 23),
    "float64": Format(11, 52),
    "float8_e4m3fn": Format(4, 3, "fn"),
    "float8_e5m2": Format(5, 2),
    "float8_e8m0fnu": Format(8, 0, "power"),
    "float4_e2m1fn": Format(2, 1, "finite"),
}


def decode(bits: int, dtype: DType) -> float:
    """The value of a code; every value of every format is a Python float."""
    form = FORMATS[dtype]
    if form.specials == "power":
        return math.nan if bits == 0xFF else math.ldexp(1.0, bits - form.bias)
    fraction = bits & ((1 << form.fraction) - 1)
    exponent = bits >> form.fraction & ((1 << form.exponent) - 1)
    sign = -1.0 if bits >> (form.fraction + form.exponent) else 1.0
    last = (1 << form.exponent) - 1
    if (
        form.specials == "fn"
        and exponent == last
        and fraction == (1 << form.fraction) - 1
    ):
        return math.nan
    if form.specials == "ieee" and exponent == last:
        return math.nan if fraction else sign * math.inf
    if exponent == 0:
        return sign * math.ldexp(fraction, 1 - form.bias - form.fraction)
    whole = fraction + (1 << form.fraction)
    return sign * math.ldexp(whole, exponent - form.bias - form.fraction)


def encode(value: float, dtype: DType) -> int:
    """The code of a value of the format; any NaN gives one NaN."""
    if dtype == "float64":
        return int.from_bytes(struct.pack("<d", value), "little")
    if dtype in ("float32", "tfloat32"):
        return int.from_bytes(struct.pack("<f", value), "little")
    if dtype == "bfloat16":
        return int.from_bytes(struct.pack("<f", value), "little") >> 16
    if dtype == "float16":
        return int.from_bytes(struct.pack("<e", value), "little")
    return _codes(dtype)[_key(value)]


@lru_cache(maxsize=8)
def _codes(dtype: DType) -> dict[str, int]:
    return {_key(decode(bits, dtype)): bits for bits in range(1 << FORMATS[dtype].bits)}


def _key(value: float) -> str:
    return "nan" if math.isnan(value) else value.hex()


@lru_cache(maxsize=16)
def largest(dtype: DType) -> Fraction:
    """The largest finite value."""
    form = FORMATS[dtype]
    reserved = 0 if form.specials in ("fn", "finite") else 1
    exponent = (1 << form.exponent) - 1 - reserved - form.bias
    whole = (1 << (form.fraction + 1)) - 1 - (form.specials == "fn")
    return Fraction(whole) * Fraction(2) ** (exponent - form.fraction)


def round_exact(exact: Fraction, dtype: DType, rounding: str = "rn") -> Fraction:
    """The nearest multiple of the format's quantum, as if exponents had no upper end."""
    if exact == 0:
        return exact
    form = FORMATS[dtype]
    quantum = max(floor_log2(abs(exact)), 1 - form.bias) - form.fraction
    above, below = exact.numerator, exact.denominator
    if quantum < 0:
        steps = _quotient(above << -quantum, below, rounding)
        return Fraction(steps, 1 << -quantum)
    return Fraction(_quotient(above, below << quantum, rounding) << quantum)


def _quotient(above: int, below: int, rounding: str) -> int:
    """The quotient as an integer, in one of the four directions."""
    floor, rest = divmod(above, below)
    if rest == 0 or rounding == "rm":
        return floor
    if rounding == "rn":
        twice = 2 * rest
        return floor + (twice > below or (twice == below and floor % 2 == 1))
    return floor + (rounding == "rp" or above < 0)


def floor_log2(value: Fraction) -> int:
    """The exponent e with 2**e <= value < 2**(e + 1)."""
    above, below = value.numerator, value.denominator
    guess = above.bit_length() - below.bit_length()
    reached = above >= below << guess if guess >= 0 else above << -guess >= below
    return guess if reached else guess - 1
