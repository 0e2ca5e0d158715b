"""Interval arithmetic contains every result; brute force over small sets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiledsl.analysis import interval as sets
from tiledsl.analysis.fold import fold_apply
from tiledsl.analysis.interval import Interval, interval, point
from tiledsl.ir.dtypes import INDEX
from tiledsl.ir.nodes import Const


@st.composite
def small_intervals(draw: st.DrawFn) -> Interval:
    low = draw(st.integers(-12, 12))
    high = low + draw(st.integers(0, 12))
    modulus = draw(st.integers(1, 5))
    residue = draw(st.integers(low, high))
    return interval(low, high, modulus, residue)


def members(values: Interval) -> list[int]:
    return [x for x in range(values.low, values.high + 1) if x in values]


@given(small_intervals())
def test_normal_form(values: Interval) -> None:
    inside = members(values)
    assert inside[0] == values.low and inside[-1] == values.high
    assert (values.modulus == 0) == (len(inside) == 1)
    assert values.constant == (inside[0] if len(inside) == 1 else None)


@pytest.mark.parametrize("op", sets.OPERATIONS)
@settings(max_examples=80, deadline=None)
@given(a=small_intervals(), b=small_intervals())
def test_operations_contain_their_results(op: str, a: Interval, b: Interval) -> None:
    result = sets.OPERATIONS[op](a, b)
    for x in members(a):
        for y in members(b):
            exact = fold_apply(op, (Const(x, INDEX), Const(y, INDEX)))
            assert exact is not None and exact.value in result, (x, y)


@settings(max_examples=80, deadline=None)
@given(a=small_intervals(), b=small_intervals())
def test_join_meet_neg_abs(a: Interval, b: Interval) -> None:
    both = sets.join(a, b)
    assert all(x in both for x in (*members(a), *members(b)))
    common = sets.meet(a, b.low, b.high)
    assert all(x in common for x in members(a) if b.low <= x <= b.high)
    assert all(-x in sets.neg(a) for x in members(a))
    assert all(abs(x) in sets.absolute(a) for x in members(a))


def test_results_are_as_tight_as_expected() -> None:
    tile = sets.mul(interval(0, 7), point(128))
    assert tile == interval(0, 896, 128, 0)
    assert sets.add(tile, interval(0, 127)) == interval(0, 1023)
    assert sets.floordiv(tile, point(128)) == interval(0, 7)
    assert sets.floormod(sets.add(tile, point(5)), point(64)) == point(5)
    assert sets.floormod(interval(3, 9), point(16)) == interval(3, 9)
    assert sets.minimum(interval(0, 9), point(4)) == interval(0, 4)
    assert sets.ceildiv(interval(0, 100), point(8)) == interval(0, 13)


def test_empty_is_refused() -> None:
    with pytest.raises(ValueError):
        interval(3, 2)
    with pytest.raises(ValueError):
        interval(1, 3, 4, 0)
