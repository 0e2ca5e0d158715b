"""Writing LLVM IR as text: typed values, instructions, named blocks, loops.

Instructions accept a mixture of scalars and vectors and spread the scalars over the lanes,
so that code which emits an operation is written once for every width.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from tiledsl_llvm.values import Value, constant, integer, mangled, vector_type

_PARAMETERS = (
    "entry",
    "arguments",
    "results",
    "first",
    "last",
    "arena",
    "x0",
    "x1",
    "x2",
)


def _trivial(operation: str, a: Value, b: Value) -> Value | None:
    """Arithmetic on 64-bit scalars that needs no instruction."""
    if a.type != "i64" or b.type != "i64" or operation not in _FOLDED:
        return None
    x, y = (None if v.text.startswith("%") else int(v.text) for v in (a, b))
    if x is not None and y is not None:
        return integer(_FOLDED[operation](x, y))
    if operation == "mul" and 0 in (x, y):
        return integer(0)
    unit = {"add": 0, "sub": 0, "mul": 1}.get(operation)
    if unit is not None and y == unit:
        return a
    return b if x == unit and operation in ("add", "mul") else None


_FOLDED: Final[dict[str, Callable[[int, int], int]]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "and": operator.and_,
}


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop being written: its counter, and the labels that continue and break it."""

    counter: Value
    next: str
    end: str


class Module:
    """The text of one LLVM module."""

    def __init__(self, triple: str) -> None:
        self.triple = triple
        self._functions: dict[str, str] = {}
        self._declarations: dict[str, str] = {}
        self._globals: list[str] = []
        self._metadata: list[str] = []

    def define(self, name: str, text: str) -> None:
        self._functions[name] = text

    def defines(self, name: str) -> bool:
        return name in self._functions

    def declare(self, name: str, result: str, parameters: Sequence[str]) -> None:
        self._declarations[name] = f"declare {result} @{name}({', '.join(parameters)})"

    def constant(self, name: str, text: str) -> None:
        line = f"@{name} = private unnamed_addr constant {text}"
        if line not in self._globals:
            self._globals.append(line)

    def metadata(self, text: str) -> str:
        self._metadata.append(text)
        return f"!{len(self._metadata) - 1}"

    def loop_metadata(self, advice: str = '!{!"llvm.loop.unroll.disable"}') -> str:
        """Distinct metadata of a loop; by default LLVM shall not unroll it."""
        number = self.shared_metadata(advice)
        return self.metadata(f"distinct !{{!{len(self._metadata)}, {number}}}")

    def shared_metadata(self, text: str) -> str:
        """The one node with this text."""
        if text not in self._metadata:
            self.metadata(text)
        return f"!{self._metadata.index(text)}"

    def text(self) -> str:
        parts = [f'target triple = "{self.triple}"']
        if self._globals:
            parts.append("\n".join(self._globals))
        parts += self._functions.values()
        parts.append(
            "\n".join(self._declarations[n] for n in sorted(self._declarations))
        )
        parts.append("\n".join(f"!{k} = {m}" for k, m in enumerate(self._metadata)))
        return "\n\n".join(parts) + "\n"


