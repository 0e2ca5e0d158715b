"""Reading and writing packed elements in memory of bytes (rule L47)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tiledsl.analysis.affine import Affine, affine, to_expr
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import (
    Apply,
    Buffer,
    Cast,
    Const,
    Expr,
    If,
    Load,
    Select,
    Statement,
    Store,
    index,
)
from tiledsl.ir.spans import Span
from tiledsl.passes.packed_codes import encode

_UINT8: Final = DType("uint8")


def bytes_of(buffer: Buffer) -> Buffer:
    """The memory of a packed tensor: half as many bytes in the last dimension."""
    last = half(buffer.shape[-1])
    shape, strides = (*buffer.shape[:-1], last), buffer.strides
    if strides is not None:
        strides = (*map(half, strides[:-1]), strides[-1])
    dtype = buffer.dtype.packed_storage
    return replace(buffer, shape=shape, strides=strides, dtype=dtype)


def load(
    memory: Buffer,
    indices: tuple[Expr, ...],
    fill: Const | None,
    proved: tuple[bool, ...],
    span: Span,
) -> Expr:
    """The code of the element at ``indices`` (of elements)."""
    last = indices[-1]
    at = (*indices[:-1], half(last))
    outside = None
    if fill is not None:
        code = _code_of(fill)
        pair = code | code << 4
        signed = memory.dtype == "int8" and pair > 127
        outside = Const(pair - 256 if signed else pair, memory.dtype)
    byte = _unsigned(Load(memory, at, outside, proved, span=span))
    high = parity(last)
    upper = Apply("shr", (byte, _byte(4)))
    lower = Apply("and", (byte, _byte(15)))
    if isinstance(high, Const):
        return upper if high.value else lower
    odd = Apply("ne", (high, index(0)))
    return Select(odd, upper, lower, lazy=False)


def store(
    memory: Buffer,
    dtype: DType,
    indices: tuple[Expr, ...],
    value: Expr,
    proved: tuple[bool, ...],
    span: Span,
) -> Statement:
    """Writes one element; the other half of its byte keeps its content."""
    last = indices[-1]
    at = (*indices[:-1], half(last))
    old = _unsigned(Load(memory, at, None, proved, span=span))
    code = encode(value, dtype)
    high = parity(last)
    upper = _pair(Apply("and", (old, _byte(15))), code)
    lower = Apply("or", (Apply("and", (old, _byte(0xF0))), code))
    if isinstance(high, Const):
        byte: Expr = upper if high.value else lower
    else:
        byte = Select(Apply("ne", (high, index(0))), upper, lower, lazy=False)
    return Store(memory, at, _stored(byte, memory), proved, span=span)


def store_pair(
    memory: Buffer,
    at: tuple[Expr, ...],
    codes: tuple[Expr, Expr],
    present: tuple[Expr, Expr] | None,
    proved: tuple[bool, ...],
    span: Span,
) -> Statement:
    """Writes a byte at ``at`` (of bytes); a half that is not present keeps its content."""
    if present is None:
        return Store(memory, at, _stored(_pair(*codes), memory), proved, span=span)
    old = _unsigned(Load(memory, at, span=span))
    low = Select(present[0], codes[0], Apply("and", (old, _byte(15))))
    high = Select(present[1], codes[1], Apply("shr", (old, _byte(4))))
    write = Store(memory, at, _stored(_pair(low, high), memory), span=span)
    return If(Apply("or", present), (write,), span=span)


def is_even(expr: Expr) -> bool:
    """Whether an index is even whatever its variables are."""
    return affine(expr).factor % 2 == 0


def parity(expr: Expr) -> Expr:
    """The remainder of an index by 2, a constant if that is known."""
    if is_even(expr):
        return index(0)
    if is_even(Apply("add", (expr, index(1)))):
        return index(1)
    return Apply("floormod", (expr, index(2)))


def half(expr: Expr) -> Expr:
    """An index divided by 2, rounded down."""
    form = affine(expr)
    exact = form.divided(2) or (form - Affine(1)).divided(2)
    return Apply("floordiv", (expr, index(2))) if exact is None else to_expr(exact)


def _pair(low: Expr, high: Expr) -> Expr:
    return Apply("or", (low, Apply("shl", (high, _byte(4)))))


def _unsigned(byte: Expr) -> Expr:
    return byte if byte.dtype == _UINT8 else Cast(byte, _UINT8)


def _stored(byte: Expr, memory: Buffer) -> Expr:
    return byte if memory.dtype == _UINT8 else Cast(byte, memory.dtype)


def _code_of(fill: Const) -> int:
    """The four bits of a constant."""
    if not fill.dtype.is_float:
        return int(fill.value) & 15
    magnitudes = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
    value = float(fill.value)
    negative = str(value).startswith("-")
    return magnitudes.index(abs(value)) | (8 if negative else 0)


def _byte(value: int) -> Const:
    return Const(value, _UINT8)
