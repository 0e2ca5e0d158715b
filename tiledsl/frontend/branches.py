"""Conditions while tracing: branches, ternaries, boolean operators, assertions.

A static condition is Python: only the chosen code is traced.  A symbolic one becomes IR,
and all of its code is traced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

from tiledsl.diagnostics import KernelError, UnsupportedByTarget, brief
from tiledsl.frontend import python_operations as python
from tiledsl.frontend.activation import Activation
from tiledsl.frontend.assertions import emit_assertion
from tiledsl.frontend.buffers import BufferRef, RegionRef
from tiledsl.frontend.scopes import Binding
from tiledsl.frontend.snapshots import element_at_host, reads_memory
from tiledsl.frontend.tensor_types import ConstSymbol
from tiledsl.frontend.values import (
    as_condition,
    is_symbolic,
    logical_and,
    logical_not,
    logical_or,
    select,
)
from tiledsl.ir.dtypes import INDEX
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    Assert,
    Block,
    Const,
    Copy,
    Expr,
    If,
    Launch,
    Parallel,
    Select,
    Statement,
    TileHint,
)

Thunk = Callable[[], object]


class StaticBranch:
    """An ``if`` whose condition is known: one arm is traced, as ordinary code."""

    def __init__(self, condition: bool) -> None:
        self.then = condition
        self.otherwise = not condition

    def arm(self) -> AbstractContextManager[None]:
        return nullcontext()


class DynamicBranch:
    """An ``if`` that the kernel decides: both arms are traced, one after the other."""

    then = True
    otherwise = True

    def __init__(self, stage: Branches, k: int, condition: object, arms: int) -> None:
        self._stage = stage
        self._span = stage.builder.span
        self._condition = as_condition(condition)
        if stage.builder.at_host_level and reads_memory(self._condition):
            raise element_at_host()
        self._before = stage.names.save()
        self._made: dict[str, Binding] = {}
        self._blocks: list[Block] = []
        self._arms = arms

    @contextmanager
    def arm(self) -> Iterator[None]:
        """Traces the next arm.  What it binds is dropped; the last one emits the ``If``."""
        stage = self._stage
        with (
            stage.names.region("arm", self._span),
            stage.builder.block("arm") as collected,
        ):
            yield
        self._blocks.append(collected.statements)
        self._made |= stage.names.restore(self._before)
        if len(self._blocks) == self._arms:
            # the names it bound have ended: reading one is an error from here on
            stage.names.adopt(self._made)
            self._emit()

    def _emit(self) -> None:
        builder = self._stage.builder
        if not builder.at_host_level:
            builder.emit(If(self._condition, *self._blocks, span=self._span))
            return
        condition = self._condition
        for block in self._blocks:
            for statement in block:
                builder.emit(_only_if(condition, statement))
            condition = Apply("not", (self._condition,), span=self._span)


def _only_if(condition: Expr, statement: Statement) -> Statement:
    """A statement of the host part under a condition on dims and scalars.

    The host part has no branches: a launch that is not wanted has an empty grid.
    """
    match statement:
        case Launch():
            return replace(statement, grid=_or_none(condition, statement.grid))
        case Allocate():
            return statement
        case Parallel(extents=extents):
            return replace(statement, extents=_or_none(condition, extents))
        case Copy(shape=shape) if shape:
            return replace(statement, shape=_or_none(condition, shape))
        case TileHint(body=body):
            inside = tuple(_only_if(condition, part) for part in body)
            return replace(statement, body=inside)
        case Assert():
            otherwise = Apply("not", (condition,), span=condition.span)
            either = Apply("or", (otherwise, statement.condition))
            return replace(statement, condition=either)
    raise UnsupportedByTarget(
        "E2001",
        "this statement under a run-time condition outside T.Kernel is not available",
        span=statement.span,
        hint="put the condition inside a T.Kernel",
    )


def _or_none(condition: Expr, extents: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The extents, or 0 where the condition does not hold."""
    return tuple(
        Select(condition, extent, Const(0, INDEX), span=extent.span)
        for extent in extents
    )


def _joined(
    join: Callable[[object, object], object], left: object, right: object
) -> object:
    """``join(left, right)``, or a ``T.const`` in one of them that has no value yet."""
    for operand in (left, right):
        if isinstance(operand, ConstSymbol):
            return operand.in_expression()
    return join(left, right)


