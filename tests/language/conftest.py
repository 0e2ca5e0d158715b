"""A trace in progress, and buffers to work on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tiledsl.frontend.buffers import BufferRef
from tiledsl.frontend.builder import Builder
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Buffer, Expr, Let, Scope, Statement, Var, index
from tiledsl.ir.spans import Span


@pytest.fixture
def builder() -> Iterator[Builder]:
    made = Builder()
    made.span = Span("kernel.py", 7, 4, 7, 20)
    for dim in "mn":
        made.declare_dim(dim)
    with made.activate(), made.block("host"), made.block("launch"):
        yield made


@pytest.fixture
def emitted(builder: Builder) -> Callable[[], Statement]:
    """The last statement of the trace."""
    return lambda: [
        part for part in builder.scopes[-1].statements if not isinstance(part, Let)
    ][-1]


@pytest.fixture
def buffer() -> Callable[..., BufferRef]:
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
