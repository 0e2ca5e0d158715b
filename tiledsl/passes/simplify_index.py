"""Index arithmetic in its shortest form, decided by ranges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tiledsl.analysis.affine import Affine, to_expr
from tiledsl.analysis.inequality import at_least_zero
from tiledsl.analysis.places import rewrite_with_ranges
from tiledsl.analysis.ranges import Ranges
from tiledsl.backend import Capabilities
from tiledsl.ir.dtypes import BOOL, INDEX
from tiledsl.ir.nodes import (
    Apply,
    Const,
    Expr,
    Function,
    Node,
    Statement,
)
from tiledsl.ir.visitor import change_expressions, walk
from tiledsl.passes.base import Contract
from tiledsl.passes.empty_ranges import without_negative_extents

_Sums = tuple[Affine, ...]


@dataclass(frozen=True)
class SimplifyIndex:
    """Sums collected; divisions, remainders, min, max and comparisons that ranges decide.

    Before::

        for serial k in 0 .. 8 step 1
          x[(k + 1) * 64 - k * 64, (k * 64 + 5) // 64] = y[min(k, 7)]

    After::

        for serial k in 0 .. 8 step 1
          x[64, k] = y[k]
    """

    name: str = "simplify-index"
    contract: Contract = "exact"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        return rewrite_with_ranges(function, _simplified)


def _simplified(statement: Statement, ranges: Ranges) -> Statement:
    def change(part: Node) -> Node:
        if isinstance(part, Apply):
            return shorter(part, ranges)
        return without_negative_extents(part)

    return change_expressions(statement, change)


def shorter(expr: Apply, ranges: Ranges) -> Expr:
    """The expression or a shorter one of equal value; its parts are short."""
    if expr.op in _MEANING and expr.args[0].dtype.is_integer:
        known = _decided(expr, ranges)
        return expr if known is None else Const(known, BOOL, span=expr.span)
    if expr.dtype != INDEX:
        return expr
    constant = ranges.of(expr).constant
    if constant is not None:
        return Const(constant, INDEX, span=expr.span)
    chosen = _chosen(expr, ranges)
    if chosen is not None:
        return chosen
    form = to_expr(ranges.sum_of(expr))
    return form if _size(form) < _size(expr) else expr


def _size(expr: Expr) -> int:
    return sum(1 for _ in walk(expr))


def _decided(expr: Apply, ranges: Ranges) -> bool | None:
    """The value of a comparison, if it is the same for all values in range."""
    a, b = (ranges.sum_of(arg) for arg in expr.args)
    yes, no = _MEANING[expr.op](a, b)
    if all(at_least_zero(fact, ranges) for fact in yes):
        return True
    return False if any(at_least_zero(fact, ranges) for fact in no) else None


_ONE: Final = Affine(1)
# for each comparison: sums that are all at least 0 if it holds, and sums of which one
# being at least 0 says that it does not hold
_MEANING: Final[dict[str, Callable[[Affine, Affine], tuple[_Sums, _Sums]]]] = {
    "lt": lambda a, b: ((b - a - _ONE,), (a - b,)),
    "le": lambda a, b: ((b - a,), (a - b - _ONE,)),
    "gt": lambda a, b: ((a - b - _ONE,), (b - a,)),
    "ge": lambda a, b: ((a - b,), (b - a - _ONE,)),
    "eq": lambda a, b: ((a - b, b - a), (a - b - _ONE, b - a - _ONE)),
}


def _chosen(expr: Apply, ranges: Ranges) -> Expr | None:
    """One operand of a min or max, or an exact quotient or remainder."""
    if len(expr.args) != 2:
        return None
    first, second = expr.args
    if expr.op in ("min", "max"):
        gap = ranges.sum_of(second) - ranges.sum_of(first)
        smaller, larger = (first, second) if expr.op == "min" else (second, first)
        if at_least_zero(gap, ranges):
            return smaller
        return larger if at_least_zero(gap.scaled(-1), ranges) else None
    divisor = ranges.of(second).constant
    if divisor is None or divisor <= 0:
        return None
    if expr.op == "ceildiv" and ranges.of(Apply("floormod", expr.args)).constant == 0:
        return Apply("floordiv", expr.args, span=expr.span)
    if expr.op in ("floordiv", "floormod", "ceildiv"):
        return _quotient(expr, divisor, ranges)
    return None


def _quotient(expr: Apply, divisor: int, ranges: Ranges) -> Expr | None:
    """``(d*q + r) // d = q`` and ``(d*q + r) % d = r`` if ``0 <= r < d``."""
    form = ranges.sum_of(expr.args[0])
    if expr.op == "ceildiv":
        form = form + Affine(divisor - 1)
    multiple = Affine(
        form.constant // divisor * divisor,
        tuple((atom, factor) for atom, factor in form.terms if factor % divisor == 0),
    )
    rest = form - multiple
    small = Affine(divisor - 1) - rest
    if not (at_least_zero(rest, ranges) and at_least_zero(small, ranges)):
        return None
    result = rest if expr.op == "floormod" else multiple.divided(divisor)
    return None if result is None else to_expr(result)
