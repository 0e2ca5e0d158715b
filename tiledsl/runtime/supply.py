"""Generated inputs: which values an array of a dtype is filled with."""

from __future__ import annotations

from enum import Enum

import numpy as np

from tiledsl.ir.dtypes import DType


class TensorSupplyType(Enum):
    """How inputs are generated.  ``Auto``: integers for integer dtypes, else normal."""

    Integer = 1
    Uniform = 2
    Normal = 3
    Randn = 4
    Zero = 5
    One = 6
    Auto = 7


def generate(
    shape: tuple[int, ...],
    dtype: DType,
    supply: TensorSupplyType,
    generator: np.random.Generator,
) -> np.ndarray:
    """An array filled as ``supply`` says, the same again for the same generator."""
    kind = supply
    if kind is TensorSupplyType.Auto:
        whole = not dtype.is_float
        kind = TensorSupplyType.Integer if whole else TensorSupplyType.Normal
    lowest = 0 if not dtype.is_signed else -2
    values: np.ndarray
    if kind is TensorSupplyType.Integer:
        values = generator.integers(lowest, 3, shape)
    elif kind is TensorSupplyType.Uniform:
        values = generator.uniform(-1.0, 1.0, shape)
    elif kind in (TensorSupplyType.Normal, TensorSupplyType.Randn):
        values = generator.standard_normal(shape)
    else:
        values = np.full(shape, float(kind is TensorSupplyType.One))
    elements: np.ndarray = values.astype(dtype.as_numpy())
    if not dtype.is_packed:
        return elements
    codes = elements.view(np.uint8) & 15
    return (codes[..., 0::2] | codes[..., 1::2] << 4).view(
        dtype.packed_storage.as_numpy()
    )
