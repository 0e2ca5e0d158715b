"""Matrices in memory, as the micro-kernels read them."""

from __future__ import annotations

from dataclasses import dataclass

from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import At, Const, Range, Region
from tiledsl_llvm.expressions import scalar
from tiledsl_llvm.frame import Frame
from tiledsl_llvm.representation import element_of
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


def matrix(frame: Frame, region: Region) -> Matrix:
    """A region of two ranges."""
    base, element, strides = corner(frame, region)
    return Matrix(base, element, *strides)


def corner(frame: Frame, region: Region) -> tuple[Value, str, list[Value]]:
    """The address of a region's first element, its type, and the strides of its ranges."""
    storage = frame.buffers[region.buffer.name]
    b = frame.builder
    offset = integer(0)
    strides = []
    for dim, stride in zip(region.dims, storage.strides, strict=True):
        start = scalar(frame, dim.index if isinstance(dim, At) else dim.start)
        offset = b.binary("add", offset, b.binary("mul", start, stride))
        if isinstance(dim, Range):
            strides.append(stride)
    element = element_of(DType(storage.dtype))
    return b.address(storage.base, element, offset), element, strides


def static_shape(region: Region) -> tuple[int, ...]:
    """The extents of a region's ranges, which are constants."""
    return tuple(int(e.value) for e in region.shape if isinstance(e, Const))
