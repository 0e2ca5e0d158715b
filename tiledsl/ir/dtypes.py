"""Element types: one table of facts, read by every layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import ml_dtypes
import numpy as np

Kind = Literal["bool", "int", "uint", "float", "index"]


@dataclass(frozen=True, slots=True)
class _Facts:
    kind: Kind
    bits: int
    carrier: np.dtype[np.generic]
    # floats only: stored fraction bits and the largest finite value
    fraction: int = 0
    largest: float = 0.0
    infinity: bool = True
    nan: bool = True


def _float(
    bits: int,
    carrier: object,
    fraction: int,
    largest: float,
    *,
    infinity: bool = True,
    nan: bool = True,
) -> _Facts:
    return _Facts(
        "float",
        bits,
        np.dtype(carrier),  # type: ignore[call-overload]
        fraction,
        largest,
        infinity,
        nan,
    )


_FACTS: Final[dict[str, _Facts]] = {
    "bool": _Facts("bool", 8, np.dtype(np.bool_)),
    "int8": _Facts("int", 8, np.dtype(np.int8)),
    "int16": _Facts("int", 16, np.dtype(np.int16)),
    "int32": _Facts("int", 32, np.dtype(np.int32)),
    "int64": _Facts("int", 64, np.dtype(np.int64)),
    "uint8": _Facts("uint", 8, np.dtype(np.uint8)),
    "uint16": _Facts("uint", 16, np.dtype(np.uint16)),
    "uint32": _Facts("uint", 32, np.dtype(np.uint32)),
    "uint64": _Facts("uint", 64, np.dtype(np.uint64)),
    # exact 64-bit values of block, loop and thread indices and of dims (rule L29)
    "index": _Facts("index", 64, np.dtype(np.int64)),
    "float16": _float(16, np.float16, 10, 65504.0),
    "bfloat16": _float(16, ml_dtypes.bfloat16, 7, float.fromhex("0x1.fep127")),
    "float32": _float(32, np.float32, 23, float.fromhex("0x1.fffffep127")),
    # float32 storage whose gemm operands may keep only 10 fraction bits
    "tfloat32": _float(32, np.float32, 23, float.fromhex("0x1.fffffep127")),
    "float64": _float(64, np.float64, 52, float.fromhex("0x1.fffffffffffffp1023")),
    "float8_e4m3fn": _float(8, ml_dtypes.float8_e4m3fn, 3, 448.0, infinity=False),
    "float8_e5m2": _float(8, ml_dtypes.float8_e5m2, 2, 57344.0),
    "float8_e8m0fnu": _float(8, ml_dtypes.float8_e8m0fnu, 0, 2.0**127, infinity=False),
    # packed: two elements a byte in tensors, the carrier holds one a byte
    "int4": _Facts("int", 4, np.dtype(np.int8)),
    "uint4": _Facts("uint", 4, np.dtype(np.uint8)),
    "float4_e2m1fn": _float(
        4, ml_dtypes.float4_e2m1fn, 1, 6.0, infinity=False, nan=False
    ),
}


class DType(str):
    """An element type.  Equal to, and hashed as, its name.

    >>> DType("bfloat16").bits, DType("bfloat16") == "bfloat16"
    (16, True)
    >>> DType("float16").evaluation
    DType('float32')
    """

    __slots__ = ()

    def __new__(cls, name: str) -> DType:
        if name not in _FACTS:
            raise ValueError(f"unknown dtype {name!r}; known: {', '.join(_FACTS)}")
        return super().__new__(cls, name)

    def __repr__(self) -> str:
        return f"DType({str(self)!r})"

    @property
    def kind(self) -> Kind:
        return _FACTS[self].kind

    @property
    def bits(self) -> int:
        return _FACTS[self].bits

    @property
    def bytes(self) -> int:
        """The bytes of one element by itself; tensors hold two packed elements in one."""
        return max(1, _FACTS[self].bits // 8)

    @property
    def is_packed(self) -> bool:
        """Whether tensors hold two elements a byte, the first in the low half (L47).

        >>> DType("int4").is_packed, DType("int4").packed_storage
        (True, DType('int8'))
        """
        return _FACTS[self].bits == 4

    @property
    def packed_storage(self) -> DType:
        """The dtype of the bytes that hold pairs of packed elements."""
        return DType("int8" if self == "int4" else "uint8")

    @property
    def is_float(self) -> bool:
        return _FACTS[self].kind == "float"

    @property
    def is_integer(self) -> bool:
        """True for int, uint and index; False for bool."""
        return _FACTS[self].kind in ("int", "uint", "index")

    @property
    def is_signed(self) -> bool:
        return _FACTS[self].kind in ("int", "index", "float")

    @property
    def fraction_bits(self) -> int:
        """Stored fraction bits of a float; 0 for other kinds."""
        return _FACTS[self].fraction

    @property
    def has_infinity(self) -> bool:
        return self.is_float and _FACTS[self].infinity

    @property
    def has_nan(self) -> bool:
        return self.is_float and _FACTS[self].nan

    @property
    def maximum(self) -> int | float:
        """The largest finite value."""
        if self.is_float:
            return _FACTS[self].largest
        if self.kind == "bool":
            return 1
        return (1 << (self.bits - self.is_signed)) - 1

    @property
    def minimum(self) -> int | float:
        """The smallest (most negative) finite value."""
        if self == "float8_e8m0fnu":
            return 2.0**-127
        if self.is_float:
            return -_FACTS[self].largest
        return -(1 << (self.bits - 1)) if self.is_signed else 0

    @property
    def evaluation(self) -> DType:
        """The dtype in which expressions over this one are computed (rules L28, L32)."""
        if self in ("float32", "float64"):
            return self
        if self.is_float:
            return FLOAT32
        return INT32 if self.is_packed else self

    @property
    def is_arithmetic(self) -> bool:
        """Whether IR expressions may compute in this dtype without a cast."""
        return self.evaluation == self

    def as_numpy(self) -> np.dtype[np.generic]:
        """The NumPy dtype that carries this one in memory."""
        return _FACTS[self].carrier

    def as_torch(self) -> object:
        """The torch dtype of the same name; imports torch.

        Raises ImportError without torch.
        """
        import torch

        names = {"index": "int64", "tfloat32": "float32", "int4": "int8"}
        names |= {"uint4": "uint8", "float4_e2m1fn": "float4_e2m1fn_x2"}
        return getattr(torch, names.get(self, str(self)))


BOOL: Final = DType("bool")
INT32: Final = DType("int32")
INT64: Final = DType("int64")
INDEX: Final = DType("index")
FLOAT32: Final = DType("float32")
FLOAT64: Final = DType("float64")

ALL_DTYPES: Final[tuple[DType, ...]] = tuple(DType(name) for name in _FACTS)
# those whose elements fill bytes
WHOLE_DTYPES: Final = tuple(dtype for dtype in ALL_DTYPES if not dtype.is_packed)


def from_numpy(dtype: np.dtype[np.generic]) -> DType | None:
    """The dtype that ``dtype`` carries, or None; never ``index`` or ``tfloat32``."""
    if not dtype.isnative:
        return None
    for name, facts in _FACTS.items():
        if facts.carrier == dtype and name not in ("index", "tfloat32"):
            return DType(name)
    return None
