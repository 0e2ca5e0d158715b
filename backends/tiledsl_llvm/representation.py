"""How dtypes are held: as values in registers and as elements in memory.

A bool is an ``i1`` in a register and a byte in memory.  A narrow float is its bits, in
both; only a cast gives it a value.
"""

from __future__ import annotations

import numpy as np

from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Const
from tiledsl_llvm.values import Value, floating, integer


def element_of(dtype: DType) -> str:
    """The LLVM type of a value in a register."""
    if dtype.kind == "bool":
        return "i1"
    if dtype.evaluation == dtype and dtype.is_float:
        return "float" if dtype.bits == 32 else "double"
    return "float" if dtype == "tfloat32" else f"i{dtype.bits}"


def memory_element_of(dtype: DType) -> str:
    """The LLVM type of an element in memory."""
    return "i8" if dtype.kind == "bool" else element_of(dtype)


def constant_of(const: Const) -> Value:
    """The constant as a scalar operand."""
    element = element_of(const.dtype)
    if element in ("float", "double"):
        return floating(float(const.value), element)
    if const.dtype.is_float:
        return integer(bits_of(float(const.value), const.dtype), element)
    return integer(int(const.value), element)


def bits_of(value: float, dtype: DType) -> int:
    """The bit pattern of a float that the dtype represents exactly."""
    with np.errstate(all="ignore"):
        carried = np.asarray(value, dtype.as_numpy())
    return int(carried.view(f"u{dtype.bytes}"))


def zero_of(dtype: DType) -> Value:
    """All bits zero."""
    element = element_of(dtype)
    return (
        floating(0.0, element)
        if element in ("float", "double")
        else integer(0, element)
    )
