"""Facts about index expressions against brute-force evaluation of small programs."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tiledsl.analysis.claims import derive_claims
from tiledsl.analysis.conditions import assuming, in_axes, in_loop
from tiledsl.analysis.cost import evaluate
from tiledsl.analysis.inequality import at_least_zero, below
from tiledsl.analysis.interval import interval
from tiledsl.analysis.ranges import MAX_DIM, Ranges
from tiledsl.analysis.reading import read_function
from tiledsl.ir.dtypes import INDEX, INT32
from tiledsl.ir.nodes import Apply, Cast, Const, Expr, For, Var, index
from tiledsl.ir.printer import print_function
from tiledsl.passes.simplify_index import shorter
from tiledsl.testing.random_expressions import Scope

A, B, M = (Var(name, INDEX) for name in ("a", "b", "m"))
Point = dict[str, Const]


def points(random: Random) -> Iterator[tuple[Ranges, list[Point]]]:
    """Ranges of variables of a random nest, and all points of it."""
    m = random.randrange(0, 7)
    known = Ranges().with_value(M, interval(0, MAX_DIM))
    extent = random.choice((M, index(3), Apply("ceildiv", (M, index(2)))))
    known = in_axes(known, (A,), (extent,))
    scope = Scope(random, [A, M])
    start, stop = scope.index(1), scope.index(1)
    step = index(random.choice((1, 2, 3, -1, -2)))
    loop = For(B, start, stop, step, ())
    inner = in_loop(known, loop)
    condition = Scope(random, [A, B, M]).condition(1)
    inside = assuming(inner, condition)
    found: list[Point] = []
    outer: Point = {"m": Const(m, INDEX)}
    for a in range(value(extent, outer)):
        here = {**outer, "a": Const(a, INDEX)}
        for b in range(value(start, here), value(stop, here), value(step, here)):
            point = {**here, "b": Const(b, INDEX)}
            if holds(condition, point):
                found.append(point)
    yield inside, found


def value(expr: Expr, point: Point) -> int:
    known = evaluate(expr, point)
    assert known is not None
    return int(known.value)


def holds(condition: Expr, point: Point) -> bool:
    known = evaluate(condition, point)
    return known is not None and bool(known.value)


@settings(max_examples=400, deadline=None)
@given(st.randoms(use_true_random=False))
def test_facts_hold_at_every_point(random: Random) -> None:
    for ranges, found in points(random):
        scope = Scope(random, [A, B, M])
        for _ in range(6):
            expr, other = scope.index(3), scope.index(2)
            known, form = ranges.of(expr), ranges.sum_of(expr)
            less, positive = below(expr, other, ranges), at_least_zero(form, ranges)
            simple = shorter(expr, ranges) if isinstance(expr, Apply) else expr
            for point in found:
                exact = value(expr, point)
                assert exact in known
                total = form.constant + sum(
                    factor * value(atom, point) for atom, factor in form.terms
                )
                assert total == exact
                assert not less or exact < value(other, point)
                assert not positive or exact >= 0
                assert value(simple, point) == exact


@settings(max_examples=400, deadline=None)
@given(st.randoms(use_true_random=False))
def test_decided_comparisons(random: Random) -> None:
    for ranges, found in points(random):
        expr = Scope(random, [A, B, M]).condition(0)
        if isinstance(expr, Apply) and expr.args[0].dtype == INDEX:
            simple = shorter(expr, ranges)
            for point in found:
                assert holds(simple, point) == holds(expr, point)


def claims_of(text: str) -> str:
    return print_function(derive_claims(read_function("tiledsl.ir 1\n" + text)))


def test_tiles_that_divide_are_proved() -> None:
    text = claims_of(
        "func f[q](x: float32[128 * q], y: float32[1000])\n"
        "  launch (b: q) threads 1\n"
        "    parallel (i: 128)\n"
        "      x[b * 128 + i] = y[b * 128 + i]\n"
    )
    assert "x[!b * 128 + i] = y[b * 128 + i]" in text


def test_remainders_cancel_against_quotients() -> None:
    text = claims_of(
        "func f(x: float32[16, 8], y: float32[128])\n"
        "  launch (b: 128) threads 1\n"
        "    x[b // 8, b % 8] = y[b // 8 * 8 + b % 8]\n"
    )
    assert "x[!b // 8, !b % 8] = y[!b // 8 * 8 + b % 8]" in text


def test_conditions_count_outside_parallel_only() -> None:
    text = claims_of(
        "func f[m](x: float32[m])\n"
        "  launch (b: ceildiv(m, 4)) threads 1\n"
        "    for serial k in 0 .. 4 step 1\n"
        "      if b * 4 + k < m\n"
        "        x[b * 4 + k] = 0.0\n"
        "    parallel (i: 4)\n"
        "      if b * 4 + i < m\n"
        "        x[b * 4 + i] = 0.0\n"
    )
    assert text.count("x[!b * 4 + k]") == 1
    assert text.count("x[b * 4 + i]") == 1


def test_loaded_positions_are_clamped_or_not_proved() -> None:
    text = claims_of(
        "func f(x: float32[16], ids: int32[4])\n"
        "  launch (b: 4) threads 1\n"
        "    let v: index = index(ids[b])\n"
        "    let w: index = min(max(v, 0), 15)\n"
        "    if ids[b] < 16:int32\n"
        "      x[index(ids[b])] = 0.0\n"
        "    x[w] = x[v]\n"
    )
    assert "x[!w] = x[v]" in text
    assert "x[index(ids[!b])] = 0.0" in text


def test_loops_inside_parallel_with_bounds_of_lanes() -> None:
    text = claims_of(
        "func f(x: float32[16], y: float32[8])\n"
        "  launch (b: 1) threads 1\n"
        "    parallel (i: 8)\n"
        "      for serial k in 0 .. i step 1\n"
        "        y[i] = x[k]\n"
        "      for serial l in 0 .. 16 step 1\n"
        "        y[i] = x[l]\n"
    )
    assert "= x[k]" in text and "= x[!l]" in text


def test_wrapping_arithmetic_proves_nothing() -> None:
    s = Var("s", INT32)
    ranges = Ranges()
    doubled = Apply("mul", (s, Const(2, INT32)))
    assert ranges.of(doubled) == ranges.of(s)
    assert ranges.sum_of(doubled).terms == ((doubled, 1),)
    wide = Apply("mul", (Cast(s, INDEX), index(2)))
    assert ranges.sum_of(wide).terms == ((s, 2),)
