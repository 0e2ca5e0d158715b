"""Constants and names as text, exactly, in both directions.

An int without suffix is an ``index``, a float without suffix a ``float32``, ``true`` and
``false`` are bools; everything else says its dtype: ``5:int32``, ``0.1:float64``.  A
decimal float means the value of its dtype nearest to it; the printer writes the fewest
digits that mean its value.  Infinities and NaN are written as their bits:
``0x7f800000:float32``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Container
from functools import lru_cache
from typing import Final

import ml_dtypes  # noqa: F401  (gives NumPy the carriers of the narrow floats)
import numpy as np

from tiledsl.ir.dtypes import BOOL, FLOAT32, INDEX, DType
from tiledsl.ir.nodes import Const

INTEGER_BITS: Final = 128

# words of the grammar that stand where a name may stand; names spelled so are quoted
RESERVED: Final = frozenset(
    [
        *("func", "launch", "parallel", "for", "while", "if", "else", "alloc", "let"),
        "tile_hint",
        *("atomic", "copy", "fill", "gemm", "reduce", "sort"),
        *("break", "continue", "pass"),
        *("assert", "assume", "print", "breakpoint", "wait"),
        *("bitcast", "of", "rounding", "saturate", "true", "false"),
    ]
)

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def name_text(name: str, *, reserved: Container[str] = RESERVED) -> str:
    """The name itself if it is a plain identifier, else a quoted ASCII string."""
    if _PLAIN.match(name) and name not in reserved:
        return name
    return json.dumps(name)


def name_value(text: str) -> str:
    """The name that ``name_text`` wrote.  Raises ValueError for a malformed string."""
    return str(json.loads(text)) if text.startswith('"') else text


def const_text(const: Const) -> str:
    """The literal of a constant."""
    value, dtype = const.value, const.dtype
    if dtype == BOOL:
        return "true" if value else "false"
    if not dtype.is_float:
        return f"{int(value)}" if dtype == INDEX else f"{int(value)}:{dtype}"
    number = float(value)
    if not math.isfinite(number):
        return f"0x{_bits_of(number, dtype):0{dtype.bits // 4}x}:{dtype}"
    digits = _shortest(number, dtype)
    return digits if dtype == FLOAT32 else f"{digits}:{dtype}"


def const_value(text: str) -> Const:
    """The constant that a literal means.  Raises ValueError, saying why."""
    if text in ("true", "false"):
        return Const(text == "true", BOOL)
    digits, _, suffix = text.partition(":")
    is_bits = digits.startswith("0x")
    is_float = not is_bits and any(mark in digits for mark in ".e")
    if is_bits and not suffix:
        raise ValueError("bits need a dtype, as in 0x7f800000:float32")
    dtype = DType(suffix) if suffix else FLOAT32 if is_float else INDEX
    if is_bits:
        return _const_of_bits(digits, dtype)
    if is_float != dtype.is_float or dtype == BOOL:
        raise ValueError(f"not a literal of {dtype}")
    if is_float:
        return _const_of_decimal(digits, dtype)
    if len(digits) > INTEGER_BITS:  # longer than any such number, and slow to convert
        raise ValueError(f"integer of more than {INTEGER_BITS} bits")
    value = int(digits)
    if value.bit_length() > INTEGER_BITS:
        raise ValueError(f"integer of more than {INTEGER_BITS} bits")
    return Const(value, dtype)


def _const_of_decimal(digits: str, dtype: DType) -> Const:
    value = _rounded(float(digits), dtype)
    if not math.isfinite(value):
        raise ValueError(f"beyond the largest {dtype}; infinities are written as bits")
    return Const(value, dtype)


def _rounded(value: float, dtype: DType) -> float:
    with np.errstate(all="ignore"):
        return float(np.array(value, dtype=np.float64).astype(dtype.as_numpy()))


def _shortest(number: float, dtype: DType) -> str:
    """The fewest digits that read back as this very value of ``dtype``."""
    if dtype in ("float32", "tfloat32", "float16"):
        digits = str(dtype.as_numpy().type(number))
        if _rounded(float(digits), dtype) == number:
            return digits if any(mark in digits for mark in ".e") else f"{digits}.0"
    return repr(number)


def _const_of_bits(digits: str, dtype: DType) -> Const:
    if not dtype.is_float or len(digits) != 2 + dtype.bits // 4:
        raise ValueError(f"not the bits of a {dtype}")
    carrier = np.array(int(digits, 16), dtype=f"u{dtype.bytes}").view(dtype.as_numpy())
    return Const(float(carrier), dtype)


def _bits_of(number: float, dtype: DType) -> int:
    with np.errstate(all="ignore"):
        carrier = np.array(number, dtype=dtype.as_numpy())
    return int(carrier.view(f"u{dtype.bytes}"))


def fits(value: int | float | bool, dtype: DType) -> bool:
    """Whether a Python number is exactly a value of ``dtype``."""
    return _fits(value, type(value).__name__, dtype)


@lru_cache(maxsize=4096)
def _fits(value: int | float | bool, kind: str, dtype: DType) -> bool:
    if dtype.kind == "bool":
        return kind == "bool"
    if not dtype.is_float:
        return kind == "int" and dtype.minimum <= value <= dtype.maximum
    if kind != "float":
        return False
    stored = _rounded(float(value), dtype)
    return stored == value or (math.isnan(value) and math.isnan(stored))
