"""Raw bits as an array of a narrow dtype."""

from __future__ import annotations

import sys

import numpy as np

from tiledsl.diagnostics import ArgumentError
from tiledsl.ir.dtypes import DType


def as_dtype(array: object, dtype: str) -> object:
    """The same memory read as ``dtype``, of equal width: no element is converted.

    >>> as_dtype(np.array([0x3F80], np.uint16), "bfloat16").tolist()
    [1.0]
    """
    try:
        kind = DType(dtype)
    except ValueError as error:
        raise ArgumentError("E1014", f"argument 'dtype': {error}") from None
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
    return np.asarray(array).view(kind.as_numpy())
