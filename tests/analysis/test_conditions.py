"""What loops, axes and conditions tell, exactly: sound and no weaker than it can be."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable

import pytest

from tiledsl.analysis.conditions import assuming, in_axes, in_loop
from tiledsl.analysis.inequality import at_least_zero, below
from tiledsl.analysis.interval import Interval, interval
from tiledsl.analysis.ranges import Ranges
from tiledsl.ir.dtypes import BOOL, INDEX
from tiledsl.ir.nodes import Apply, Const, Expr, For, Select, Var, index

A, B, M = (Var(name, INDEX) for name in ("a", "b", "m"))
DIGIT = Ranges().with_value(B, interval(0, 9))
COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "eq": operator.eq,
    "ne": operator.ne,
}


def hull(values: Iterable[int]) -> Interval:
    found = list(values)
    return interval(min(found), max(found))


@pytest.mark.parametrize("step", [-3, -2, -1, 1, 2, 3])
def test_the_index_of_a_loop(step: int) -> None:
    for start in range(-4, 5):
        for stop in range(-4, 5):
            runs = range(start, stop, step)
            loop = For(B, index(start), index(stop), index(step), ())
            if runs:
                exact = interval(min(runs), max(runs), abs(step), start)
                assert in_loop(Ranges(), loop).of(B) == exact


def test_a_loop_between_variables() -> None:
    known = Ranges().with_value(A, interval(0, 5)).with_value(M, interval(0, 7))
    up = in_loop(known, For(B, A, M, index(1), ()))
    assert up.of(B) == interval(0, 6)
    assert below(B, M, up) and not below(A, B, up)
    assert at_least_zero(up.sum_of(B) - up.sum_of(A), up)
    down = in_loop(known, For(B, M, A, index(-1), ()))
    assert down.of(B) == interval(1, 7)
    assert below(A, B, down) and not below(B, M, down)
    assert at_least_zero(down.sum_of(M) - down.sum_of(B), down)


def test_a_loop_of_unknown_direction_tells_nothing() -> None:
    known = Ranges().with_value(A, interval(0, 1))
    loop = For(B, index(0), index(4), A, ())
    assert in_loop(known, loop) is known


def test_axes() -> None:
    known = Ranges().with_value(M, interval(0, 7))
    inside = in_axes(known, (A, B), (index(4), M))
    assert inside.of(A) == interval(0, 3) and inside.of(B) == interval(0, 6)
    assert below(B, M, inside)
    assert not below(Apply("add", (B, index(1))), M, inside)


@pytest.mark.parametrize("holds", [True, False])
@pytest.mark.parametrize("op", COMPARISONS)
def test_comparisons_with_a_constant(op: str, holds: bool) -> None:
    for bound in range(-1, 11):
        members = [b for b in range(10) if COMPARISONS[op](b, bound) == holds]
        if (op == "ne") == holds and op in ("eq", "ne"):
            members = list(range(10))  # what is left out may be in the middle
        if members:
            condition = Apply(op, (B, index(bound)))
            assert assuming(DIGIT, condition, holds).of(B) == hull(members)
            turned = Apply("not", (condition,))
            assert assuming(DIGIT, turned, not holds).of(B) == hull(members)


LOW, HIGH = Apply("ge", (B, index(3))), Apply("le", (B, index(6)))
TRUE, FALSE = Const(True, BOOL), Const(False, BOOL)


@pytest.mark.parametrize(
    ("condition", "holds", "expected"),
    [
        (Apply("and", (LOW, HIGH)), True, interval(3, 6)),
        (Apply("and", (LOW, HIGH)), False, interval(0, 9)),
        (Apply("or", (LOW, HIGH)), True, interval(0, 9)),
        (Apply("or", (LOW, Apply("ge", (B, index(5))))), False, interval(0, 2)),
        (Select(LOW, HIGH, FALSE), True, interval(3, 6)),
        (Select(LOW, HIGH, FALSE), False, interval(0, 9)),
        (Select(LOW, TRUE, Apply("gt", (B, index(5)))), False, interval(0, 2)),
        (Select(LOW, TRUE, HIGH), True, interval(0, 9)),
        (Select(LOW, HIGH, TRUE), True, interval(0, 9)),
    ],
)
def test_conditions_of_two_parts(
    condition: Expr, holds: bool, expected: Interval
) -> None:
    assert assuming(DIGIT, condition, holds).of(B) == expected


def test_remainders() -> None:
    def known(divisor: int, remainder: int, ranges: Ranges = DIGIT) -> Interval:
        rest = Apply("floormod", (B, index(divisor)))
        return assuming(ranges, Apply("eq", (rest, index(remainder)))).of(B)

    assert known(4, 1) == interval(0, 9, 4, 1)
    assert known(4, 3) == interval(3, 7, 4, 3)
    known(4, 4)  # never holds: whatever is said is true
    even = Ranges().with_value(B, interval(0, 8, 2, 0))
    assert known(4, 2, even) == interval(2, 6, 4, 2)
    known(4, 1, even)  # never holds either
    assert known(3, 1, even).modulus == 2 and 4 in known(3, 1, even)


def test_quotients_in_facts_are_known_by_their_meaning() -> None:
    known = Ranges().with_value(M, interval(0, 99)).with_value(A, interval(0, 99))
    tiles = Apply("ceildiv", (M, index(8)))
    inside = in_axes(known, (A,), (tiles,))
    assert below(Apply("mul", (A, index(8))), M, inside)
    assert not below(Apply("add", (Apply("mul", (A, index(8))), index(1))), M, inside)
    whole = in_axes(known, (A,), (Apply("floordiv", (M, index(8))),))
    last = Apply("add", (Apply("mul", (A, index(8))), index(7)))
    assert below(last, M, whole)
    assert not below(Apply("add", (last, index(1))), M, whole)
    for op, other in (("min", "max"), ("max", "min")):
        both = Apply(op, (A, M))
        assert at_least_zero(_gap(both, A, op, known), known)
        assert at_least_zero(_gap(both, M, op, known), known)
        assert not at_least_zero(_gap(both, M, other, known), known)


def _gap(both: Expr, one: Expr, op: str, ranges: Ranges):
    gap = ranges.sum_of(one) - ranges.sum_of(both)
    return gap if op == "min" else gap.scaled(-1)
