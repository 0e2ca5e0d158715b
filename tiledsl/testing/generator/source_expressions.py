"""Expressions, elements and regions as source text of the language."""

from __future__ import annotations

import math
from typing import Final

from tiledsl.ir.dtypes import BOOL, INDEX
from tiledsl.ir.nodes import (
    Apply,
    At,
    Bitcast,
    Buffer,
    Cast,
    Const,
    Expr,
    Load,
    Range,
    Region,
    Select,
    Var,
)
from tiledsl.ir.visitor import walk

_INFIX: Final = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "floordiv": "//", "floormod": "%",
    "and": "&", "or": "|", "xor": "^", "shl": "<<", "shr": ">>", "eq": "==", "ne": "!=",
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
}  # fmt: skip
_PREFIX: Final = {"neg": "-", "not": "~"}
_CALLS: Final = {
    "min": "T.min({})", "max": "T.max({})",
    "min_nan": "T.min({}, nan_propagate=True)",
    "max_nan": "T.max({}, nan_propagate=True)",
    "round_away": 'T.round({}, "ties-away-from-zero")',
}  # fmt: skip


class NoSpelling(ValueError):
    """The function uses what the language cannot say in this way."""


def region(part: Region) -> str:
    """A slice; the whole buffer by its name."""
    if part.fill is not None:
        raise NoSpelling("a fill of one access")
    whole = all(
        isinstance(dim, Range) and dim.start == Const(0, INDEX) and dim.extent == extent
        for dim, extent in zip(part.dims, part.buffer.shape, strict=True)
    )
    if whole:
        return part.buffer.name
    dims = [
        expression(dim.index)
        if isinstance(dim, At)
        else f"{expression(dim.start)} : {expression(dim.start)} + {expression(dim.extent)}"
        for dim in part.dims
    ]
    return f"{part.buffer.name}[{', '.join(dims)}]"


def points(part: Region) -> str:
    indices = tuple(dim.index for dim in part.dims if isinstance(dim, At))
    return element(part.buffer, indices)


def element(buffer: Buffer, indices: tuple[Expr, ...]) -> str:
    if not indices:
        return buffer.name if buffer.scope == "local" else f"{buffer.name}[()]"
    return f"{buffer.name}[{', '.join(expression(index) for index in indices)}]"


def expression(expr: Expr) -> str:
    """One expression, wholly parenthesized."""
    match expr:
        case Const():
            return _constant(expr)
        case Var(name=name):
            return name
        case Apply(op="not", args=(value,)) if _is_static_bool(value):
            return f"(not {expression(value)})"  # ~True is an int of Python
        case Apply(op=op, args=args):
            return _application(op, tuple(expression(arg) for arg in args))
        case Select(condition=condition, then=then, otherwise=otherwise, lazy=lazy):
            c, a, b = expression(condition), expression(then), expression(otherwise)
            return f"({a} if {c} else {b})" if lazy else f"T.Select({c}, {a}, {b})"
        case Cast(value=value, dtype=dtype, rounding=rounding, saturate=saturate):
            if dtype == INDEX:
                # else an index position would compute the value anew, in 64 bits
                return f'T.cast({expression(value)}, "int64")'
            more = f', round="{rounding}", sat={saturate}' if dtype.is_float else ""
            return f'T.cast({expression(value)}, "{dtype}"{more})'
        case Bitcast(value=value, dtype=dtype):
            return f'T.reinterpret({expression(value)}, "{dtype}")'
    if expr.fill is not None:
        raise NoSpelling("a fill of one access")
    return element(expr.buffer, expr.indices)


def _is_static_bool(expr: Expr) -> bool:
    return expr.dtype == BOOL and not any(
        isinstance(part, Var | Load) for part in walk(expr)
    )


def _constant(constant: Const) -> str:
    value, dtype = constant.value, constant.dtype
    if dtype == INDEX:
        return f"({value})" if value < 0 else str(value)
    if dtype == BOOL:
        return str(bool(value))
    text = repr(value)
    if isinstance(value, float) and not math.isfinite(value):
        text = f'float("{value}")'
    return f'T.cast({text}, "{dtype}")'


def _application(op: str, args: tuple[str, ...]) -> str:
    listed = ", ".join(args)
    if op in _INFIX:
        return f"({args[0]} {_INFIX[op]} {args[1]})"
    if op in _PREFIX:
        return f"({_PREFIX[op]}{args[0]})"
    if op in _CALLS:
        return _CALLS[op].format(listed)
    return f"T.{op}({listed})"


def shape_of(parts: tuple[Expr, ...]) -> str:
    return "(" + "".join(f"{expression(part)}, " for part in parts) + ")"
