"""Raw bits as an array of a narrow dtype."""

from __future__ import annotations

import sys

import numpy as np

from tiledsl.diagnostics import ArgumentError, brief
from tiledsl.ir.dtypes import ALL_DTYPES, DType
from tiledsl.runtime.arrays import is_array
from tiledsl.runtime.expectations import expect


def as_dtype(array: object, dtype: str) -> object:
    """The same memory read as ``dtype``, of equal width: no element is converted.

    >>> as_dtype(np.array([0x3F80], np.uint16), "bfloat16").tolist()
    [1.0]
    """
    named = isinstance(dtype, str) and dtype in ALL_DTYPES
    expect(named, "argument 'dtype'", "the name of an element type", dtype)
    if not is_array(array):
        raise ArgumentError(
            "E1004", "argument 'array'", expected="an array", got=brief(array)
        )
    kind = DType(dtype)
    size = getattr(array, "itemsize", kind.bytes)
    if size != kind.bytes:
        raise ArgumentError(
            "E1006",
            "argument 'array'",
            expected=f"elements of {kind.bytes} bytes, as {kind} has",
            got=f"elements of {size} bytes",
        )
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        return array.view(kind.as_torch())
    host = np.asarray(array)
    if host.dtype.kind not in "biuf" and host.dtype != kind.as_numpy():
        raise ArgumentError(
            "E1005",
            "argument 'array'",
            expected="an array of raw bits",
            got=brief(array),
        )
    return host.view(kind.as_numpy())