class Branches(Activation):
    """``if``, ternary, ``and``, ``or``, ``not``, chains, ``in`` and ``assert``."""

    def branch(
        self, k: int, condition: object, has_else: bool
    ) -> StaticBranch | DynamicBranch:
        self.here(k)
        if self._is_static(condition):
            return StaticBranch(python.truth(condition))
        return DynamicBranch(self, k, condition, 2 if has_else else 1)

    def choose(
        self, k: int, condition: object, then: Thunk, otherwise: Thunk
    ) -> object:
        """``then() if condition else otherwise()``"""
        self.here(k)
        if self._is_static(condition):
            return then() if python.truth(condition) else otherwise()
        a, b = self._lazily(k, then), self._lazily(k, otherwise)
        self.here(k)
        return select(condition, a, b, lazy=True)

    def both(self, k: int, first: object, *rest: Thunk) -> object:
        """``first and rest...``"""
        result = first
        for operand in rest:
            if self._is_static(result):
                if not python.truth(result):
                    return result
                result = operand()
                continue
            right = self._lazily(k, operand)
            self.here(k)
            result = _joined(logical_and, result, right)
        return result

    def either(self, k: int, first: object, *rest: Thunk) -> object:
        """``first or rest...``"""
        result = first
        for operand in rest:
            if self._is_static(result):
                if python.truth(result):
                    return result
                result = operand()
                continue
            right = self._lazily(k, operand)
            self.here(k)
            result = _joined(logical_or, result, right)
        return result

    def invert(self, k: int, value: object) -> object:
        """``not value``"""
        self.here(k)
        return not python.truth(value) if self._is_static(value) else logical_not(value)

    def chain(
        self, k: int, first: object, symbols: tuple[str, ...], *operands: Thunk
    ) -> object:
        """``a < b < c``: ``a < b and b < c`` with b evaluated once."""
        result: object = True
        left = first
        for symbol, operand in zip(symbols, operands, strict=True):
            right = operand() if self._is_static(result) else self._lazily(k, operand)
            self.here(k)
            test = python.compare(symbol, left, right)
            if self._is_static(result):
                result = test if python.truth(result) else result
            else:
                result = _joined(logical_and, result, test)
            if self._is_static(result) and not python.truth(result):
                return result
            left = right
        return result

    def contains(self, k: int, item: object, container: object) -> bool:
        """``item in container``, over static values only (rule L24)."""
        span = self.here(k)
        parts = container if isinstance(container, list | tuple | set) else ()
        if is_symbolic(item) or is_symbolic(container) or any(map(is_symbolic, parts)):
            raise KernelError(
                "E0411",
                "`in` cannot compare values of a running kernel",
                span=span,
                hint="write the comparisons: x == a or x == b",
            )
        return bool(python.compare("in", item, container))

    def check(self, k: int, condition: object, message: Thunk) -> None:
        """``assert condition, message``"""
        self.here(k)
        if isinstance(condition, ConstSymbol):
            return  # tested when the trace starts again with its value
        if self._is_static(condition):
            if not python.truth(condition):
                raise AssertionError(message())
            return
        text = message()
        if not isinstance(text, str):
            raise KernelError(
                "E0209",
                "the message of an assertion on run-time values is not a text",
                span=self.builder.span,
                expected="a str that is known while the kernel is traced",
                got=brief(text),
            )
        emit_assertion(condition, text, assumed=False)

    # ------------------------------------------------------------------ operands

    def _is_static(self, condition: object) -> bool:
        if isinstance(condition, BufferRef | RegionRef):
            raise KernelError(
                "E0412",
                "a whole buffer is not a condition",
                span=self.builder.span,
                hint="compare elements, or use T.any_of(buffer) or T.all_of(buffer)",
            )
        return not is_symbolic(condition)

    def _lazily(self, k: int, operand: Thunk) -> object:
        """An operand that may not run: it must be an expression, without statements."""
        before = len(self.builder.scopes[-1].open_statements)
        self.state.lazy_operands += 1
        try:
            value = operand()
        finally:
            self.state.lazy_operands -= 1
        if len(self.builder.scopes[-1].open_statements) != before:
            raise KernelError(
                "E0134",
                "an operand that may be skipped cannot contain statements",
                span=self.place(k),
                expected="an expression without macro calls or atomics",
                hint="use if / else with a T.alloc_var",
            )
        return value
