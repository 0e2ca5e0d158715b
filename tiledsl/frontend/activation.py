"""One run of rewritten code: places, checked reads, limits."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeVar

from tiledsl.diagnostics import KernelError
from tiledsl.frontend import python_operations as python
from tiledsl.frontend.buffers import BufferRef, RegionRef, VarRef
from tiledsl.frontend.builder import Builder
from tiledsl.frontend.scopes import Names
from tiledsl.frontend.values import is_symbolic
from tiledsl.ir.spans import Span

STATEMENT_LIMIT: Final = 100_000
UNROLL_LIMIT: Final = 10_000

ValueT = TypeVar("ValueT")


class Unbound:
    """The content of a local name before its first assignment."""

    def __repr__(self) -> str:
        return "<no value yet>"


class Ended(Unbound):
    """The content of a local name after the loop or branch that bound it."""


UNBOUND: Final = Unbound()
ENDED: Final = Ended()


def _keep_old(name: str, old: object, annotation: object) -> object:
    return old


@dataclass(slots=True, eq=False)
class TraceState:
    """What all functions inlined into one trace share."""

    builder: Builder
    statements: int = 0
    unrolled: int = 0
    # macros being inlined, outermost first
    macros: list[object] = field(default_factory=list)
    # > 0 while an operand of and, or, a ternary or a while condition is evaluated
    lazy_operands: int = 0
    # what the statement `name: annotation` makes of (name, old value, annotation)
    declare: Callable[[str, object, object], object] = _keep_old
    # the loops around the current point: "traced" once, or "unrolled"
    loops: list[Literal["traced", "unrolled"]] = field(default_factory=list)

    @contextmanager
    def activate(self) -> Iterator[None]:
        token = _ACTIVE.set(self)
        try:
            with self.builder.activate():
                yield
        finally:
            _ACTIVE.reset(token)

    @staticmethod
    def active() -> TraceState | None:
        return _ACTIVE.get()

    def count_statement(self) -> None:
        self.statements += 1
        if self.statements > STATEMENT_LIMIT:
            raise KernelError(
                "E0126",
                "the kernel has too many traced statements",
                span=self.builder.span,
                expected=f"at most {STATEMENT_LIMIT}",
                hint="use loops over T.serial instead of unrolled ones",
            )

    def count_unrolled(self) -> None:
        self.unrolled += 1
        if self.unrolled > UNROLL_LIMIT:
            raise KernelError(
                "E0127",
                "too many unrolled iterations",
                span=self.builder.span,
                expected=f"at most {UNROLL_LIMIT} in one kernel",
                hint="loop over range or T.serial, which becomes a loop in the kernel",
            )


_ACTIVE: ContextVar[TraceState | None] = ContextVar("tiledsl_trace", default=None)

_BUILTIN_FORMS: Final = {
    "min": "T.min",
    "max": "T.max",
    "sorted": "T.sort",
    "any": "T.any_of",
    "all": "T.all_of",
}


class Activation:
    """One call of a rewritten function; ``spans`` are the places it refers to."""

    unbound: Final = UNBOUND
    slice: Final = staticmethod(slice)

    def __init__(
        self,
        state: TraceState,
        spans: tuple[Span, ...],
        parameters: tuple[str, ...],
        caller: Span | None = None,
    ) -> None:
        self.state = state
        self.builder = state.builder
        self.names = Names(parameters)
        self._spans = spans
        self._caller = caller
        self._placed: dict[int, Span] = {}

    # ------------------------------------------------------------------- places

    def place(self, k: int) -> Span:
        """Place k, reached through the macro call that this activation is."""
        if self._caller is None:
            return self._spans[k]
        if k not in self._placed:
            self._placed[k] = replace(self._spans[k], caller=self._caller)
        return self._placed[k]

    def here(self, k: int) -> Span:
        """Moves to place k."""
        self.builder.span = span = self.place(k)
        return span

    def at(self, k: int) -> None:
        """A statement begins."""
        self.here(k)
        self.state.count_statement()

    def mark(self, k: int, value: ValueT) -> ValueT:
        """The operation at place k is about to run; ``value`` is its last operand."""
        self.here(k)
        return value

    # -------------------------------------------------------------------- reads

    def read(self, k: int, name: str, value: object) -> object:
        """The local name ``name``, whose content is ``value``."""
        span = self.place(k)
        if value is UNBOUND:
            raise self.names.undefined(name, span)
        if value is ENDED:
            self.names.read(name, span, static=False)
        static = not is_symbolic(value) and not isinstance(value, BufferRef | RegionRef)
        self.names.read(name, span, static=static)
        return value

    def outer(self, k: int, name: str, value: object) -> object:
        """A name of an enclosing function, whose content is ``value``."""
        if not isinstance(value, Unbound):
            return value
        ended = isinstance(value, Ended)
        raise KernelError(
            "E0403" if ended else "E0402",
            f"the name {name} of the enclosing function has no value here",
            span=self.place(k),
            got="bound inside a loop or branch that has ended" if ended else None,
            hint=f"bind {name} before, or pass it as an argument",
        )

    def after(self, name: str, value: object) -> object:
        """What functions defined in the kernel see once a loop or branch has ended."""
        bound = not isinstance(value, Unbound)
        return ENDED if bound and not self.names.holds(name) else value

    def value(self, x: object) -> object:
        """What a right side gives: a mutable variable is read (rule L18c)."""
        return x.read() if isinstance(x, VarRef) else x

    def define(self, k: int, name: str) -> None:
        """A nested function was defined."""
        self.names.bind(name, self.place(k))

    def builtin(self, k: int, function: Callable[..., object]) -> object:
        """A Python builtin that would ask its arguments for their truth (rule L24)."""
        name = getattr(function, "__name__", "")
        if getattr(builtins, name, None) is not function:
            return function  # the user's own function of that name

        def checked(*arguments: object, **options: object) -> object:
            if any(map(_holds_symbolic, arguments)):
                raise KernelError(
                    "E0410",
                    f"Python's {name} cannot compare values of a running kernel",
                    span=self.place(k),
                    hint=f"use {_BUILTIN_FORMS[name]}",
                )
            return python.call(function, arguments, options)

        return checked


def _holds_symbolic(x: object) -> bool:
    if isinstance(x, list | tuple | set):
        return any(map(is_symbolic, x))
    return is_symbolic(x)
