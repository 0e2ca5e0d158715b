"""Matrices in memory, as the micro-kernels read them."""

from __future__ import annotations

from dataclasses import dataclass

from tiledsl_llvm.text import Builder
from tiledsl_llvm.values import BITS, Value, integer


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix in memory; strides in elements."""

    base: Value
    element: str
    row: Value
    column: Value

    @property
    def align(self) -> int:
        return BITS[self.element] // 8

    def place(self, b: Builder, row: Value, column: Value) -> Value:
        """The address of an element."""
        offset = b.binary(
            "add", b.binary("mul", row, self.row), b.binary("mul", column, self.column)
        )
        return b.address(self.base, self.element, offset)


def row_major(base: Value, element: str, columns: int) -> Matrix:
    """A compact matrix."""
    return Matrix(base, element, integer(columns), integer(1))
