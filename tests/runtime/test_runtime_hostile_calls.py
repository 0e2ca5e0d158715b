"""Whatever is passed: the call runs or raises an ArgumentError that names an argument."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiledsl.diagnostics import CATALOGUE, ArgumentError
from tiledsl.runtime.kernel import JITKernel

Make = Callable[..., JITKernel]

TEXT = """
    func mixed[m, n, s](A: float32[m, n], k: int32, B: bfloat16[n, 2 * m] strides(s, 1),
                        flag: bool, C: float32[m], x: float16, D: int8[m + n]) -> (D)
      launch (bx: m) threads 32
        copy A[bx, 0 +: n] -> D[0 +: n] shape (n)
        C[bx] = 1.0
"""
NAMES = ("A", "k", "B", "flag", "C", "x", "D", "unknown")

DTYPES = st.sampled_from(
    [np.float32, ml_dtypes.bfloat16, np.int8, np.float64, ">f4", object, "U2", "M8[s]",
     np.complex64, [("a", "f4"), ("b", "i2")]]
)  # fmt: skip
SHAPES = st.lists(st.integers(0, 4), max_size=3).map(tuple)


def _bent(array: np.ndarray, how: str) -> np.ndarray:
    if how == "transposed":
        return array.T
    if how == "reversed":
        return array[::-1] if array.ndim else array
    if how == "stepped":
        return array[..., ::2] if array.ndim else array
    if how == "broadcast":
        return np.broadcast_to(array, (3, *array.shape))
    if how == "read-only":
        array = array.copy()
        array.flags.writeable = False
    return array


arrays = st.builds(
    lambda dtype, shape, how: _bent(np.zeros(shape, dtype), how),
    DTYPES,
    SHAPES,
    st.sampled_from(
        ["plain", "transposed", "reversed", "stepped", "broadcast", "read-only"]
    ),
)
plain_arrays = st.builds(
    np.zeros, SHAPES, st.sampled_from([np.float32, ml_dtypes.bfloat16])
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.sampled_from(
        [
            Decimal(1),
            range(3),
            [1.0],
            (),
            {},
            int,
            np.float32,
            np.ndarray,
            type,
            object(),
        ]
    ),
    st.sampled_from(
        [np.float64(2), np.int8(3), np.bool_(True), np.array(5), np.array([5])]
    ),
)
anything = arrays | plain_arrays | scalars


@given(
    args=st.lists(anything, max_size=8),
    named=st.dictionaries(st.sampled_from(NAMES), anything, max_size=4),
)
@settings(
    max_examples=1500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_hostile_calls(
    hostile: JITKernel, args: list[Any], named: dict[str, Any]
) -> None:
    _call(hostile, args, named)


@given(place=st.integers(0, 5), value=anything, again=anything)
@settings(
    max_examples=1500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_one_hostile_argument_among_good_ones(
    hostile: JITKernel, place: int, value: Any, again: Any
) -> None:
    args: list[Any] = [
        np.zeros((2, 3), np.float32),
        7,
        np.zeros((3, 4), ml_dtypes.bfloat16),
        True,
        np.zeros(2, np.float32),
        0.5,
    ]
    assert _call(hostile, args, {})
    for bad in (value, again):
        _call(hostile, [*args[:place], bad, *args[place + 1 :]], {})


def _call(kernel: JITKernel, args: list[Any], named: dict[str, Any]) -> bool:
    """Whether the call ran; if not, the error is as it has to be."""
    try:
        result = kernel(*args, **named)
    except ArgumentError as error:
        assert error.code in CATALOGUE
        assert error.code.startswith("E10")
        text = str(error)
        assert "mixed" in text or any(f"'{name}'" in text for name in NAMES)
        assert len(text) < 2000
        return False
    assert isinstance(result, np.ndarray)
    assert result.dtype == np.int8
    return True


@pytest.fixture
def hostile(kernel_of: Make) -> JITKernel:
    return kernel_of(TEXT.replace(",\n                        ", ", "))
