"""What conditions, loops and launches tell about the integers inside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tiledsl.analysis.affine import Affine
from tiledsl.analysis.inequality import defining_facts
from tiledsl.analysis.interval import interval
from tiledsl.analysis.ranges import MAX_DIM, Ranges
from tiledsl.ir.nodes import Apply, Const, Expr, For, Function, Select, Var

_NEGATED: Final = {
    "lt": "ge", "ge": "lt", "gt": "le", "le": "gt", "eq": "ne", "ne": "eq",
}  # fmt: skip
_ONE: Final = Affine(1)
# the sums that are at least 0 when a comparison of two sums holds
_MEANING: Final[dict[str, Callable[[Affine, Affine], tuple[Affine, ...]]]] = {
    "lt": lambda a, b: (b - a - _ONE,),
    "le": lambda a, b: (b - a,),
    "gt": lambda a, b: (a - b - _ONE,),
    "ge": lambda a, b: (a - b,),
    "eq": lambda a, b: (a - b, b - a),
    "ne": lambda a, b: (),
}


def entry(function: Function) -> Ranges:
    """What holds when a function starts."""
    ranges = Ranges()
    for dim in function.dims:
        ranges = ranges.with_value(dim, interval(0, MAX_DIM))
    return ranges


def learn(ranges: Ranges, fact: Affine) -> Ranges:
    """Knowing that a sum is at least 0, and what the quotients in it mean."""
    ranges = ranges.with_fact(fact)
    for atom, _ in fact.terms:
        if isinstance(atom, Apply):
            for meaning in defining_facts(atom, ranges):
                if meaning not in ranges.facts:
                    ranges = ranges.with_fact(meaning)
    return ranges


def assuming(ranges: Ranges, condition: Expr, holds: bool = True) -> Ranges:
    """What is known where the condition holds (or does not)."""
    match condition:
        case Apply(op="not", args=(inner,)):
            return assuming(ranges, inner, not holds)
        case Apply(op=op, args=(a, b)) if op == ("and" if holds else "or"):
            return assuming(assuming(ranges, a, holds), b, holds)
        case Apply(op=op, args=(a, b)) if op in _NEGATED and a.dtype.is_integer:
            comparison = op if holds else _NEGATED[op]
            for fact in _MEANING[comparison](ranges.sum_of(a), ranges.sum_of(b)):
                ranges = learn(ranges, fact)
            return _with_residue(ranges, a, b) if comparison == "eq" else ranges
        case Select(condition=a, then=b, otherwise=Const(value=False)) if holds:
            return assuming(assuming(ranges, a), b)
        case Select(condition=a, then=Const(value=True), otherwise=b) if not holds:
            return assuming(assuming(ranges, a, False), b, False)
    return ranges


def _with_residue(ranges: Ranges, remainder: Expr, value: Expr) -> Ranges:
    """Knowing that ``x % d = r`` for constants d and r."""
    match remainder, value:
        case Apply(op="floormod", args=(Var() as var, Const(value=d))), Const(value=r):
            known = ranges.of(var)
            finer = known.modulus > 0 and d % known.modulus == 0
            if 0 <= r < d and finer and r % known.modulus == known.residue:
                try:
                    return ranges.with_value(
                        var, interval(known.low, known.high, int(d), int(r))
                    )
                except ValueError:
                    return ranges  # no such x: the code here never runs
    return ranges


def in_axes(ranges: Ranges, names: Sequence[Var], extents: Sequence[Expr]) -> Ranges:
    """Inside ``Parallel`` or ``Launch``."""
    for var, extent in zip(names, extents, strict=True):
        high = min(max(ranges.of(extent).high - 1, 0), MAX_DIM)
        ranges = ranges.with_value(var, interval(0, high))
        itself = Affine(0, ((var, 1),))
        ranges = learn(ranges, ranges.sum_of(extent) - itself - _ONE)
    return ranges


def in_loop(ranges: Ranges, loop: For) -> Ranges:
    """Inside a loop whose step has a known sign; elsewhere its index may be anything."""
    step = ranges.of(loop.step)
    if step.low <= 0 <= step.high:
        return ranges
    start, stop = ranges.of(loop.start), ranges.of(loop.stop)
    up = step.low > 0
    low, high = (start.low, stop.high - 1) if up else (stop.low + 1, start.high)
    if low > high:
        return ranges  # the body never runs
    known = interval(low, high)
    if step.constant is not None and start.constant is not None:
        known = interval(low, high, abs(step.constant), start.constant)
    ranges = ranges.with_value(loop.var, known)
    itself = Affine(0, ((loop.var, 1),))
    sign = 1 if up else -1
    from_start = (itself - ranges.sum_of(loop.start)).scaled(sign)
    to_stop = (ranges.sum_of(loop.stop) - itself).scaled(sign) - _ONE
    return learn(learn(ranges, from_start), to_stop)
