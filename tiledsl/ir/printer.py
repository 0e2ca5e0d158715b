"""Tile IR as text.  ``parser`` reads it back, exactly.

    tiledsl.ir 1
    func scale[m](X: float32[m, 64], Y: float32[m, 64]) -> (Y)
      launch (bx: ceildiv(m, 32)) threads 128
        alloc fragment x: float32[32, 64]
        copy X[bx * 32 +: 32, 0 +: 64] -> x[!0 +: 32, !0 +: 64] shape (32, 64)
        parallel (i: 32, j: 64)
          x[!i, !j] = x[!i, !j] * 2.0
        copy x[!0 +: 32, !0 +: 64] -> Y[bx * 32 +: 32, 0 +: 64] shape (32, 64)

A ``!`` claims that an index or range is inside its dimension.  Output is ASCII, the same
in every process, and depends on nothing but the function.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from tiledsl.ir.expression_text import (
    SpanTable,
    buffer_text,
    expr_text,
    fill_text,
    indices_text,
    region_text,
)
from tiledsl.ir.literals import name_text
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Assert,
    Atomic,
    Block,
    Break,
    Breakpoint,
    Buffer,
    Const,
    Continue,
    Copy,
    Expr,
    Fill,
    For,
    Function,
    Gemm,
    If,
    Launch,
    Let,
    Parallel,
    Print,
    Reduce,
    Region,
    Sort,
    Statement,
    Store,
    TileHint,
    Var,
    Wait,
    While,
)
from tiledsl.ir.spans import NO_SPAN, Span
from tiledsl.ir.text_format import FORMAT, VERSION, span_line

_INDENT: Final = "  "


def print_function(function: Function, *, spans: bool = False) -> str:
    """The text of a function; ``spans`` adds the places in the user's source."""
    table = SpanTable(spans)
    lines = [f"{FORMAT} {VERSION}", _header(function, table)]
    lines += _block(function.body, 1, table)
    if spans:
        places = [span for span in table.numbers if span != NO_SPAN]
        lines += [span_line(span, table.numbers) for span in places]
    return "\n".join(lines) + "\n"


def print_statement(statement: Statement) -> str:
    """A statement and what is below it, for messages."""
    return "\n".join(_statement(statement, 0, SpanTable(wanted=False)))


def print_expression(expr: Expr) -> str:
    """An expression, for messages."""
    return expr_text(expr, SpanTable(wanted=False), NO_SPAN)


def _header(function: Function, spans: SpanTable) -> str:
    def declared(param: Buffer | Var) -> str:
        mark = spans.mark(param.span, function.span)
        if isinstance(param, Buffer):
            return buffer_text(param, spans) + mark
        return f"{name_text(param.name)}: {param.dtype}{mark}"

    text = f"func {name_text(function.name, reserved=())}"
    if function.dims:
        text += f"[{', '.join(name_text(dim.name) for dim in function.dims)}]"
    text += f"({', '.join(declared(param) for param in function.params)})"
    if function.outputs:
        names = (name_text(function.params[at].name) for at in function.outputs)
        text += f" -> ({', '.join(names)})"
    if function.pointers:
        names = (name_text(function.params[at].name) for at in function.pointers)
        text += f" pointers ({', '.join(names)})"
    text += " fast_math" if function.fast_math else ""
    return text + _tail(function.span, spans)


def _tail(span: Span, spans: SpanTable) -> str:
    """The mark of a line; ``at`` tells it from the mark of the line's last expression."""
    mark = spans.mark(span, NO_SPAN)
    return f" at {mark}" if mark else ""


def _block(block: Block, depth: int, spans: SpanTable) -> Iterator[str]:
    if not block:
        yield _INDENT * depth + "pass"
    for statement in block:
        yield from _statement(statement, depth, spans)


def _statement(statement: Statement, depth: int, spans: SpanTable) -> Iterator[str]:
    indent, tail = _INDENT * depth, _tail(statement.span, spans)
    match statement:
        case If(then=then, otherwise=otherwise):
            yield indent + _opening(statement, spans) + tail
            yield from _block(then, depth + 1, spans)
            if otherwise:
                yield indent + "else"
                yield from _block(otherwise, depth + 1, spans)
        case For() | Parallel() | While() | Launch() | TileHint():
            yield indent + _opening(statement, spans) + tail
            yield from _block(statement.body, depth + 1, spans)
        case _:
            yield indent + _simple(statement, spans) + tail


def _opening(
    statement: If | For | Parallel | While | Launch | TileHint, spans: SpanTable
) -> str:
    """The line before an indented block."""
    text = partial(expr_text, spans=spans, around=statement.span)
    match statement:
        case If(condition=condition):
            return f"if {text(condition)}"
        case While(condition=condition):
            return f"while {text(condition)}"
        case For(var=var, start=start, stop=stop, step=step, kind=kind, stages=stages):
            how = f"{kind}({stages})" if stages else kind
            bounds = f"{text(start)} .. {text(stop)} step {text(step)}"
            return f"for {how} {name_text(var.name)} in {bounds}"
        case Parallel(vars=names, extents=extents):
            return f"parallel {_axes(names, extents, spans, statement.span)}"
        case Launch(vars=names, grid=grid, threads=threads):
            count = ", ".join(str(number) for number in threads)
            return f"launch {_axes(names, grid, spans, statement.span)} threads {count}"
        case TileHint(sizes=sizes, reduce=reduce, stages=stages, name=name):
            tiles = f"sizes ({', '.join(map(str, sizes))}) reduce {reduce}"
            return f"tile_hint {name_text(name)} {tiles} stages {stages}"


