"""Types of parameters and outputs, as annotations name them."""

from __future__ import annotations

from dataclasses import dataclass

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.builder import here
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


class ConstSymbol:
    """A ``T.const`` before the arguments gave it its value (rule L9).

    Staging traces the annotations first with symbols, solves those that stand alone in
    a shape or stride entry, and starts again with their values.
    """

    def __init__(self, name: str, *, alone: bool = True) -> None:
        self.name = name
        self.alone = alone

    def _within(self, *_: object) -> ConstSymbol:
        """Part of a larger expression, which solves nothing."""
        return ConstSymbol(self.name, alone=False)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _within
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __neg__ = _within

    def _unknown(self, *_: object) -> bool:
        raise KernelError(
            "E0605",
            f"the T.const {self.name} is used before a tensor gives it a value",
            span=here(),
            expected=f"{self.name} alone in an entry of a tensor annotated before",
            hint="move the annotations `X: T.Tensor(...)` to the top of the function",
        )

    __bool__ = __lt__ = __le__ = __gt__ = __ge__ = _unknown
    __int__ = __index__ = __float__ = _unknown  # type: ignore[assignment]  # raises

    def __repr__(self) -> str:
        return f"<T.const {self.name}>"
