"""Python's operators on symbolic scalars, and the refusals of what cannot be symbolic."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, NoReturn

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.builder import here

if TYPE_CHECKING:
    from tiledsl.frontend.values import Value


class Operators(ABC):
    """What a symbolic scalar can do in Python: all operators, no truth value (L24)."""

    __slots__ = ()
    __array_ufunc__ = None  # NumPy scalars leave the operation to us
    has_value: ClassVar[bool] = True  # a T.const has none before the arguments gave it

    @abstractmethod
    def read(self) -> Value:
        """The value at this point of the program."""

    def __add__(self, other: ScalarLike) -> Value:
        return self.read().binary("add", other)

    def __radd__(self, other: ScalarLike) -> Value:
        return self.read().reflected("add", other)

    def __sub__(self, other: ScalarLike) -> Value:
        return self.read().binary("sub", other)

    def __rsub__(self, other: ScalarLike) -> Value:
        return self.read().reflected("sub", other)

    def __mul__(self, other: ScalarLike) -> Value:
        return self.read().binary("mul", other)

    def __rmul__(self, other: ScalarLike) -> Value:
        return self.read().reflected("mul", other)

    def __truediv__(self, other: ScalarLike) -> Value:
        return self.read().binary("div", other)

    def __rtruediv__(self, other: ScalarLike) -> Value:
        return self.read().reflected("div", other)

    def __floordiv__(self, other: ScalarLike) -> Value:
        return self.read().binary("floordiv", other)

    def __rfloordiv__(self, other: ScalarLike) -> Value:
        return self.read().reflected("floordiv", other)

    def __mod__(self, other: ScalarLike) -> Value:
        return self.read().binary("floormod", other)

    def __rmod__(self, other: ScalarLike) -> Value:
        return self.read().reflected("floormod", other)

    def __pow__(self, other: ScalarLike) -> Value:
        return self.read().binary("pow", other)

    def __rpow__(self, other: ScalarLike) -> Value:
        return self.read().reflected("pow", other)

    def __lshift__(self, other: ScalarLike) -> Value:
        return self.read().binary("shl", other)

    def __rlshift__(self, other: ScalarLike) -> Value:
        return self.read().reflected("shl", other)

    def __rshift__(self, other: ScalarLike) -> Value:
        return self.read().binary("shr", other)

    def __rrshift__(self, other: ScalarLike) -> Value:
        return self.read().reflected("shr", other)

    def __and__(self, other: ScalarLike) -> Value:
        return self.read().binary("and", other)

    def __rand__(self, other: ScalarLike) -> Value:
        return self.read().reflected("and", other)

    def __or__(self, other: ScalarLike) -> Value:
        return self.read().binary("or", other)

    def __ror__(self, other: ScalarLike) -> Value:
        return self.read().reflected("or", other)

    def __xor__(self, other: ScalarLike) -> Value:
        return self.read().binary("xor", other)

    def __rxor__(self, other: ScalarLike) -> Value:
        return self.read().reflected("xor", other)

    def __neg__(self) -> Value:
        return self.read().unary("neg")

    def __pos__(self) -> Value:
        return self.read()

    def __abs__(self) -> Value:
        return self.read().unary("abs")

    def __invert__(self) -> Value:
        return self.read().unary("not")

    def __eq__(self, other: object) -> Value:  # type: ignore[override]  # symbolic
        return self.read().compared("eq", other)

    def __ne__(self, other: object) -> Value:  # type: ignore[override]  # symbolic
        return self.read().compared("ne", other)

    def __lt__(self, other: ScalarLike) -> Value:
        return self.read().compared("lt", other)

    def __le__(self, other: ScalarLike) -> Value:
        return self.read().compared("le", other)

    def __gt__(self, other: ScalarLike) -> Value:
        return self.read().compared("gt", other)

    def __ge__(self, other: ScalarLike) -> Value:
        return self.read().compared("ge", other)

    def astype(self, dtype: object) -> Value:
        """The value rounded to a dtype, as ``T.cast(value, dtype)``."""
        return self.read().rounded(dtype)

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


ScalarLike = Operators | int | float | bool


def _no_python_value(what: str, instead: str) -> KernelError:
    return KernelError(
        "E0307",
        f"a symbolic value has no {what} while the kernel is traced",
        span=here(),
        hint=f"use {instead}",
    )
