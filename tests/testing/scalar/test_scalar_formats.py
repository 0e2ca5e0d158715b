"""Formats and conversions of the scalar evaluator against facts stated another way."""

from __future__ import annotations

import math
import struct
from bisect import bisect_left
from fractions import Fraction

import numpy as np
import pytest

from tiledsl.ir.dtypes import ALL_DTYPES, DType
from tiledsl.testing.scalar_evaluator.conversion import convert, narrow_exact
from tiledsl.testing.scalar_evaluator.formats import decode, encode, largest

NARROW = [dtype for dtype in ALL_DTYPES if dtype.is_float and dtype.bits <= 16]
DIRECTED = [dtype for dtype in NARROW if dtype != "float8_e8m0fnu"]


@pytest.mark.parametrize("dtype", NARROW)
def test_codes_decode_as_the_carrier_does(dtype: DType) -> None:
    codes = np.arange(1 << dtype.bits, dtype=f"u{dtype.bytes}")
    with np.errstate(invalid="ignore"):
        values = codes.view(dtype.as_numpy()).astype(np.float64)
    for code, value in zip(codes.tolist(), values.tolist(), strict=True):
        mine = decode(code, dtype)
        if math.isnan(value):
            assert math.isnan(mine)
        else:
            assert mine.hex() == float(value).hex()
            assert encode(mine, dtype) == code


def test_wide_codes() -> None:
    for bits in (0, 1, 0x80000000, 0x7F7FFFFF, 0x00800000, 0x3F800001, 0xFF800000):
        (value,) = struct.unpack("<f", struct.pack("<I", bits))
        assert decode(bits, DType("float32")).hex() == value.hex()
    for bits in (0, 1, 1 << 63, 0x7FEFFFFFFFFFFFFF, 0x3FF0000000000001):
        (value,) = struct.unpack("<d", struct.pack("<Q", bits))
        assert decode(bits, DType("float64")).hex() == value.hex()


@pytest.mark.parametrize("dtype", [d for d in ALL_DTYPES if d.is_float])
def test_largest(dtype: DType) -> None:
    assert float(largest(dtype)) == dtype.maximum


@pytest.mark.parametrize("dtype", DIRECTED)
def test_rounding_chooses_a_neighbour(dtype: DType) -> None:
    """Against a search in the sorted list of all finite values."""
    codes = range(1 << (dtype.bits - 1))
    finite = [decode(code, dtype) for code in codes]
    table = [Fraction(value) for value in finite if math.isfinite(value)]
    rng = np.random.default_rng(1)
    picks = rng.integers(0, len(table) - 1, 300)
    parts = [Fraction(1, 2), Fraction(1, 3), Fraction(3, 4), Fraction(1, 2**90)]
    parts += [Fraction(1, 2) + Fraction(1, 2**90), Fraction(1, 2) - Fraction(1, 2**90)]
    for pick in picks.tolist():
        below, above = table[pick], table[pick + 1]
        for part in parts:
            value = below + (above - below) * part
            assert table[bisect_left(table, value)] == above
            even = below if pick % 2 == 0 else above
            tie = even if part == Fraction(1, 2) else None
            nearest = (
                tie if tie is not None else (below if part < Fraction(1, 2) else above)
            )
            results = {"rn": nearest, "rz": below, "rp": above, "rm": below}
            for rounding, expected in results.items():
                assert Fraction(narrow_exact(value, dtype, rounding)) == expected
            assert Fraction(narrow_exact(-value, dtype, "rm")) == -above
            assert Fraction(narrow_exact(-value, dtype, "rp")) == -below


def test_overflow_of_each_kind() -> None:
    f16, e4m3, e5m2 = DType("float16"), DType("float8_e4m3fn"), DType("float8_e5m2")
    assert convert(65519.9, f16) == 65504 and convert(65520.0, f16) == math.inf
    assert convert(-1e9, f16, "rz") == -65504 and convert(1e9, f16, "rm") == 65504
    assert convert(-1e9, f16, "rm") == -math.inf
    assert convert(464.0, e4m3, "rn", False) == 448
    assert math.isnan(convert(464.1, e4m3, "rn", False))
    assert convert(math.inf, e4m3) == 448 and convert(-math.inf, e5m2) == -57344
    assert math.isnan(convert(math.inf, e4m3, "rn", False))
    assert convert(61440.0, e5m2, "rn", False) == math.inf
    assert math.isnan(convert(math.nan, e4m3)) and math.isnan(convert(math.nan, e5m2))


def test_scale_factors() -> None:
    e8m0 = DType("float8_e8m0fnu")
    cases = {0.0: -127, 1e-300: -127, 1.5: 1, 1.49999: 0, 3.0: 2, 2.9: 1}
    cases |= {1e300: 127, math.inf: 127, 2.0**-127 * 1.5: -126}
    for value, exponent in cases.items():
        assert convert(value, e8m0) == 2.0**exponent
    for value in (-1.0, -1e-300, -math.inf, math.nan):
        assert math.isnan(convert(value, e8m0))
    assert convert(1.01, e8m0, "rp") == 2 and convert(1.99, e8m0, "rz") == 1


def test_float_to_integer_saturates() -> None:
    assert convert(math.nan, DType("int32")) == 0
    assert convert(3e9, DType("int32")) == 2**31 - 1
    assert convert(-math.inf, DType("int64")) == -(2**63)
    assert convert(-1.5, DType("uint8")) == 0 and convert(-1.5, DType("int8")) == -1
    assert convert(2.0**64, DType("uint64")) == 2**64 - 1
    assert convert(math.nan, DType("bool")) is True
