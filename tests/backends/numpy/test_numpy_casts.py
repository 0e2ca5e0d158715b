"""Conversions: exhaustive for narrow sources, dense around every boundary for wide ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tiledsl_numpy.casts import bitcast, cast

from tiledsl.ir.dtypes import WHOLE_DTYPES, DType
from tiledsl.testing.scalar_evaluator.conversion import convert, from_bits, to_bits

ROUNDINGS = ("rn", "rz", "rp", "rm")
NARROW = [dtype for dtype in WHOLE_DTYPES if dtype.bits <= 16]
WIDE = [dtype for dtype in WHOLE_DTYPES if dtype.bits > 16]
SMALL_FLOATS = [dtype for dtype in WHOLE_DTYPES if dtype.is_float and dtype.bits <= 16]


def all_codes(dtype: DType) -> np.ndarray:
    if dtype.kind == "bool":
        return np.array([False, True])
    codes = np.arange(1 << dtype.bits, dtype=f"u{dtype.bytes}")
    return codes.view(dtype.as_numpy())


def code_list(array: np.ndarray, dtype: DType) -> list[int]:
    """Codes with all NaNs made one: payloads are unspecified."""
    codes = array.view(f"u{dtype.bytes}").tolist()
    if not dtype.is_float:
        return codes
    nan = to_bits(math.nan, dtype)
    with np.errstate(invalid="ignore"):
        flags = np.isnan(array.astype(np.float64)).tolist()
    return [nan if flag else code for code, flag in zip(codes, flags, strict=True)]


def values_of(array: np.ndarray, dtype: DType) -> list[int | float | bool]:
    codes = array.view(f"u{dtype.bytes}").tolist()
    return [from_bits(code, dtype) for code in codes]


def check(
    array: np.ndarray,
    source: DType,
    target: DType,
    rounding: str = "rn",
    saturate: bool = True,
) -> None:
    with np.errstate(all="ignore"):
        found = cast(array, source, target, rounding, saturate)
    assert found.dtype == target.as_numpy()
    expected = [
        to_bits(
            value if source == target else convert(value, target, rounding, saturate),
            target,
        )
        for value in values_of(array, source)
    ]
    got = code_list(np.asarray(found), target)
    wrong = [k for k in range(len(expected)) if got[k] != expected[k]]
    assert not wrong, [(array[k], hex(got[k]), hex(expected[k])) for k in wrong[:5]]


@pytest.mark.parametrize("target", WHOLE_DTYPES)
@pytest.mark.parametrize("source", NARROW)
def test_every_code_to_nearest(source: DType, target: DType) -> None:
    check(all_codes(source), source, target)


@pytest.mark.parametrize("target", SMALL_FLOATS)
@pytest.mark.parametrize("source", SMALL_FLOATS)
def test_every_direction(source: DType, target: DType) -> None:
    codes = all_codes(source)
    sample = codes if codes.size <= 256 else codes[::61]
    for rounding in ROUNDINGS:
        for saturate in (True, False):
            check(sample, source, target, rounding, saturate)


def boundaries(target: DType) -> list[float]:
    """Midpoints between neighbouring values of a narrow format, and their neighbours."""
    rng = np.random.default_rng(3)
    with np.errstate(invalid="ignore"):
        codes = all_codes(target).astype(np.float64)
    finite = np.unique(codes[np.isfinite(codes)])
    finite = np.append(finite, [2 * finite[-1] - finite[-2], finite[-1] * 4])
    starts = finite[:-1] if finite.size < 400 else rng.choice(finite[:-1], 300)
    after = finite[np.searchsorted(finite, starts, side="right")]
    middle = (starts + after) / 2
    near = [starts, middle, np.nextafter(middle, 9e99), np.nextafter(middle, -9e99)]
    near += [np.nextafter(starts, -9e99), middle * (1 + 2.0**-20)]
    return np.concatenate(near).tolist()


def wide_floats(dtype: DType) -> np.ndarray:
    rng = np.random.default_rng(4)
    codes = rng.integers(0, 256, 1500 * dtype.bytes, dtype=np.uint8)
    noise = codes.view(dtype.as_numpy())
    special = [
        0.0,
        -0.0,
        math.inf,
        -math.inf,
        math.nan,
        464.0,
        465.0,
        -464.0,
        1e300,
        -1e300,
    ]
    special += [sign * (2.0**k + d) for k in (7, 31, 53, 63, 64) for d in (-1, 0, 0.5)
                for sign in (1, -1)]  # fmt: skip
    with np.errstate(over="ignore"):
        return np.concatenate([np.array(special).astype(noise.dtype), noise])


@pytest.mark.parametrize("target", WHOLE_DTYPES)
@pytest.mark.parametrize("source", [DType("float32"), DType("float64")])
def test_wide_floats(source: DType, target: DType) -> None:
    array = wide_floats(source)
    if target in SMALL_FLOATS:
        with np.errstate(over="ignore"):
            extra = np.array(boundaries(target)).astype(array.dtype)
        array = np.concatenate([array, extra])
    check(array, source, target)
    if target.is_float and target != source:
        for rounding in ("rz", "rp", "rm"):
            check(array[::5], source, target, rounding)
        check(array[::3], source, target, "rn", False)
        check(array[::7], source, target, "rp", False)


@pytest.mark.parametrize("target", WHOLE_DTYPES)
@pytest.mark.parametrize("source", [dtype for dtype in WIDE if not dtype.is_float])
def test_wide_integers(source: DType, target: DType) -> None:
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 256, 600 * source.bytes, dtype=np.uint8)
    noise = codes.view(source.as_numpy())
    shifts = rng.integers(0, source.bits, noise.size).astype(noise.dtype)
    powers = [sign * (1 << k) + d for k in range(source.bits) for sign in (1, -1)
              for d in (-1, 0, 1, 1 << max(k - 24, 0), 1 << max(k - 8, 0))]  # fmt: skip
    low, high = int(source.minimum), int(source.maximum)
    exact = [value for value in powers if low <= value <= high]
    array = np.concatenate([noise, noise >> shifts, np.array(exact, noise.dtype)])
    check(array, source, target)


def test_double_rounding_is_avoided() -> None:
    # 1 + 2**-8 is halfway between bfloat16 neighbours; the rest is lost in float32
    value = np.array([1 + 2.0**-8 + 2.0**-40])
    (found,) = cast(value, DType("float64"), DType("bfloat16")).astype(np.float64)
    assert found == 1 + 2.0**-7
    (found,) = cast(
        np.array([(1 << 62) + (1 << 54) + 1]), DType("int64"), DType("bfloat16")
    )
    assert float(found) == 2.0**62 + 2.0**55


@pytest.mark.parametrize("dtype", WHOLE_DTYPES)
def test_bitcast_keeps_the_bits(dtype: DType) -> None:
    rng = np.random.default_rng(6)
    for other in WHOLE_DTYPES:
        if other.bits == dtype.bits and "bool" not in (dtype, other):
            codes = rng.integers(0, 256, 64 * dtype.bytes, dtype=np.uint8)
            array = codes.view(dtype.as_numpy())
            assert bitcast(array, other).dtype == other.as_numpy()
            assert bitcast(array, other).tobytes() == array.tobytes()


def test_bitcast_to_bool_has_two_values() -> None:
    found = bitcast(np.array([0, 1, 2, 255], np.uint8), DType("bool"))
    assert found.view(np.uint8).tolist() == [0, 1, 1, 1]
