"""Expressions, regions and buffers as text.

Infix operators bind as in Python; every other operation is written as a call.  A span
mark ``@3`` refers to the table of spans; a part without one has its parent's span.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tiledsl.ir.literals import const_text, name_text
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
from tiledsl.ir.ops import SCALAR_OPS
from tiledsl.ir.spans import NO_SPAN, Span

# how tightly an operator binds its operands; comparisons do not chain
PRECEDENCE: Final[dict[str, int]] = {
    "==": 1, "!=": 1, "<": 1, "<=": 1, ">": 1, ">=": 1,
    "|": 2, "^": 3, "&": 4, "<<": 5, ">>": 5,
    "+": 6, "-": 6, "*": 7, "/": 7, "//": 7, "%": 7,
}  # fmt: skip
_COMPARISON: Final = 1


@dataclass
class SpanTable:
    """Numbers the spans that a text mentions; number 0 is ``NO_SPAN``."""

    wanted: bool
    numbers: dict[Span, int] = field(default_factory=lambda: {NO_SPAN: 0})

    def mark(self, span: Span, inherited: Span) -> str:
        """What to write behind a part that has this span inside one that has another."""
        if not self.wanted or span == inherited:
            return ""
        return f"@{self._number(span)}"

    def _number(self, span: Span) -> int:
        if span not in self.numbers and span.caller is not None:
            self._number(span.caller)
        return self.numbers.setdefault(span, len(self.numbers))


def expr_text(expr: Expr, spans: SpanTable, around: Span, binding: int = 0) -> str:
    """The expression, in parentheses if ``binding`` is tighter than its operator."""
    mark = spans.mark(expr.span, around)
    known = SCALAR_OPS.get(expr.op) if isinstance(expr, Apply) else None
    symbol = known.symbol if known else ""
    if isinstance(expr, Apply) and symbol and len(expr.args) == 2:
        own = PRECEDENCE[symbol]
        left_binding = own + 1 if own == _COMPARISON else own
        left = expr_text(expr.args[0], spans, expr.span, left_binding)
        right = expr_text(expr.args[1], spans, expr.span, own + 1)
        text = f"{left} {symbol} {right}"
        return f"({text}){mark}" if mark or own < binding else text
    return _atom_text(expr, spans) + mark


def _atom_text(expr: Expr, spans: SpanTable) -> str:
    match expr:
        case Const():
            return const_text(expr)
        case Var(name=name):
            return name_text(name)
        case Apply(op=op, args=args):
            return _call(op, args, spans, expr.span)
        case Select(condition=condition, then=then, otherwise=otherwise, lazy=lazy):
            word = "select" if lazy else "select_both"
            return _call(word, (condition, then, otherwise), spans, expr.span)
        case Cast():
            return _cast_text(expr, spans)
        case Bitcast(value=value, dtype=dtype):
            return f"bitcast({expr_text(value, spans, expr.span)}, {dtype})"
        case Load(buffer=buffer, indices=indices, fill=fill, proved=proved):
            parts = indices_text(indices, proved, spans, expr.span)
            return f"{name_text(buffer.name)}[{parts}{fill_text(fill)}]"


def _call(word: str, args: Sequence[Expr], spans: SpanTable, span: Span) -> str:
    parts = [expr_text(arg, spans, span) for arg in args]
    return f"{word}({', '.join(parts)})"


def _cast_text(cast: Cast, spans: SpanTable) -> str:
    options = ""
    if cast.rounding != "rn":
        options += f", rounding {cast.rounding}"
    if not cast.saturate:
        options += ", saturate false"
    return f"{cast.dtype}({expr_text(cast.value, spans, cast.span)}{options})"


def indices_text(
    indices: Sequence[Expr], proved: Sequence[bool], spans: SpanTable, around: Span
) -> str:
    """Subscripts; ``!`` claims that one is inside its dimension."""
    claims = list(proved) + [False] * (len(indices) - len(proved))
    parts = [expr_text(index, spans, around) for index in indices]
    marked = zip(parts, claims, strict=False)
    return ", ".join(f"!{part}" if claim else part for part, claim in marked)


def region_text(region: Region, spans: SpanTable, around: Span) -> str:
    """A box: ``A[i, 0 +: 128; fill 1.0]`` is one point by 128 positions from 0."""
    dims = ", ".join(_dim_text(dim, spans, region.span) for dim in region.dims)
    mark = spans.mark(region.span, around)
    return f"{name_text(region.buffer.name)}[{dims}{fill_text(region.fill)}]{mark}"


def _dim_text(dim: At | Range, spans: SpanTable, around: Span) -> str:
    claim = "!" if dim.proved else ""
    if isinstance(dim, At):
        return claim + expr_text(dim.index, spans, around)
    start = expr_text(dim.start, spans, around)
    return f"{claim}{start} +: {expr_text(dim.extent, spans, around)}"


def fill_text(fill: Const | None) -> str:
    """What a read outside gives, behind the subscripts."""
    return "" if fill is None else f"; fill {const_text(fill)}"


def buffer_text(buffer: Buffer, spans: SpanTable) -> str:
    """A declaration: ``A: float32[m, 8] strides(ld, 1)``."""

    def listed(parts: Sequence[Expr]) -> str:
        return ", ".join(expr_text(part, spans, buffer.span) for part in parts)

    text = f"{name_text(buffer.name)}: {buffer.dtype}[{listed(buffer.shape)}]"
    if buffer.strides is not None:
        text += f" strides({listed(buffer.strides)})"
    if buffer.of is not None:
        text += f" of {name_text(buffer.of)}"
    return text
