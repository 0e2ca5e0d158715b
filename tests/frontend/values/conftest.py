"""A trace in progress, inside one launch, at a known place."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tiledsl.frontend.buffers import BufferRef
from tiledsl.frontend.builder import Builder
from tiledsl.frontend.values import Value, wrap
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Buffer, Expr, Scope, Var, index
from tiledsl.ir.spans import Span

PLACE = Span("kernel.py", 7, 4, 7, 20)

MakeValue = Callable[[str, str], Value]
MakeBuffer = Callable[..., BufferRef]


@pytest.fixture
def builder() -> Iterator[Builder]:
    made = Builder()
    made.span = PLACE
    with made.activate(), made.block("host"), made.block("launch"):
        yield made


@pytest.fixture
def value() -> MakeValue:
    """``value("int32", "x")``: a typed variable."""
    return lambda dtype, name="x": wrap(Var(name, DType(dtype)))


@pytest.fixture
def buffer() -> MakeBuffer:
    """``buffer("A", (64, "n"), "float32", "global")``; a str is a run-time extent."""

    def make(
        name: str,
        shape: tuple[int | str, ...],
        dtype: str = "float32",
        scope: Scope = "global",
    ) -> BufferRef:
        extents: tuple[Expr, ...] = tuple(
            Var(extent, DType("index")) if isinstance(extent, str) else index(extent)
            for extent in shape
        )
        return BufferRef(Buffer(name, extents, DType(dtype), scope))

    return make
