"""Symbols in shapes: run-time dims and per-call constants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.scalars import Scalar
from tiledsl.frontend.tensor_types import ConstSymbol
from tiledsl.frontend.values import Operators, Value
from tiledsl.ir.dtypes import INDEX, INT32, DType
from tiledsl.ir.nodes import Var

Extent = int | Value | ConstSymbol

_CONSTANTS: ContextVar[Mapping[str, int] | None] = ContextVar(
    "tiledsl_constants", default=None
)


class DynamicDim(Value):
    """A dimension known at launch (``T.dynamic``); counts as its declared dtype."""

    __slots__ = ("name",)

    def __init__(self, name: str, dtype: DType = INT32) -> None:
        super().__init__(Scalar(Var(name, INDEX), dtype))
        self.name = name

    def _current(self) -> Scalar:
        builder = Builder.active_or_none()
        if builder and builder.inside("launch") and self.name not in builder.dims:
            raise KernelError(
                "E0610",
                f"no argument determines the dimension {self.name}",
                span=here(),
                expected="a dimension in the shape or strides of an input tensor",
                hint=f"pass it as a scalar parameter, {self.name}: T.int32",
            )
        return super()._current()

    def __repr__(self) -> str:
        return self.name


@contextmanager
def known_constants(values: Mapping[str, int]) -> Iterator[None]:
    """Inside, ``T.const`` gives these values."""
    token = _CONSTANTS.set(values)
    try:
        yield
    finally:
        _CONSTANTS.reset(token)


def constant_or_symbol(name: str) -> int | ConstSymbol:
    """The value of a ``T.const`` where the call determines it, else its symbol."""
    known = _CONSTANTS.get()
    return ConstSymbol(name) if known is None or name not in known else known[name]


def extents(shape: object, what: str, *, least: int | None = 0) -> tuple[Extent, ...]:
    """A shape, strides or grid as a tuple of ints and index values.

    One integer means rank 1.  Raises KernelError E0320 for anything else, or for a static
    extent below ``least``.
    """
    entries = shape if isinstance(shape, tuple | list) else (shape,)
    return tuple(_extent(entry, what, least) for entry in entries)


def _extent(entry: object, what: str, least: int | None) -> Extent:
    if isinstance(entry, ConstSymbol):
        return entry
    if isinstance(entry, Operators):
        value = entry.read()
        if value.scalar.is_index or value.dtype.is_integer:
            return value
    number = entry.item() if isinstance(entry, np.integer) else entry
    whole = not isinstance(number, bool)
    if whole and isinstance(number, int) and (least is None or number >= least):
        return number
    raise KernelError(
        "E0320",
        f"{what} is not a tuple of extents",
        span=here(),
        expected="integers" if least is None else f"integers of at least {least}",
        got=brief(entry),
    )