def _axes(
    names: Sequence[Var], extents: Sequence[Expr], spans: SpanTable, around: Span
) -> str:
    axes = (
        f"{name_text(var.name)}: {expr_text(extent, spans, around)}"
        for var, extent in zip(names, extents, strict=False)
    )
    return f"({', '.join(axes)})"


def _simple(statement: Statement, spans: SpanTable) -> str:
    """A statement that is one line."""
    text = partial(expr_text, spans=spans, around=statement.span)
    match statement:
        case Allocate(buffer=buffer):
            mark = spans.mark(buffer.span, statement.span)
            return f"alloc {buffer.scope} {buffer_text(buffer, spans)}{mark}"
        case Let(var=var, value=value):
            return f"let {name_text(var.name)}: {var.dtype} = {text(value)}"
        case Store(value=value):
            return f"{_element(statement, spans)} = {text(value)}"
        case Accumulate(reduction=reduction, value=value):
            return f"{_element(statement, spans)} {reduction}= {text(value)}"
        case Atomic():
            return _atomic(statement, spans)
        case Break():
            return "break"
        case Continue():
            return "continue"
        case Assert() | Print() | Breakpoint() | Wait():
            return _observation(statement, spans)
        case _:
            return _tile_operation(statement, spans)


def _element(statement: Store | Accumulate, spans: SpanTable) -> str:
    parts = indices_text(statement.indices, statement.proved, spans, statement.span)
    return f"{name_text(statement.buffer.name)}[{parts}]"


def _atomic(statement: Atomic, spans: SpanTable) -> str:
    indices = indices_text(statement.indices, statement.proved, spans, statement.span)
    place = f"{name_text(statement.buffer.name)}[{indices}{fill_text(statement.fill)}]"
    text = f"atomic {statement.op} {statement.order} {place}"
    if statement.value is not None:
        text += f" = {expr_text(statement.value, spans, statement.span)}"
    if statement.previous is not None:
        var = statement.previous
        text += f" -> {name_text(var.name)}: {var.dtype}"
    return text


def _observation(
    statement: Assert | Print | Breakpoint | Wait, spans: SpanTable
) -> str:
    def text(value: Expr | Region) -> str:
        if isinstance(value, Region):
            return f"[{region_text(value, spans, statement.span)}]"
        return expr_text(value, spans, statement.span)

    match statement:
        case Assert(condition=condition, message=message, assumed=assumed):
            word = "assume" if assumed else "assert"
            return f"{word} {json.dumps(message)} {text(condition)}"
        case Print(message=message, value=value):
            shown = "" if value is None else f" {text(value)}"
            return f"print {json.dumps(message)}{shown}"
        case Breakpoint(names=names, values=values):
            pairs = zip(names, values, strict=True)
            parts = ", ".join(
                f"{json.dumps(name)} {text(each)}" for name, each in pairs
            )
            return f"breakpoint ({parts})"
        case Wait():
            return "wait"


def _tile_operation(statement: Statement, spans: SpanTable) -> str:
    text = partial(expr_text, spans=spans, around=statement.span)
    region = partial(region_text, spans=spans, around=statement.span)
    match statement:
        case Copy(source=source, target=target, shape=shape):
            extents = ", ".join(text(extent) for extent in shape)
            how = " asynchronous" if statement.asynchronous else ""
            return f"copy {region(source)} -> {region(target)} shape ({extents}){how}"
        case Fill(target=target, value=value):
            return f"fill {region(target)} = {text(value)}"
        case Gemm(a=a, b=b, c=c, clear=clear):
            left = region(a) + (".T" if statement.transpose_a else "")
            right = region(b) + (".T" if statement.transpose_b else "")
            how = "" if clear == Const(False, clear.dtype) else f" clear {text(clear)}"
            how += " allow_tf32" if statement.allow_tf32 else ""
            return f"gemm {region(c)} += {left} @ {right}{how}"
        case Reduce(reduction=reduction, source=source, target=target, axis=axis):
            how = " clear" if statement.clear else ""
            how += " nan_propagate" if statement.nan_propagate else ""
            of = f"{region(source)} axis {axis}"
            return f"reduce {reduction} {of} -> {region(target)}{how}"
        case Sort(source=source, target=target, axis=axis):
            how = " descending" if statement.descending else ""
            return f"sort {region(source)} axis {axis} -> {region(target)}{how}"
        case _:
            raise TypeError(f"not a statement: {type(statement).__name__}")
