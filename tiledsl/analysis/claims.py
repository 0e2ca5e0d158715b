"""Which accesses are in bounds, and settling claims about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tiledsl.analysis.affine import Affine
from tiledsl.analysis.inequality import at_least_zero
from tiledsl.analysis.places import rewrite_with_ranges
from tiledsl.analysis.ranges import Ranges
from tiledsl.ir.nodes import (
    Accumulate,
    At,
    Atomic,
    Buffer,
    Const,
    Expr,
    Function,
    Load,
    Node,
    Range,
    Region,
    Statement,
    Store,
)
from tiledsl.ir.visitor import change_expressions


def in_bounds(start: Expr, extent: Expr | None, size: Expr, ranges: Ranges) -> bool:
    """Whether ``start`` (or ``start`` to ``start + extent``) is inside a dimension."""
    if isinstance(start, Const) and isinstance(size, Const):
        end = Const(1, size.dtype) if extent is None else extent
        if isinstance(end, Const):  # the common case, a whole tile
            return 0 <= start.value <= size.value - end.value
    low = ranges.sum_of(start)
    length = Affine(1) if extent is None else ranges.sum_of(extent)
    high = ranges.sum_of(size) - low - length
    return at_least_zero(high, ranges) and at_least_zero(low, ranges)


def derive_claims(function: Function) -> Function:
    """Claims exactly what can be derived."""
    return _settle(function, _Settle(only_claimed=False))


def recheck_claims(function: Function) -> Function:
    """Keeps the claims that can be derived, drops the others, adds none."""
    return _settle(function, _Settle(only_claimed=True))


@dataclass(frozen=True)
class _Settle:
    only_claimed: bool

    def claims(
        self,
        buffer: Buffer,
        indices: Sequence[Expr],
        old: Sequence[bool],
        ranges: Ranges,
    ) -> tuple[bool, ...]:
        known = tuple(
            (not self.only_claimed or (bool(old) and old[at]))
            and in_bounds(index, None, buffer.shape[at], ranges)
            for at, index in enumerate(indices)
        )
        return known if any(known) else ()

    def region(self, region: Region, ranges: Ranges) -> Region:
        dims = tuple(
            self.dim(dim, size, ranges)
            for dim, size in zip(region.dims, region.buffer.shape, strict=True)
        )
        return region if dims == region.dims else replace(region, dims=dims)

    def dim(self, dim: At | Range, size: Expr, ranges: Ranges) -> At | Range:
        start = dim.index if isinstance(dim, At) else dim.start
        extent = None if isinstance(dim, At) else dim.extent
        wanted = dim.proved or not self.only_claimed
        known = wanted and in_bounds(start, extent, size, ranges)
        return dim if known == dim.proved else replace(dim, proved=known)


def _settle(function: Function, rule: _Settle) -> Function:
    def change(statement: Statement, ranges: Ranges) -> Statement:
        def settled(part: Node) -> Node:
            if isinstance(part, Load | Store | Accumulate | Atomic):
                claims = rule.claims(part.buffer, part.indices, part.proved, ranges)
                return part if claims == part.proved else replace(part, proved=claims)
            return rule.region(part, ranges) if isinstance(part, Region) else part

        return change_expressions(statement, settled)

    return rewrite_with_ranges(function, change)