@dataclass
class Builder:
    """Writes one function, instruction by instruction."""

    module: Module
    block: str = "entry"
    _lines: list[str] = field(default_factory=list)
    _slots: list[str] = field(default_factory=list)
    # names of parameters and the first block are taken
    _counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(_PARAMETERS, 1)
    )

    # ------------------------------------------------------------- the function

    def finish(self, header: str) -> str:
        """The function's text; ``header`` is everything before the brace."""
        body = "\n".join(self._lines)
        slots = "".join(f"  {line}\n" for line in self._slots)
        return f"{header} {{\nentry:\n{slots}{body}\n}}"

    def name(self, hint: str) -> str:
        """A fresh local name."""
        hint = "".join(
            c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in hint
        )
        count = self._counts.get(hint, 0)
        self._counts[hint] = count + 1
        return f"{hint}.{count}" if count else hint or "v"

    def line(self, text: str) -> None:
        self._lines.append(f"  {text}")

    def comment(self, text: str) -> None:
        words = "".join(c if c.isprintable() else "?" for c in text)
        self._lines.append(f"  ; {words}")

    def slot(
        self, element: str, count: int, lanes: int = 1, hint: str = "slot"
    ) -> Value:
        """Memory on the stack that lives as long as the function runs."""
        name, kind = self.name(hint), vector_type(element, lanes)
        self._slots.append(f"%{name} = alloca [{count} x {kind}], align 64")
        return Value(f"%{name}", "ptr")

    # -------------------------------------------------------------- instructions

    def make(self, element: str, lanes: int, text: str, hint: str = "v") -> Value:
        name = self.name(hint)
        self.line(f"%{name} = {text}")
        return Value(f"%{name}", element, lanes)

    def spread(self, value: Value, lanes: int) -> Value:
        """The value in every lane."""
        if value.lanes == lanes:
            return value
        if value.lanes != 1:
            raise ValueError(f"{value.typed} has not {lanes} lanes")
        if not value.text.startswith("%"):
            return constant(value.text, value.element, lanes)
        kind = vector_type(value.element, lanes)
        one = self.make(
            value.element, lanes, f"insertelement {kind} poison, {value.typed}, i64 0"
        )
        zeros = f"<{lanes} x i32> zeroinitializer"
        return self.make(
            value.element,
            lanes,
            f"shufflevector {one.typed}, {kind} poison, {zeros}",
            "all",
        )

    def same_lanes(self, *values: Value) -> tuple[Value, ...]:
        lanes = max(value.lanes for value in values)
        return tuple(self.spread(value, lanes) for value in values)

    def binary(self, operation: str, a: Value, b: Value, hint: str = "v") -> Value:
        trivial = _trivial(operation, a, b)
        if trivial is not None:
            return trivial
        a, b = self.same_lanes(a, b)
        return self.make(a.element, a.lanes, f"{operation} {a.typed}, {b.text}", hint)

    def compare(self, predicate: str, a: Value, b: Value) -> Value:
        """``predicate`` is of ``icmp`` or, for floats, of ``fcmp``."""
        a, b = self.same_lanes(a, b)
        kind = "fcmp" if a.element in ("float", "double") else "icmp"
        return self.make("i1", a.lanes, f"{kind} {predicate} {a.typed}, {b.text}", "is")

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        if condition.lanes > 1:
            condition, a, b = self.same_lanes(condition, a, b)
        else:
            a, b = self.same_lanes(a, b)
        text = f"select {condition.typed}, {a.typed}, {b.typed}"
        return self.make(a.element, a.lanes, text)

    def convert(self, operation: str, value: Value, element: str) -> Value:
        """A conversion instruction; nothing if the element is already right."""
        if value.element == element:
            return value
        kind = vector_type(element, value.lanes)
        return self.make(element, value.lanes, f"{operation} {value.typed} to {kind}")

    def call(
        self, function: str, element: str, lanes: int, arguments: Sequence[str | Value]
    ) -> Value:
        """A call; strings are typed constants that the callee takes as they are."""
        words = [a.typed if isinstance(a, Value) else a for a in arguments]
        kind = vector_type(element, lanes) if element != "void" else "void"
        if not self.module.defines(function):
            types = [
                a.type if isinstance(a, Value) else a.rsplit(" ", 1)[0]
                for a in arguments
            ]
            self.module.declare(function, kind, types)
        text = f"call {kind} @{function}({', '.join(words)})"
        if element == "void":
            self.line(text)
            return Value("", "void")
        return self.make(element, lanes, text)

    def intrinsic(
        self, name: str, *arguments: Value, flags: Sequence[str] = ()
    ) -> Value:
        """``llvm.name`` overloaded on, and giving, the type of its first argument."""
        arguments = self.same_lanes(*arguments)
        first = arguments[0]
        full = f"llvm.{name}.{mangled(first.element, first.lanes)}"
        return self.call(full, first.element, first.lanes, [*arguments, *flags])

    def shuffle(
        self, a: Value, positions: Sequence[int], b: Value | None = None
    ) -> Value:
        """The lanes of ``a``, and after them those of ``b``, at these positions."""
        count = len(positions)
        second = b.typed if b is not None else f"{a.type} poison"
        mask = ", ".join(f"i32 {p}" for p in positions)
        text = f"shufflevector {a.typed}, {second}, <{count} x i32> <{mask}>"
        return self.make(a.element, count, text)

    def extract(self, vector: Value, position: Value) -> Value:
        text = f"extractelement {vector.typed}, {position.typed}"
        return self.make(vector.element, 1, text)

    # -------------------------------------------------------------------- memory

    def address(self, base: Value, element: str, index: Value) -> Value:
        base, index = self.same_lanes(base, index) if index.lanes > 1 else (base, index)
        text = f"getelementptr {element}, {base.typed}, {index.typed}"
        return self.make("ptr", base.lanes, text, "at")

    def load(
        self,
        pointer: Value,
        element: str,
        lanes: int = 1,
        *,
        align: int,
        facts: str = "",
    ) -> Value:
        kind = vector_type(element, lanes)
        text = f"load {kind}, {pointer.typed}, align {align}{facts}"
        return self.make(element, lanes, text, "x")

    def store(
        self, value: Value, pointer: Value, *, align: int, facts: str = ""
    ) -> None:
        self.line(f"store {value.typed}, {pointer.typed}, align {align}{facts}")

    # ------------------------------------------------------------------- control

    def start(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self.block = label

    def jump(self, label: str, facts: str = "") -> None:
        self.line(f"br label %{label}{facts}")

    def branch(self, condition: Value, yes: str, no: str) -> None:
        self.line(f"br {condition.typed}, label %{yes}, label %{no}")

    @contextmanager
    def when(self, condition: Value, hint: str = "if") -> Iterator[None]:
        """What is written inside runs if the condition holds."""
        yes, end = self.name(f"{hint}_then"), self.name(f"{hint}_end")
        self.branch(condition, yes, end)
        self.start(yes)
        yield
        self.jump(end)
        self.start(end)

    @contextmanager
    def loop(
        self,
        start: Value,
        stop: Value,
        step: int,
        hint: str = "k",
        *,
        unroll: bool = False,
    ) -> Iterator[Loop]:
        """Counts up from ``start`` to below ``stop``."""
        head, body = self.name(f"{hint}_loop"), self.name(f"{hint}_body")
        latch, end = self.name(f"{hint}_next"), self.name(f"{hint}_end")
        counter, before = Value(f"%{self.name(hint)}", "i64"), self.block
        self.jump(head)
        self.start(head)
        after = f"{counter.text}.next"
        self.line(
            f"{counter.text} = phi i64 [ {start.text}, %{before} ], [ {after}, %{latch} ]"
        )
        self.branch(self.compare("slt", counter, stop), body, end)
        self.start(body)
        yield Loop(counter, latch, end)
        self.jump(latch)
        self.start(latch)
        self.line(f"{after} = add nsw i64 {counter.text}, {step}")
        self.jump(head, "" if unroll else f", !llvm.loop {self.module.loop_metadata()}")
        self.start(end)
