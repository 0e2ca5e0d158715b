"""Scalar expressions of generated source, with what is known about them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from tiledsl.ir.dtypes import BOOL, FLOAT32, INDEX, DType

# in memory and in tiles; e8m0 has no Triton type and travels as its bits
TRITON_TYPES: Final[dict[str, str]] = {
    "bool": "int1",
    "index": "int64",
    "float8_e4m3fn": "float8e4nv",
    "float8_e5m2": "float8e5",
    "float8_e8m0fnu": "uint8",
    "tfloat32": "float32",
}
_SIGNATURE: Final[dict[str, str]] = {
    "int1": "i1",
    "float16": "fp16",
    "bfloat16": "bf16",
    "float32": "fp32",
    "float64": "fp64",
    "float8e4nv": "fp8e4nv",
    "float8e5": "fp8e5",
}
_ATOM = re.compile(r"[A-Za-z_][\w.]*|\d+(\.\d+)?(e[+-]?\d+)?")


def triton_type(dtype: DType) -> str:
    """The name of the element type in ``triton.language``."""
    return TRITON_TYPES.get(dtype, str(dtype))


def signature_type(dtype: DType) -> str:
    """The name of the element type in a kernel signature."""
    name = triton_type(dtype)
    return _SIGNATURE.get(name, name.replace("uint", "u").replace("int", "i"))


@dataclass(frozen=True, slots=True)
class Value:
    """Source text of an expression.

    ``axes``: the lanes (by position) that it varies over; its Triton shape is the rank of
    the lanes, with 1 elsewhere, or () if it varies over none.  ``literal``: the constant,
    if it is one.
    """

    text: str
    dtype: DType
    axes: frozenset[int] = frozenset()
    literal: int | float | bool | None = None

    @property
    def atom(self) -> str:
        """The text in parentheses where an operator would need them."""
        return self.text if _is_closed(self.text) else f"({self.text})"

    @property
    def typed(self) -> str:
        """Text that has the value's Triton type by itself, also for a literal."""
        if self.literal is None or self.text.startswith("tl."):
            return self.text
        return constant_text("()", self.text, self.dtype)


def constant_text(shape: str, value: str, dtype: DType) -> str:
    """Text of a constant tensor.  Triton has no constants of 8-bit floats."""
    name = triton_type(dtype)
    if name.startswith("float8"):
        return f"tl.cast(tl.full({shape}, {value}, tl.float32), tl.{name})"
    return f"tl.full({shape}, {value}, tl.{name})"


def _is_closed(text: str) -> bool:
    """Whether the text is a name, a number or one bracketed whole after a name."""
    if _ATOM.fullmatch(text):
        return True
    head = re.match(r"[A-Za-z_][\w.]*(?=[(\[])|(?=\()", text)
    if head is None:
        return False
    depth = 0
    for place, character in enumerate(text[head.end() :]):
        depth += (character in "([") - (character in ")]")
        if depth == 0:
            return head.end() + place == len(text) - 1
    return False


def literal(value: int | float | bool, dtype: DType) -> Value:
    """A constant."""
    if dtype == BOOL:
        value = bool(value)
        return Value(str(value), dtype, literal=value)
    if dtype.is_integer:
        return Value(str(int(value)), dtype, literal=int(value))
    number = float(value)
    if number == 0 and math.copysign(1, number) < 0:
        return _negative_zero(dtype)
    text = repr(number)
    if math.isnan(number) or math.isinf(number):
        text = f'float("{text}")'
    elif (
        dtype == "float64"
        and float(np.float32(min(max(number, -1e38), 1e38))) != number
    ):
        # Triton takes some literals as float32
        text = f"tl.full((), {text}, tl.float64)"
    return Value(text, dtype, literal=number)


def _negative_zero(dtype: DType) -> Value:
    """-0.0 by its bits: Triton 3.6 makes +0.0 of every literal that equals zero."""
    bits = 64 if dtype == "float64" else 32
    lowest = f"tl.full((), {-(1 << (bits - 1))}, tl.int{bits})"
    return Value(f"tl.cast({lowest}, tl.float{bits}, bitcast=True)", dtype)


def integer(value: int) -> Value:
    """A constant in index arithmetic."""
    return literal(value, INDEX)


def bits_of_e8m0(value: float) -> int:
    """The byte that stands for a power of two in float8_e8m0fnu."""
    if math.isnan(value) or value < 0:
        return 255
    return max(round(math.log2(value)) + 127, 0) if value else 0


def storage_literal(value: int | float | bool, dtype: DType) -> Value:
    """A constant as it lies in memory and tiles."""
    if dtype == "float8_e8m0fnu":
        # all bits zero means 2^-127
        byte = 0 if value == 0 else bits_of_e8m0(float(value))
        return Value(str(byte), dtype, literal=byte)
    return literal(value, FLOAT32 if dtype.is_float and dtype != "float64" else dtype)
