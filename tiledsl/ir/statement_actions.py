"""From the syntax tree of one line to a statement or a function.

A line that opens a block becomes its statement with an empty body; the parser fills it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from lark import Token

from tiledsl.ir.dtypes import BOOL, INDEX
from tiledsl.ir.expression_actions import (
    Access,
    ExpressionActions,
    TextProblem,
    dtype_of,
)
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Assert,
    Atomic,
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
    LoopKind,
    Parallel,
    Print,
    Reduce,
    Region,
    Scope,
    Sort,
    Store,
    TileHint,
    Var,
    Wait,
    While,
)
from tiledsl.ir.ops import ATOMICS, MEMORY_ORDERS, REDUCTIONS
from tiledsl.ir.spans import NO_SPAN, Span

Part = Any  # what the rule's parts became; the grammar says what they are


@dataclass(frozen=True, slots=True)
class _Pointers:
    """The names of parameters, told from those of outputs."""

    names: list[str]


def _span(parts: list[Part]) -> Span:
    """The mark at the end of a line, taken off its parts."""
    return cast(Span, parts.pop()) if parts and isinstance(parts[-1], Span) else NO_SPAN


def _flag(parts: list[Part], word: str) -> bool:
    """Whether the word stood at the end of the line, taken off its parts."""
    if parts and isinstance(parts[-1], Token) and parts[-1] == word:
        parts.pop()
        return True
    return False


class LineActions(ExpressionActions):
    """One method per rule of the upper half of the grammar."""

    # ---- declarations

    def strides(self, parts: list[Part]) -> list[Expr]:
        return parts

    def of(self, parts: list[Part]) -> tuple[str]:
        return (parts[0],)

    def buffer(self, parts: list[Part]) -> Buffer:
        of = parts.pop()[0] if isinstance(parts[-1], tuple) else None
        strides = tuple(parts.pop()) if isinstance(parts[-1], list) else None
        name, word, *shape = parts
        dtype = dtype_of(word)
        return Buffer(name, tuple(shape), dtype, strides=strides, of=of)

    def buffer_param(self, parts: list[Part]) -> Buffer:
        buffer = parts[0]
        if not parts[1:]:
            return cast(Buffer, buffer)
        object.__setattr__(buffer, "span", parts[1])  # not yet shared
        return cast(Buffer, buffer)

    def scalar_param(self, parts: list[Part]) -> Var:
        name, word, *mark = parts
        return Var(name, dtype_of(word), span=mark[0] if mark else NO_SPAN)

    def dims(self, parts: list[Part]) -> tuple[str, ...]:
        return tuple(parts)

    def outputs(self, parts: list[Part]) -> list[str]:
        return parts

    def pointers(self, parts: list[Part]) -> _Pointers:
        return _Pointers(parts)

    def func(self, parts: list[Part]) -> Function:
        span = _span(parts)
        fast_math = _flag(parts, "fast_math")
        pointers = parts.pop().names if isinstance(parts[-1], _Pointers) else []
        outputs = parts.pop() if isinstance(parts[-1], list) else []
        name, *rest = parts
        dims = rest.pop(0) if rest and isinstance(rest[0], tuple) else ()
        positions = {param.name: at for at, param in enumerate(rest)}
        missing = [name for name in (*outputs, *pointers) if name not in positions]
        if missing:
            raise TextProblem("E3005", f"no parameter is called {missing[0]!r}")
        return Function(
            name,
            tuple(rest),
            tuple(Var(dim, INDEX) for dim in dims),
            (),
            tuple(positions[output] for output in outputs),
            fast_math,
            tuple(positions[name] for name in pointers),
            span=span,
        )

    def alloc(self, parts: list[Part]) -> Allocate:
        span = _span(parts)
        scope, buffer = parts
        if scope not in get_args(Scope):
            raise TextProblem("E3003", f"unknown scope {scope!r}")
        object.__setattr__(buffer, "scope", scope)  # not yet shared
        return Allocate(buffer, span=span)

    def let(self, parts: list[Part]) -> Let:
        span = _span(parts)
        name, word, value = parts
        return Let(Var(name, dtype_of(word)), value, span=span)

    # ---- elements

    def store(self, parts: list[Part]) -> Store:
        span = _span(parts)
        access, value = parts
        indices = _written(access)
        return Store(access.buffer, indices, value, access.claims(), span=span)

    def accumulate(self, parts: list[Part]) -> Accumulate:
        span = _span(parts)
        access, reduction, value = parts
        if reduction not in REDUCTIONS:
            raise TextProblem("E3003", f"unknown reduction {reduction!r}")
        indices = _written(access)
        return Accumulate(
            reduction, access.buffer, indices, value, access.claims(), span=span
        )

    def previous(self, parts: list[Part]) -> tuple[Var]:
        return (Var(parts[0], dtype_of(parts[1])),)

    def atomic(self, parts: list[Part]) -> Atomic:
        span = _span(parts)
        previous = parts.pop()[0] if isinstance(parts[-1], tuple) else None
        op, order, access, *value = parts
        if op not in ATOMICS or order not in MEMORY_ORDERS:
            raise TextProblem("E3003", f"unknown atomic {op} {order}")
        return Atomic(
            op,
            access.buffer,
            access.indices(),
            value[0] if value else None,
            previous,
            order,
            access.fill,
            access.claims(),
            span=span,
        )

    # ---- tile operations

    def copy(self, parts: list[Part]) -> Copy:
        span = _span(parts)
        asynchronous = _flag(parts, "asynchronous")
        source, target, *shape = parts
        return Copy(source, target, tuple(shape), asynchronous, span=span)

    def fill(self, parts: list[Part]) -> Fill:
        span = _span(parts)
        return Fill(parts[0], parts[1], span=span)

    def clear(self, parts: list[Part]) -> tuple[Expr]:
        return (parts[0],)

    def gemm(self, parts: list[Part]) -> Gemm:
        span = _span(parts)
        tf32 = _flag(parts, "allow_tf32")
        never = Const(False, BOOL)
        clear: Expr = parts.pop()[0] if isinstance(parts[-1], tuple) else never
        transpose_b = _flag(parts, ".T")
        b = parts.pop()
        transpose_a = _flag(parts, ".T")
        c, a = cast("tuple[Region, Region]", tuple(parts))
        return Gemm(a, b, c, clear, transpose_a, transpose_b, tf32, span=span)

    def reduce(self, parts: list[Part]) -> Reduce:
        span = _span(parts)
        nan_propagate = _flag(parts, "nan_propagate")
        clear = _flag(parts, "clear")
        reduction, source, axis, target = parts
        if reduction not in REDUCTIONS:
            raise TextProblem("E3003", f"unknown reduction {reduction!r}")
        return Reduce(reduction, source, target, axis, clear, nan_propagate, span=span)

    def sort(self, parts: list[Part]) -> Sort:
        span = _span(parts)
        descending = _flag(parts, "descending")
        source, axis, target = parts
        return Sort(source, target, axis, descending, span=span)

    # ---- control

    def axis(self, parts: list[Part]) -> tuple[Var, Expr]:
        return Var(parts[0], INDEX), parts[1]

    def launch(self, parts: list[Part]) -> Launch:
        span = _span(parts)
        axes = [part for part in parts if isinstance(part, tuple)]
        names, grid = zip(*axes, strict=True)
        threads = tuple(part for part in parts if isinstance(part, int))
        return Launch(names, grid, threads, (), span=span)

    def tile_hint(self, parts: list[Part]) -> TileHint:
        span = _span(parts)
        name, *sizes, reduce, stages = (part for part in parts if part is not None)
        return TileHint(tuple(sizes), reduce, stages, name, (), span=span)

    def parallel(self, parts: list[Part]) -> Parallel:
        span = _span(parts)
        names, extents = zip(*parts, strict=True)
        return Parallel(names, extents, (), span=span)

    def stages(self, parts: list[Part]) -> tuple[int]:
        return (parts[0],)

    def for_(self, parts: list[Part]) -> For:
        span = _span(parts)
        kind = parts.pop(0)
        if kind not in get_args(LoopKind):
            raise TextProblem("E3003", f"unknown kind of loop {kind!r}")
        stages = parts.pop(0)[0] if isinstance(parts[0], tuple) else 0
        name, start, stop, step = parts
        var = Var(name, INDEX)
        return For(var, start, stop, step, (), kind, stages, span=span)

    def while_(self, parts: list[Part]) -> While:
        span = _span(parts)
        return While(parts[0], (), span=span)

    def if_(self, parts: list[Part]) -> If:
        span = _span(parts)
        return If(parts[0], (), span=span)

    def else_(self, parts: list[Part]) -> Literal["else"]:
        return "else"

    def break_(self, parts: list[Part]) -> Break:
        return Break(span=_span(parts))

    def continue_(self, parts: list[Part]) -> Continue:
        return Continue(span=_span(parts))

    # ---- looking at a run

    def text(self, parts: list[Part]) -> str:
        try:
            return str(json.loads(parts[0]))
        except ValueError:
            raise TextProblem("E3007", "malformed text") from None

    def assert_(self, parts: list[Part]) -> Assert:
        span = _span(parts)
        word, message, condition = parts
        return Assert(condition, message, word == "assume", span=span)

    def print_(self, parts: list[Part]) -> Print:
        span = _span(parts)
        return Print(parts[0], parts[1] if len(parts) > 1 else None, span=span)

    def named(self, parts: list[Part]) -> tuple[str, Expr | Region]:
        return parts[0], parts[1]

    def breakpoint_(self, parts: list[Part]) -> Breakpoint:
        span = _span(parts)
        names = tuple(name for name, _ in parts)
        return Breakpoint(names, tuple(value for _, value in parts), span=span)

    def wait_(self, parts: list[Part]) -> Wait:
        return Wait(span=_span(parts))

    def pass_(self, parts: list[Part]) -> Literal["pass"]:
        return "pass"


def _written(access: Access) -> tuple[Expr, ...]:
    if access.fill is not None:
        raise TextProblem("E3002", "an element that is written has no fill")
    return access.indices()
