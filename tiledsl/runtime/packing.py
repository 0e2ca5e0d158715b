"""Arrays of 4-bit elements: two in each byte, the first in the low half (rule L47)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import ml_dtypes
import numpy as np

from tiledsl.diagnostics import ArgumentError, brief
from tiledsl.ir.dtypes import DType
from tiledsl.runtime.arrays import ArrayFacts

_UNPACKED: Final = {
    DType("int4"): np.dtype(ml_dtypes.int4),
    DType("uint4"): np.dtype(ml_dtypes.uint4),
    DType("float4_e2m1fn"): np.dtype(ml_dtypes.float4_e2m1fn),
}


def pack(array: np.ndarray) -> np.ndarray:
    """A one-element-a-byte ``ml_dtypes`` array as the bytes that a kernel takes.

    Element 2k goes to the low half of byte k of the last dimension, whose extent must be
    even.  Bytes of int4 are int8, those of uint4 and float4_e2m1fn uint8.

    >>> pack(np.array([1, -1, 7, 2], ml_dtypes.int4)).tolist()
    [-15, 39]
    """
    found = [dtype for dtype, carrier in _UNPACKED.items() if _is(array, carrier)]
    if not found:
        raise ArgumentError(
            "E1006",
            "dtype of argument 'array'",
            expected="an ml_dtypes array of int4, uint4 or float4_e2m1fn",
            got=brief(array),
            hint="array.astype(ml_dtypes.int4) makes one from numbers",
        )
    if not array.ndim or array.shape[-1] % 2:
        raise ArgumentError(
            "E1008",
            "shape of argument 'array'",
            expected="an even last dimension: two elements share a byte",
            got=str(array.shape),
        )
    codes = np.ascontiguousarray(array).view(np.uint8) & np.uint8(15)
    pairs = codes[..., 0::2] | codes[..., 1::2] << np.uint8(4)
    return pairs.view(found[0].packed_storage.as_numpy())


def unpack(array: np.ndarray, dtype: str) -> np.ndarray:
    """The elements of packed bytes as an ``ml_dtypes`` array.

    >>> unpack(np.array([0x2F], np.uint8), "float4_e2m1fn").tolist()
    [-6.0, 1.0]
    """
    if dtype not in _UNPACKED:
        raise ArgumentError(
            "E1006",
            "argument 'dtype'",
            expected="'int4', 'uint4' or 'float4_e2m1fn'",
            got=brief(dtype),
        )
    if not isinstance(array, np.ndarray) or array.dtype not in (np.int8, np.uint8):
        raise ArgumentError(
            "E1006",
            "dtype of argument 'array'",
            expected="a NumPy array of int8 or uint8",
            got=brief(array),
        )
    if not array.ndim:
        raise ArgumentError(
            "E1007", "rank of argument 'array'", expected="1 or more", got="0"
        )
    halves = np.ascontiguousarray(array).view(np.uint8)
    codes = np.stack([halves & 15, halves >> 4], axis=-1)
    codes = codes.reshape(*array.shape[:-1], 2 * array.shape[-1])
    if dtype == "int4":
        signed = (codes ^ np.uint8(8)).view(np.int8) - np.int8(8)
        return signed.astype(ml_dtypes.int4)
    if dtype == "uint4":
        return codes.astype(ml_dtypes.uint4)
    return codes.view(ml_dtypes.float4_e2m1fn)


def _is(array: object, carrier: np.dtype[np.generic]) -> bool:
    return isinstance(array, np.ndarray) and array.dtype == carrier


def holds_pairs(facts: ArrayFacts) -> bool:
    """Whether an array may hold packed elements: of bytes, or torch's own dtype."""
    torch_pairs = facts.kind == "torch" and facts.dtype == "float4_e2m1fn"
    return torch_pairs or facts.dtype in ("int8", "uint8")


def of_elements(facts: ArrayFacts, dtype: DType) -> ArrayFacts:
    """An array of bytes as the array of elements that its parameter declares."""
    if not dtype.is_packed or not facts.shape:
        return facts
    *before, last = facts.strides
    return replace(
        facts,
        shape=(*facts.shape[:-1], 2 * facts.shape[-1]),
        strides=(*(2 * step for step in before), 1 if last == 1 else 2 * last),
    )


def of_bytes(shape: tuple[int, ...], dtype: DType) -> tuple[int, ...]:
    """The shape of the memory of a tensor of this shape."""
    return (*shape[:-1], shape[-1] // 2) if dtype.is_packed else shape


def strides_of_bytes(strides: tuple[int, ...], dtype: DType) -> tuple[int, ...]:
    """The strides of the memory of a tensor with these strides, the last of them 1."""
    if not dtype.is_packed:
        return strides
    return (*(step // 2 for step in strides[:-1]), strides[-1])
