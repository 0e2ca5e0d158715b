"""Symbolic scalars as users meet them: Python operators over IR expressions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Final, NoReturn

import numpy as np

from tiledsl.diagnostics import KernelError
from tiledsl.frontend import arithmetic, comparison
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.conversion import convert
from tiledsl.frontend.literals import Literal
from tiledsl.frontend.pending_reads import Kept
from tiledsl.frontend.powers import power
from tiledsl.frontend.promotion import literal_dtype
from tiledsl.frontend.scalars import Operand, Scalar, as_index_expr, constant, scalar
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Expr, Var


_LARGEST: Final = 200  # operations in one expression


class Operators(ABC):
    """What a symbolic scalar can do in Python: all operators, no truth value (L24)."""

    __slots__ = ()

    @abstractmethod
    def read(self) -> Value:
        """The value at this point of the program."""

    def __add__(self, other: ScalarLike) -> Value:
        return _binary("add", self, other)

    def __radd__(self, other: ScalarLike) -> Value:
        return _binary("add", other, self)

    def __sub__(self, other: ScalarLike) -> Value:
        return _binary("sub", self, other)

    def __rsub__(self, other: ScalarLike) -> Value:
        return _binary("sub", other, self)

    def __mul__(self, other: ScalarLike) -> Value:
        return _binary("mul", self, other)

    def __rmul__(self, other: ScalarLike) -> Value:
        return _binary("mul", other, self)

    def __truediv__(self, other: ScalarLike) -> Value:
        return _binary("div", self, other)

    def __rtruediv__(self, other: ScalarLike) -> Value:
        return _binary("div", other, self)

    def __floordiv__(self, other: ScalarLike) -> Value:
        return _binary("floordiv", self, other)

    def __rfloordiv__(self, other: ScalarLike) -> Value:
        return _binary("floordiv", other, self)

    def __mod__(self, other: ScalarLike) -> Value:
        return _binary("floormod", self, other)

    def __rmod__(self, other: ScalarLike) -> Value:
        return _binary("floormod", other, self)

    def __pow__(self, other: ScalarLike) -> Value:
        return apply(power, self, other)

    def __rpow__(self, other: ScalarLike) -> Value:
        return apply(power, other, self)

    def __lshift__(self, other: ScalarLike) -> Value:
        return _binary("shl", self, other)

    def __rlshift__(self, other: ScalarLike) -> Value:
        return _binary("shl", other, self)

    def __rshift__(self, other: ScalarLike) -> Value:
        return _binary("shr", self, other)

    def __rrshift__(self, other: ScalarLike) -> Value:
        return _binary("shr", other, self)

    def __and__(self, other: ScalarLike) -> Value:
        return _binary("and", self, other)

    def __rand__(self, other: ScalarLike) -> Value:
        return _binary("and", other, self)

    def __or__(self, other: ScalarLike) -> Value:
        return _binary("or", self, other)

    def __ror__(self, other: ScalarLike) -> Value:
        return _binary("or", other, self)

    def __xor__(self, other: ScalarLike) -> Value:
        return _binary("xor", self, other)

    def __rxor__(self, other: ScalarLike) -> Value:
        return _binary("xor", other, self)

    def __neg__(self) -> Value:
        return apply(lambda a: arithmetic.unary("neg", a), self)

    def __pos__(self) -> Value:
        return self.read()

    def __abs__(self) -> Value:
        return apply(lambda a: arithmetic.unary("abs", a), self)

    def __invert__(self) -> Value:
        return apply(lambda a: arithmetic.unary("not", a), self)

    def __eq__(self, other: object) -> Value:  # type: ignore[override]  # symbolic
        return _compare("eq", self, other)

    def __ne__(self, other: object) -> Value:  # type: ignore[override]  # symbolic
        return _compare("ne", self, other)

    def __lt__(self, other: ScalarLike) -> Value:
        return _compare("lt", self, other)

    def __le__(self, other: ScalarLike) -> Value:
        return _compare("le", self, other)

    def __gt__(self, other: ScalarLike) -> Value:
        return _compare("gt", self, other)

    def __ge__(self, other: ScalarLike) -> Value:
        return _compare("ge", self, other)

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> NoReturn:
        raise _no_python_value(
            "truth value", "T.if_then_else, T.max, T.min, or `if` in a T.macro"
        )

    def __int__(self) -> NoReturn:
        raise _no_python_value("int value", 'T.cast(x, "int32")')

    def __index__(self) -> NoReturn:
        raise _no_python_value("int value", "T.serial for a loop, T.int32 for a cast")

    def __float__(self) -> NoReturn:
        raise _no_python_value(
            "float value", 'T.cast(x, "float32") or T.exp and others'
        )

    def __round__(self, digits: int | None = None) -> NoReturn:
        raise _no_python_value("rounded value", "T.round(x)")

    def __iter__(self) -> Iterator[NoReturn]:
        raise _no_python_value("length", "T.serial(x) to loop up to it")

    def __len__(self) -> NoReturn:
        raise _no_python_value("length", "T.serial(x) to loop up to it")


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

    def keep(self, kept: Kept) -> None:
        """Refers from now on to a variable that holds the value as it was."""
        self._kept = kept
        self.loads = frozenset()

    def __repr__(self) -> str:
        return f"<{'index' if self.scalar.is_index else self.dtype} value>"


ScalarLike = Operators | int | float | bool


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
        got=_kind(x),
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


def _binary(op: str, a: object, b: object) -> Value:
    return apply(lambda x, y: arithmetic.binary(op, x, y), a, b)


def _compare(op: str, a: object, b: object) -> Value:
    return apply(lambda x, y: comparison.compare(op, x, y), a, b)


def _kind(x: object) -> str:
    shape = getattr(x, "shape", None)
    if shape is not None:
        return f"a {type(x).__name__} of shape {tuple(shape)}"
    return f"a {type(x).__name__}"


def _no_python_value(what: str, instead: str) -> KernelError:
    return KernelError(
        "E0307",
        f"a symbolic value has no {what} while the kernel is traced",
        span=here(),
        hint=f"use {instead}",
    )
