"""Typed operands of LLVM IR: names and constants.

A ``Value`` is one scalar or a vector of ``lanes`` equal elements.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

BITS = {"i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64, "float": 32, "double": 64}
_SUFFIX = {"half": "f16", "float": "f32", "double": "f64", "ptr": "p0"}


@dataclass(frozen=True, slots=True)
class Value:
    """An operand: a name or a constant, of ``lanes`` elements."""

    text: str
    element: str
    lanes: int = 1

    @property
    def type(self) -> str:
        return vector_type(self.element, self.lanes)

    @property
    def typed(self) -> str:
        return f"{self.type} {self.text}"

    @property
    def bits(self) -> int:
        return BITS[self.element]


def vector_type(element: str, lanes: int) -> str:
    return element if lanes == 1 else f"<{lanes} x {element}>"


def mangled(element: str, lanes: int) -> str:
    """The type as it occurs in the name of an intrinsic."""
    suffix = _SUFFIX.get(element, element)
    return suffix if lanes == 1 else f"v{lanes}{suffix}"


def integer(value: int, element: str = "i64", lanes: int = 1) -> Value:
    """A constant, reduced modulo 2^bits."""
    bits = BITS[element]
    wrapped = (int(value) + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))
    word = str(wrapped) if bits > 1 else ("true" if value & 1 else "false")
    return constant(word, element, lanes)


def floating(value: float, element: str = "float", lanes: int = 1) -> Value:
    """A constant; rounded to float32 if ``element`` says so."""
    if element == "float":
        value = struct.unpack("<f", struct.pack("<f", value))[0]
    word = f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
    return constant(word, element, lanes)


def sequence(count: int, element: str = "i64", step: int = 1) -> Value:
    """The vector 0, step, 2 * step, ..."""
    words = ", ".join(integer(step * k, element).typed for k in range(count))
    return Value(f"<{words}>", element, count)


def constant(word: str, element: str, lanes: int) -> Value:
    return Value(word if lanes == 1 else f"splat ({element} {word})", element, lanes)
