"""Types of parameters and outputs, as annotations name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.builder import here
from tiledsl.frontend.values import Operators
from tiledsl.ir.dtypes import DType


@dataclass(frozen=True, slots=True, eq=False)
class TensorType:
    """``T.Tensor(shape, dtype)`` and ``T.StridedTensor(shape, strides, dtype)``.

    Entries of shape and strides are ints, index values such as ``T.dynamic("n")`` or
    sums and products of them, and in eager functions ``ConstSymbol``.
    """

    shape: tuple[object, ...]
    dtype: DType
    strides: tuple[object, ...] | None = None


class ConstSymbol(Operators):
    """A ``T.const`` before the arguments gave it its value (rule L9).

    Staging traces the annotations first with symbols, solves those that stand alone in
    a shape or stride entry, and starts again with their values.
    """

    __slots__ = ("alone", "name")
    has_value = False

    def __init__(self, name: str, *, alone: bool = True) -> None:
        self.name = name
        self.alone = alone

    def read(self) -> NoReturn:
        raise KernelError(
            "E0605",
            f"the T.const {self.name} is used before a tensor gives it a value",
            span=here(),
            expected=f"{self.name} alone in an entry of a tensor annotated before",
            hint="move the annotations `X: T.Tensor(...)` to the top of the function",
        )

    def __bool__(self) -> NoReturn:
        self.read()

    def in_expression(self, *_: object) -> ConstSymbol:
        """Part of a larger expression, which solves nothing."""
        return ConstSymbol(self.name, alone=False)

    __add__ = __radd__ = __sub__ = __rsub__ = in_expression  # type: ignore[assignment]
    __mul__ = __rmul__ = __neg__ = in_expression  # type: ignore[assignment]
    __floordiv__ = __rfloordiv__ = in_expression  # type: ignore[assignment]
    __mod__ = __rmod__ = in_expression  # type: ignore[assignment]  # all: no value yet
    __eq__ = __ne__ = __lt__ = __le__ = in_expression  # type: ignore[assignment]
    __gt__ = __ge__ = in_expression  # type: ignore[assignment]
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return self.name
