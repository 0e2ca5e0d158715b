"""Python's own operations, carried out for the user on values of Python.

A kernel's code is rewritten, so that what Python would do with ``x + y`` or ``x[i] = y``
on static values is done here.  An exception that one of these functions raises itself,
such as the TypeError of ``"a" + 1``, is therefore an error in the user's code; the trace
reports it at the user's line (E0140).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Final

_BINARY: Final[dict[str, Callable[[object, object], object]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "@": operator.matmul,
}

_COMPARISONS: Final[dict[str, Callable[..., object]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "is": operator.is_,
    "is not": operator.is_not,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
}


def operate(op: str, left: object, right: object) -> object:
    """``left op right``"""
    return _BINARY[op](left, right)


def compare(op: str, left: object, right: object) -> object:
    """``left op right`` for a comparison."""
    return _COMPARISONS[op](left, right)


def truth(value: object) -> bool:
    """``bool(value)``"""
    return bool(value)


def element(owner: object, index: object) -> object:
    """``owner[index]``"""
    return owner[index]  # type: ignore[index]  # Python's own TypeError


def set_element(owner: object, index: object, value: object) -> None:
    """``owner[index] = value``"""
    owner[index] = value  # type: ignore[index]  # Python's own TypeError


def attribute(owner: object, name: str) -> object:
    """``owner.name``"""
    return getattr(owner, name)


def set_attribute(owner: object, name: str, value: object) -> None:
    """``owner.name = value``"""
    setattr(owner, name, value)


def parts(value: object) -> tuple[object, ...]:
    """``tuple(value)``"""
    return tuple(value)  # type: ignore[arg-type]  # Python's own TypeError


def items(value: object) -> Iterator[object]:
    """What ``for item in value`` visits."""
    yield from value  # type: ignore[misc]  # Python's own TypeError


def call(
    function: Callable[..., object],
    arguments: Iterable[object],
    options: dict[str, object],
) -> object:
    """``function(*arguments, **options)``"""
    return function(*arguments, **options)
