"""Integer operations on Python ints; the result is wrapped by the caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tiledsl.ir.dtypes import DType

IntegerOp = Callable[..., int]


def _truncated(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _count(value: int, dtype: DType) -> int:
    """A shift count: its bits read as unsigned, cut where nothing is left to shift."""
    return min(value & ((1 << dtype.bits) - 1), dtype.bits)


# name -> function of the operands; divisions and shifts are handled below
PLAIN: Final[dict[str, IntegerOp]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
    "abs": abs,
    "min": min,
    "max": max,
    "floordiv": lambda a, b: a // b if b else 0,
    "floormod": lambda a, b: a % b if b else a,
    "truncdiv": lambda a, b: _truncated(a, b) if b else 0,
    "truncmod": lambda a, b: a - _truncated(a, b) * b if b else a,
    "ceildiv": lambda a, b: -(-a // b) if b else 0,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "not": lambda a: ~a,
}

# name -> function of the operands and their dtype
SIZED: Final[dict[str, IntegerOp]] = {
    "shl": lambda a, b, dtype: a << _count(b, dtype),
    "shr": lambda a, b, dtype: a >> _count(b, dtype),
    "popcount": lambda a, dtype: (a & ((1 << dtype.bits) - 1)).bit_count(),
    "clz": lambda a, dtype: dtype.bits - (a & ((1 << dtype.bits) - 1)).bit_length(),
}
