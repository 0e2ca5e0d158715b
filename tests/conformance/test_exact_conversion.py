"""The reference of conversions, against rationals and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tiledsl.ir.dtypes import ALL_DTYPES, DType
from tiledsl.testing.accuracy.exact_rounding import convert_codes
from tiledsl.testing.accuracy.exact_values import bit_length, from_codes, is_nan
from tiledsl.testing.accuracy.patterns import source_codes
from tiledsl.testing.scalar_evaluator.conversion import convert, from_bits, to_bits

WAYS = [("rn", True), ("rn", False), ("rz", True), ("rp", False), ("rm", True)]


@pytest.mark.parametrize("source", ALL_DTYPES)
def test_agrees_with_rationals(source: DType) -> None:
    rng = np.random.default_rng(1)
    codes = source_codes(source, "small")
    codes = codes if len(codes) <= 32 else rng.choice(codes, 32)
    values = [from_bits(code, source) for code in codes.tolist()]
    for target in ALL_DTYPES:
        both = source.is_float and target.is_float
        for rounding, saturate in WAYS if both else WAYS[:1]:
            found = convert_codes(codes, source, target, rounding, saturate)
            expected = [
                to_bits(
                    v if source == target else convert(v, target, rounding, saturate),
                    target,
                )
                for v in values
            ]
            differ = found != np.array(expected, np.uint64)
            if target.is_float:
                right = np.array(expected, np.uint64)
                differ &= ~(is_nan(found, target) & is_nan(right, target))
            assert not differ.any(), (target, rounding, codes[differ][:3])


@pytest.mark.parametrize(
    ("value", "target", "way", "expected"),
    [
        (464.0, "float8_e4m3fn", ("rn", False), 448.0),
        (465.0, "float8_e4m3fn", ("rn", False), math.nan),
        (1e9, "float8_e4m3fn", ("rn", True), 448.0),
        (math.inf, "float8_e5m2", ("rn", True), 57344.0),
        (math.inf, "float8_e5m2", ("rn", False), math.inf),
        (61440.0, "float8_e5m2", ("rn", False), math.inf),
        (61440.0, "float8_e5m2", ("rz", False), 57344.0),
        (65520.0, "float16", ("rn", True), math.inf),
        (65519.0, "float16", ("rn", True), 65504.0),
        (2.0**-25, "float16", ("rn", True), 0.0),
        (2.0**-25, "float16", ("rp", True), 2.0**-24),
        (3.0, "float8_e8m0fnu", ("rn", True), 4.0),
        (2.9, "float8_e8m0fnu", ("rn", True), 2.0),
        (0.0, "float8_e8m0fnu", ("rn", True), 2.0**-127),
        (-1.0, "float8_e8m0fnu", ("rn", True), math.nan),
        (1 + 2.0**-8 + 2.0**-40, "bfloat16", ("rn", True), 1 + 2.0**-7),
    ],
)
def test_by_hand(
    value: float, target: str, way: tuple[str, bool], expected: float
) -> None:
    source, dtype = DType("float64"), DType(target)
    code = np.array([to_bits(value, source)], np.uint64)
    found = convert_codes(code, source, dtype, *way)
    (result,) = from_codes(found, dtype).astype(np.float64)
    assert result == expected or (math.isnan(result) and math.isnan(expected))


def test_bit_length_of_64_bits() -> None:
    values = [0, 1, 2, 3, (1 << 32) - 1, 1 << 32, (1 << 53) + 1, (1 << 64) - 1]
    found = bit_length(np.array(values, np.uint64))
    assert found.tolist() == [value.bit_length() for value in values]


def test_float32_patterns_hold_every_upper_half_and_every_tie() -> None:
    codes = source_codes(DType("float32"), "full")
    assert len(np.unique(codes)) == 1 << 24
    assert len(np.unique(codes >> np.uint64(16))) == 1 << 16
    lower = set((codes[:256] & np.uint64(0xFFFF)).tolist())
    # ties of bfloat16 and of float16, one beside them, NaN payloads
    assert {0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF, 0x0FFF, 0x1000, 0x1001} <= lower
    small = source_codes(DType("float32"), "small")
    exponents = np.unique(small >> np.uint64(23))
    assert len(exponents) == 512
    assert len(np.unique(small)) > 1 << 18
