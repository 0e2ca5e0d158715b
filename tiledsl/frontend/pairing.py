"""Which element of a copy's source goes where (rules L57 to L59)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.index_bounds import normal_form, simplified
from tiledsl.frontend.operands import (
    Place,
    equal,
    shown,
    static_extent,
    unit_dropped,
)
from tiledsl.ir.nodes import At, Expr, Range, Region, index

# how far inside a block a scope lies (rule L59)
DEPTH: Final = {"global": 0, "shared": 1, "fragment": 2, "local": 2}


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two regions with ranges paired in order, and the space that is visited."""

    source: Region
    target: Region
    shape: tuple[Expr, ...]


def pair(source: Place, target: Place, operation: str) -> Pairing:
    """The pairing of two operands, at most one of them a point.

    E0201: shapes that do not pair; E0202: a point with too few indices; E0204: a source
    that is provably larger than the visited space.
    """
    if source.form == target.form == "whole":
        _check_equal(source, target, operation)
    if source.form == "point":
        source = _spread(source, target, operation)
    elif target.form == "point":
        target = _spread(target, source, operation)
    left, right = unit_dropped(source.region), unit_dropped(target.region)
    if len(left.shape) != len(right.shape):
        raise _mismatch(source, target, operation, "the numbers of extents differ")
    shape = _space(left, right)
    _check_sizes(left, right, shape, operation)
    return Pairing(left, right, tuple(simplified(extent) for extent in shape))


def _check_equal(source: Place, target: Place, operation: str) -> None:
    a, b = source.extents, target.extents
    if len(a) != len(b) or any(equal(x, y) is False for x, y in zip(a, b, strict=True)):
        raise _mismatch(source, target, operation, "whole buffers need equal shapes")


def _mismatch(source: Place, target: Place, operation: str, why: str) -> KernelError:
    return KernelError(
        "E0201",
        f"T.{operation}: the operands do not pair: {why}",
        span=here(),
        expected="equal extents once those of 1 are dropped",
        got=f"{source.buffer.name}{shown(source.extents)} and "
        f"{target.buffer.name}{shown(target.extents)}",
        hint="slice the larger operand, or broadcast in T.Parallel",
    )


def _spread(point: Place, other: Place, operation: str) -> Place:
    """The point as the origin of a region with the other side's extents (rule L57)."""
    rank = len(point.region.dims)
    extents = list(other.extents)
    while len(extents) > rank and static_extent(extents[0]) == 1:
        del extents[0]
    if len(extents) > rank:
        raise KernelError(
            "E0202",
            f"T.{operation}: the point {point.buffer.name}[...] has too few indices",
            span=here(),
            expected=f"at least {len(extents)} for extents {shown(tuple(extents))}",
            got=str(rank),
        )
    padded = [index(1)] * (rank - len(extents)) + extents
    dims = tuple(
        Range(dim.index, extent, span=dim.span) if isinstance(dim, At) else dim
        for dim, extent in zip(point.region.dims, padded, strict=True)
    )
    return Place("slice", replace(point.region, dims=dims))


def _space(source: Region, target: Region) -> tuple[Expr, ...]:
    """The extents of the side with the inner scope; the source's in a tie (rule L59)."""
    inner_target = DEPTH[target.buffer.scope] > DEPTH[source.buffer.scope]
    return target.shape if inner_target else source.shape


def _check_sizes(
    source: Region, target: Region, shape: tuple[Expr, ...], operation: str
) -> None:
    for read, written, visited in zip(source.shape, target.shape, shape, strict=True):
        surplus = (normal_form(read) - normal_form(visited)).static
        if surplus is not None and surplus > 0:
            raise KernelError(
                "E0204",
                f"T.{operation}: the source {source.buffer.name} is larger than the "
                f"target {target.buffer.name}",
                span=here(),
                expected=f"at most {shown(shape)}",
                got=shown(source.shape),
                hint="slice the source to the target's extents",
            )
        if equal(read, visited) is False or equal(written, visited) is False:
            Builder.active().warn(
                "W0201",
                f"T.{operation}: extents {shown(source.shape)} of {source.buffer.name} "
                f"and {shown(target.shape)} of {target.buffer.name} differ; "
                "elements outside either are read as the fill or not written",
            )
