"""Scalar arguments (rule L100)."""

from __future__ import annotations

import math
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tiledsl.diagnostics import ArgumentError
from tiledsl.ir.dtypes import ALL_DTYPES, DType
from tiledsl.runtime.scalars import convert_scalar

INTEGERS = [dtype for dtype in ALL_DTYPES if dtype.is_integer]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_are_range_checked(dtype: DType) -> None:
    for edge in (dtype.minimum, dtype.maximum):
        assert convert_scalar("n", int(edge), dtype) == edge
    for beyond in (dtype.minimum - 1, dtype.maximum + 1, 10**50):
        with pytest.raises(ArgumentError, match=r"E1015 argument 'n'"):
            convert_scalar("n", int(beyond), dtype)


@pytest.mark.parametrize(
    "value", [np.int64(7), np.uint8(7), np.array(7), np.array(7, np.int16), 7]
)
def test_scalars_of_numpy_and_0d_arrays_are_accepted(value: object) -> None:
    result = convert_scalar("n", value, DType("int32"))
    assert result == 7
    assert type(result) is int


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1.0, "int32"),
        (np.float32(1), "int32"),
        (True, "int32"),
        (np.bool_(True), "int64"),
        (np.array([1]), "int32"),
        (np.array([1.0]), "float32"),
        ("1", "int32"),
        (None, "int32"),
        ([1], "int32"),
        (1j, "float32"),
        (np.array("x"), "float32"),
        (True, "float32"),
        (1, "bool"),
    ],
)
def test_other_types_are_refused(value: object, dtype: str) -> None:
    with pytest.raises(ArgumentError, match=rf"E1014 argument 'n'.*{dtype}"):
        convert_scalar("n", value, DType(dtype))


def test_bool() -> None:
    assert convert_scalar("b", np.bool_(True), DType("bool")) is True


def test_torch_scalars() -> None:
    torch = pytest.importorskip("torch")
    assert convert_scalar("n", torch.tensor(5), DType("int32")) == 5
    with pytest.raises(ArgumentError, match=r"shape"):
        convert_scalar("n", torch.tensor([5]), DType("int32"))
    with pytest.raises(ArgumentError):
        convert_scalar("n", torch.tensor(5, device="meta"), DType("int32"))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_special_values_pass(dtype: str) -> None:
    assert math.isnan(convert_scalar("x", math.nan, DType(dtype)))
    assert convert_scalar("x", -math.inf, DType(dtype)) == -math.inf
    assert math.copysign(1, convert_scalar("x", -0.0, DType(dtype))) == -1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float8_e5m2"])
def test_finite_values_beyond_the_dtype_are_refused(dtype: str) -> None:
    for value in (1e39, -1e300, 10**400):
        with pytest.raises(ArgumentError, match=r"E1015"):
            convert_scalar("x", value, DType(dtype))


@given(st.floats(-3e38, 3e38))
# between two bfloat16s, so close to the middle that rounding to float32 first ties
@example(1.0 + 2.0**-8 + 2.0**-40)
@example(1.0 + 3 * 2.0**-8 - 2.0**-40)
def test_bfloat16_is_rounded_once(value: float) -> None:
    result = convert_scalar("x", value, DType("bfloat16"))
    near = np.array(result, ml_dtypes.bfloat16)
    bits = int(near.view(np.uint16))
    distance = abs(Fraction(float(near)) - Fraction(value))
    for neighbor in (bits - 1, bits + 1):
        if not 0 <= neighbor < 1 << 16:
            continue
        other = float(np.array(neighbor, np.uint16).view(ml_dtypes.bfloat16))
        if not math.isfinite(other):
            continue
        assert abs(Fraction(other) - Fraction(value)) >= distance
