"""Symbolic scalars as users meet them: Python operators over IR expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend import arithmetic, comparison
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.conversion import convert
from tiledsl.frontend.literals import Literal
from tiledsl.frontend.operators import Operators, ScalarLike
from tiledsl.frontend.pending_reads import Kept
from tiledsl.frontend.powers import power
from tiledsl.frontend.promotion import literal_dtype
from tiledsl.frontend.scalars import Operand, Scalar, as_index_expr, constant, scalar
from tiledsl.ir.dtypes import ALL_DTYPES, DType
from tiledsl.ir.nodes import Expr, Var

_LARGEST: Final = 200  # operations in one expression


class Value(Operators):
    """A symbolic scalar.

    ``expr`` computes it, in its evaluation dtype; ``dtype`` is the dtype it counts as.
    """

    __slots__ = ("__weakref__", "_kept", "_scalar", "loads", "size")

    def __init__(
        self, data: Scalar, loads: frozenset[str] = frozenset(), size: int = 1
    ) -> None:
        self._scalar = data
        self._kept: Kept | None = None
        self.loads = loads
        self.size = size
        self._await_writes()

    def _await_writes(self) -> None:
        """Keeps the value as it is now when a buffer it reads is written later."""
        builder = Builder.active_or_none()
        if self.loads and builder is not None and builder.scopes:
            builder.reads.add(self, builder.scopes[-1])

    @property
    def scalar(self) -> Scalar:
        if self._kept is None:
            return self._current()
        self._kept.used = True
        return Scalar(self._kept.var, self.dtype)

    def _current(self) -> Scalar:
        """The value where no write came between."""
        return self._scalar

    @property
    def expr(self) -> Expr:
        return self.scalar.expr

    @property
    def dtype(self) -> DType:
        return self._scalar.dtype

    def read(self) -> Value:
        return self

    def binary(self, op: str, other: object) -> Value:
        """``self op other``; "pow" is ``**``."""
        if isinstance(other, Operators) and not other.has_value:
            return NotImplemented  # type: ignore[no-any-return]  # its own decides
        return apply(_operation(op), self, other)

    def reflected(self, op: str, other: object) -> Value:
        """``other op self``."""
        return apply(_operation(op), other, self)

    def compared(self, op: str, other: object) -> Value:
        if isinstance(other, Operators) and not other.has_value:
            return NotImplemented  # type: ignore[no-any-return]  # as above
        return apply(lambda a, b: comparison.compare(op, a, b), self, other)

    def unary(self, op: str) -> Value:
        return apply(lambda a: arithmetic.unary(op, a), self)

    def rounded(self, dtype: object) -> Value:
        """The value as one of the dtype; E0301: it is none."""
        if str(dtype) not in ALL_DTYPES:
            raise KernelError(
                "E0301", "this is not an element type", span=here(), got=brief(dtype)
            )
        return converted(self, DType(str(dtype)))

    def keep(self, kept: Kept) -> None:
        """Refers from now on to a variable that holds the value as it was."""
        self._kept = kept
        self.loads = frozenset()

    def __repr__(self) -> str:
        return f"<{'index' if self.scalar.is_index else self.dtype} value>"


def _operation(op: str) -> Callable[[Operand, Operand], Scalar]:
    if op == "pow":
        return power
    return lambda a, b: arithmetic.binary(op, a, b)


def wrap(expr: Expr, dtype: DType | None = None) -> Value:
    """An IR expression of any dtype as a value; an ``index`` counts as int32 or ``dtype``."""
    return Value(scalar(expr, dtype))


def is_symbolic(x: object) -> bool:
    """Whether ``x`` is a scalar known only when the kernel runs."""
    return isinstance(x, Operators)


def operand(x: object) -> Operand:
    """A Python or NumPy number, value or variable as data."""
    if isinstance(x, Operators):
        return x.read().scalar
    if isinstance(x, bool | int | float):
        # NumPy's float64 is a Python float: keep only the number
        return Literal(float(x) if isinstance(x, float) else x)
    if isinstance(x, np.generic) and x.dtype.kind in "biuf":
        return Literal(x.item())
    raise KernelError(
        "E0310",
        "this is not a scalar",
        span=here(),
        expected="a number, an element such as buf[i, j], or a scalar expression",
        got=brief(x),
        hint="index the buffer, or use a tile operation or T.Parallel"
        if hasattr(x, "shape")
        else None,
    )


def as_value(x: object, like: DType | None = None) -> Value:
    """A scalar as a value; a literal counts as it does beside ``like`` (rule L28)."""
    if isinstance(x, Operators):
        return x.read()
    data = operand(x)
    if isinstance(data, Scalar):
        return Value(data)
    dtype = literal_dtype(data, like)
    return Value(Scalar(constant(data.value, dtype.evaluation), dtype))


def as_index(x: object) -> Expr:
    """A scalar in an index position: 64-bit, every integer leaf widened first (L29)."""
    return as_index_expr(operand(x))


def as_condition(x: object) -> Expr:
    """A bool; a number counts as ``!= 0``."""
    return comparison.condition(operand(x))


def select(test: object, then: object, otherwise: object, lazy: bool = True) -> Value:
    """``then`` if ``test`` else ``otherwise``; ``lazy``: only that arm makes accesses."""
    parts = (test, then, otherwise)
    return apply(lambda c, a, b: comparison.choose(c, a, b, lazy=lazy), *parts)


def logical_and(a: object, b: object) -> Value:
    return apply(lambda x, y: comparison.logical("and", x, y), a, b)


def logical_or(a: object, b: object) -> Value:
    return apply(lambda x, y: comparison.logical("or", x, y), a, b)


def logical_not(a: object) -> Value:
    return apply(comparison.negated, a)


def snapshot(x: object, name: str = "value") -> Value:
    """The value, evaluated here into a ``Let`` (rule L18e); constants stay constants."""
    value = as_value(x)
    expr = value.expr
    if arithmetic.static_value(value.scalar) is not None or isinstance(expr, Var):
        return value
    var = Builder.active().let(name, expr)
    return Value(Scalar(var, value.dtype))


def converted(x: object, dtype: DType, *, implicit: bool = False) -> Value:
    """The scalar rounded to ``dtype`` (a rounding point of rule L32)."""
    data = operand(x)
    return Value(scalar(convert(data, dtype, implicit=implicit), dtype), _loads(x))


def apply(function: Callable[..., Scalar], *arguments: object) -> Value:
    """A function of operands on user scalars; the result reads what they read."""
    result = function(*(operand(argument) for argument in arguments))
    loads: frozenset[str] = frozenset()
    size = 1
    for argument in arguments:
        if isinstance(argument, Value):
            loads |= argument.loads
            size += argument.size
    builder = Builder.active_or_none()
    if size > _LARGEST and builder is not None and builder.scopes:
        # plain Python code can double an expression in every step
        return Value(Scalar(builder.let("part", result.expr), result.dtype))
    return Value(result, loads, size)


def _loads(x: object) -> frozenset[str]:
    return x.loads if isinstance(x, Value) else frozenset()


__all__ = [
    "Operators",
    "ScalarLike",
    "Value",
    "apply",
    "as_condition",
    "as_index",
    "as_value",
    "converted",
    "is_symbolic",
    "logical_and",
    "logical_not",
    "logical_or",
    "operand",
    "select",
    "snapshot",
    "wrap",
]
