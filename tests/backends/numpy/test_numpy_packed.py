"""Elements of four bits: conversions of every code, and two elements in a byte."""

from __future__ import annotations

import numpy as np
import pytest
from tiledsl_numpy.casts import bitcast, cast
from tiledsl_numpy.packed import pack, unpack
from tiledsl_numpy.sorting import order_keys

from tiledsl.ir.dtypes import ALL_DTYPES, WHOLE_DTYPES, DType
from tiledsl.testing.scalar_evaluator.conversion import convert, from_bits, to_bits

PACKED = [dtype for dtype in ALL_DTYPES if dtype.is_packed]
NARROW = [dtype for dtype in WHOLE_DTYPES if dtype.bits <= 16 and dtype.kind != "bool"]
BYTES = np.arange(256, dtype=np.uint8)


def elements(dtype: DType) -> np.ndarray:
    """Each value once, in the dtype's carrier, in the order of the codes."""
    codes = np.arange(16, dtype=np.uint8)
    if dtype.is_integer:
        return np.array(
            [from_bits(code, dtype) for code in range(16)], dtype.as_numpy()
        )
    return codes.view(dtype.as_numpy())


def as_codes(array: np.ndarray) -> list[int]:
    return (np.ascontiguousarray(array).view(np.uint8) & 15).tolist()


def is_extended(array: np.ndarray, dtype: DType) -> bool:
    """Whether the high half of each byte is what the carrier has there."""
    known = set(elements(dtype).view(np.uint8).tolist())
    return set(array.view(np.uint8).reshape(-1).tolist()) <= known


@pytest.mark.parametrize("rounding", ["rn", "rz", "rp", "rm"])
@pytest.mark.parametrize("target", PACKED)
@pytest.mark.parametrize("source", NARROW)
def test_every_code_becomes_four_bits(
    source: DType, target: DType, rounding: str
) -> None:
    if rounding != "rn" and not (source.is_float and target.is_float):
        return
    step = 1 if source.bits <= 8 else 61
    codes = np.arange(0, 1 << source.bits, step, dtype=f"u{source.bytes}")
    with np.errstate(all="ignore"):
        found = cast(codes.view(source.as_numpy()), source, target, rounding)
    values = [from_bits(code, source) for code in codes.tolist()]
    expected = [to_bits(convert(v, target, rounding), target) for v in values]
    assert as_codes(found) == expected
    assert is_extended(found, target)


@pytest.mark.parametrize("target", ALL_DTYPES)
@pytest.mark.parametrize("source", PACKED)
def test_four_bits_become_everything(source: DType, target: DType) -> None:
    found = cast(elements(source), source, target)
    values = [from_bits(code, source) for code in range(16)]
    expected = [
        to_bits(convert(v, target) if v is not None else 0, target) for v in values
    ]
    if target.is_packed:
        assert as_codes(found) == expected
    else:
        assert found.view(f"u{target.bytes}").tolist() == expected


@pytest.mark.parametrize("target", PACKED)
@pytest.mark.parametrize("source", PACKED)
def test_bits_are_kept(source: DType, target: DType) -> None:
    found = bitcast(elements(source), target)
    assert found.dtype == target.as_numpy()
    assert as_codes(found) == list(range(16))
    assert is_extended(found, target)


@pytest.mark.parametrize("dtype", PACKED)
def test_the_first_of_two_is_in_the_low_half(dtype: DType) -> None:
    found = unpack(BYTES.reshape(2, 128), dtype)
    assert found.shape == (2, 256)
    assert as_codes(found.reshape(-1)) == [
        half for byte in range(256) for half in (byte & 15, byte >> 4)
    ]
    assert is_extended(found, dtype)
    assert pack(found).tobytes() == BYTES.tobytes()


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", PACKED)
def test_keys_order_as_values_do(dtype: DType, descending: bool) -> None:
    values = [from_bits(code, dtype) for code in range(16)]
    keys = order_keys(elements(dtype), dtype, descending=descending).tolist()
    for a, key_a in zip(values, keys, strict=True):
        for b, key_b in zip(values, keys, strict=True):
            if a < b:
                assert (key_a > key_b) == descending
