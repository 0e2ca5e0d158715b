"""Functions that are operators by another name; of Python numbers they give numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tiledsl.frontend import python_operations as python
from tiledsl.frontend.arithmetic import binary, unary
from tiledsl.frontend.symbols import extents
from tiledsl.frontend.tensor_types import ConstSymbol
from tiledsl.frontend.values import (
    ScalarLike,
    Value,
    apply,
    as_value,
    is_symbolic,
    select,
)

StaticOrValue = Value | int | float


def _truncated(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


_STATIC: Final[dict[str, Callable[[int, int], int]]] = {
    "ceildiv": lambda a, b: -(-a // b),
    "floordiv": lambda a, b: a // b,
    "floormod": lambda a, b: a % b,
    "truncdiv": _truncated,
    "truncmod": lambda a, b: a - _truncated(a, b) * b,
    "shl": lambda a, b: a << b,
    "shr": lambda a, b: a >> b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
}


def _integer_operation(op: str, a: ScalarLike, b: ScalarLike) -> StaticOrValue:
    if isinstance(a, int) and isinstance(b, int):
        undefined = (op.endswith(("div", "mod")) and b == 0) or (
            op in ("shl", "shr") and not 0 <= b < 64
        )
        if not undefined:
            return _STATIC[op](a, b)
    for operand in (a, b):
        if isinstance(operand, ConstSymbol):  # no value before the annotations
            return operand.in_expression()  # type: ignore[return-value]  # none yet
    return apply(lambda x, y: binary(op, x, y), a, b)


def ceildiv(a: ScalarLike, b: ScalarLike) -> StaticOrValue:
    """The ceiling of a / b for integers; 0 if b is 0 (rule L30).

    >>> ceildiv(7, 2)
    4
    """
    return _integer_operation("ceildiv", a, b)


def floordiv(a: ScalarLike, b: ScalarLike) -> StaticOrValue:
    """``a // b``: the floor of the quotient; 0 if b is 0.

    >>> floordiv(-7, 2)
    -4
    """
    return _integer_operation("floordiv", a, b)


def floormod(a: ScalarLike, b: ScalarLike) -> StaticOrValue:
    """``a % b``, with the sign of b; a if b is 0.

    >>> floormod(-7, 2)
    1
    """
    return _integer_operation("floormod", a, b)


def truncdiv(a: ScalarLike, b: ScalarLike) -> StaticOrValue:
    """The quotient rounded toward zero; 0 if b is 0.

    >>> truncdiv(-7, 2)
    -3
    """
    return _integer_operation("truncdiv", a, b)


def truncmod(a: ScalarLike, b: ScalarLike) -> StaticOrValue:
    """The remainder of ``truncdiv``, with the sign of a; a if b is 0.

    >>> truncmod(-7, 2)
    -1
    """
    return _integer_operation("truncmod", a, b)


def shift_left(a: ScalarLike, b: ScalarLike) -> StaticOrValue:
    """``a << b``; 0 if b is at least the width, E0305 if that is static.

    >>> shift_left(3, 4)
    48
    """
    return _integer_operation("shl", a, b)


def shift_right(a: ScalarLike, b: ScalarLike) -> StaticOrValue:
    """``a >> b``, arithmetic for signed integers.

    >>> shift_right(-8, 1)
    -4
    """
    return _integer_operation("shr", a, b)


def bitwise_and(a: ScalarLike, b: ScalarLike) -> StaticOrValue:
    """``a & b``.

    >>> bitwise_and(12, 10)
    8
    """
    return _integer_operation("and", a, b)


def bitwise_or(a: ScalarLike, b: ScalarLike) -> StaticOrValue:
    """``a | b``.

    >>> bitwise_or(12, 10)
    14
    """
    return _integer_operation("or", a, b)


def bitwise_xor(a: ScalarLike, b: ScalarLike) -> StaticOrValue:
    """``a ^ b``.

    >>> bitwise_xor(12, 10)
    6
    """
    return _integer_operation("xor", a, b)


def bitwise_not(a: ScalarLike) -> Value:
    """``~a``; ``not a`` for a bool."""
    return apply(lambda x: unary("not", x), a)


def popcount(a: ScalarLike) -> Value:
    """The number of one bits of an integer."""
    return apply(lambda x: unary("popcount", x), a)


def clz(a: ScalarLike) -> Value:
    """The number of leading zero bits; the width for 0."""
    return apply(lambda x: unary("clz", x), a)


def max(a: ScalarLike, b: ScalarLike, nan_propagate: bool = False) -> StaticOrValue:
    """The larger; NaN is ignored unless ``nan_propagate``; -0 is below +0 (rule L34).

    >>> max(3, 4)
    4
    """
    return _extremum("max", a, b, nan_propagate)


def min(a: ScalarLike, b: ScalarLike, nan_propagate: bool = False) -> StaticOrValue:
    """The smaller; NaN is ignored unless ``nan_propagate``; -0 is below +0.

    >>> min(3, 4)
    3
    """
    return _extremum("min", a, b, nan_propagate)


def _extremum(
    op: str, a: ScalarLike, b: ScalarLike, nan_propagate: bool
) -> StaticOrValue:
    if isinstance(a, int) and isinstance(b, int):
        return a if (a > b) == (op == "max") else b
    result = apply(lambda x, y: binary(op, x, y), a, b)
    if nan_propagate and result.dtype.is_float:
        return apply(lambda x, y: binary(f"{op}_nan", x, y), a, b)
    return result


def clamp(x: ScalarLike, low: ScalarLike, high: ScalarLike) -> StaticOrValue:
    """``min(max(x, low), high)``; NaN becomes ``low``.

    >>> clamp(12, 0, 10)
    10
    """
    return min(max(x, low), high)


def if_then_else(condition: object, then: object, otherwise: object) -> object:
    """``then`` if ``condition`` else ``otherwise``; only that arm makes accesses (L37).

    A static condition chooses in Python.

    >>> if_then_else(True, 1, 2)
    1
    """
    if not is_symbolic(condition):
        return then if python.truth(condition) else otherwise
    return select(condition, then, otherwise, lazy=True)


def Select(condition: object, then: object, otherwise: object) -> Value:
    """``if_then_else`` that evaluates both arms."""
    return select(as_value(condition), then, otherwise, lazy=False)


def index_to_coordinates(
    index: ScalarLike, shape: tuple[ScalarLike, ...]
) -> tuple[StaticOrValue, ...]:
    """The row-major coordinates of a flat index, outermost first (rule L49).

    >>> index_to_coordinates(37, (8, 10))
    (3, 7)
    """
    coordinates: list[StaticOrValue] = []
    rest: ScalarLike = index
    for extent in reversed(extents(shape, "the shape of T.index_to_coordinates")):
        coordinates.insert(0, floormod(rest, extent))
        rest = floordiv(rest, extent)
    return tuple(coordinates)
