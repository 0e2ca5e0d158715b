"""Evaluating a value at the point where it gets a name (rules L13, L18)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.buffers import RegionRef
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.values import Value, snapshot
from tiledsl.ir.nodes import At, Expr, Load, Node, Range
from tiledsl.ir.visitor import walk


def evaluated(value: object, name: str) -> object:
    """A scalar as it is now; a slice with the bounds that it has now; others as such."""
    if isinstance(value, RegionRef):
        return _with_bounds(value)
    if not isinstance(value, Value):
        return value
    if not Builder.active().at_host_level:
        return snapshot(value, name)
    if value.loads:
        raise element_at_host()
    return value  # dims and scalar parameters never change


def reads_memory(expr: Expr) -> bool:
    return any(isinstance(part, Load) for part in walk(expr))


def refuse_reads(parts: Iterable[Node]) -> None:
    """Refuses places and sizes of a whole-tensor statement that depend on memory."""
    if any(isinstance(node, Load) for part in parts for node in walk(part)):
        raise element_at_host()


def element_at_host() -> KernelError:
    """The error for reading memory before a launch decides anything with it."""
    return KernelError(
        "E0413",
        "an element of a tensor is read outside every T.Kernel",
        span=here(),
        expected="dims, scalar parameters and static values",
        hint="read it inside the T.Kernel, or pass the number as a parameter",
    )


def _with_bounds(region: RegionRef) -> RegionRef:
    builder = Builder.active()

    def kept(expr: Expr) -> Expr:
        return builder.let("bound", expr) if reads_memory(expr) else expr

    dims: list[At | Range] = []
    for dim in region.ir.dims:
        if isinstance(dim, At):
            dims.append(replace(dim, index=kept(dim.index)))
        else:
            dims.append(replace(dim, start=kept(dim.start), extent=kept(dim.extent)))
    return RegionRef(replace(region.ir, dims=tuple(dims)))
