"""Index expressions as sums: equal to the expression for all values of the atoms."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import pytest
from hypothesis import given

from tiledsl.analysis.affine import Affine, affine, bounds, to_expr
from tiledsl.ir.dtypes import INDEX, INT32
from tiledsl.ir.nodes import Apply, Buffer, Cast, Const, Expr, Load, Var, index

NAMES = ("a", "b", "c")
A, B, C = (Var(name, INDEX) for name in NAMES)


def _evaluate(expr: Expr, values: dict[str, int]) -> int:
    if isinstance(expr, Const):
        return int(expr.value)
    if isinstance(expr, Var):
        return values[expr.name]
    assert isinstance(expr, Apply)
    parts = [_evaluate(part, values) for part in expr.args]
    return _operations[expr.op](*parts)


def _floordiv(a: int, b: int) -> int:
    return a // b if b else 0


def _truncdiv(a: int, b: int) -> int:
    return (
        int(math.copysign(1, a) * math.copysign(1, b)) * (abs(a) // abs(b)) if b else 0
    )


_operations = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
    "min": min,
    "max": max,
    "shl": lambda a, b: a << b,
    "floordiv": _floordiv,
    "floormod": lambda a, b: a - _floordiv(a, b) * b,
    "ceildiv": lambda a, b: -_floordiv(-a, b),
    "truncdiv": _truncdiv,
    "truncmod": lambda a, b: a - _truncdiv(a, b) * b,
}


def _expressions() -> st.SearchStrategy[Expr]:
    leaves = st.sampled_from([A, B, C]) | st.integers(-9, 9).map(index)

    def grown(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        names = st.sampled_from(sorted(set(_operations) - {"neg", "shl"}))
        shift = st.tuples(inner, st.integers(0, 5).map(index))
        return (
            st.builds(Apply, names, st.tuples(inner, inner))
            | st.builds(Apply, st.just("neg"), st.tuples(inner))
            | st.builds(Apply, st.just("shl"), shift)
        )

    return st.recursive(leaves, grown, max_leaves=12)


VALUES = st.fixed_dictionaries({name: st.integers(-50, 50) for name in NAMES})


@given(_expressions(), VALUES)
def test_the_sum_equals_the_expression(expr: Expr, values: dict[str, int]) -> None:
    assert _evaluate(to_expr(affine(expr)), values) == _evaluate(expr, values)


@given(_expressions(), _expressions(), VALUES)
def test_a_static_difference_is_the_difference(
    one: Expr, other: Expr, values: dict[str, int]
) -> None:
    difference = (affine(one) - affine(other)).static
    if difference is not None:
        assert _evaluate(one, values) - _evaluate(other, values) == difference


@given(_expressions(), st.fixed_dictionaries({n: st.integers(-4, 4) for n in NAMES}))
def test_bounds_hold(expr: Expr, values: dict[str, int]) -> None:
    known = bounds(affine(expr), dict.fromkeys(NAMES, (-4, 4)))
    if known is not None:
        assert known[0] <= _evaluate(expr, values) <= known[1]


def test_bounds_are_attained() -> None:
    form = affine(Apply("sub", (Apply("mul", (A, index(3))), B)))
    assert bounds(form, {"a": (0, 7), "b": (1, 2)}) == (-2, 20)
    assert bounds(form, {"a": (0, 7)}) is None


def test_a_tile_has_its_extent() -> None:
    end = Apply("mul", (Apply("add", (A, index(1))), index(64)))
    start = Apply("mul", (A, index(64)))
    assert (affine(end) - affine(start)).static == 64


@pytest.mark.parametrize(
    ("op", "divisor", "expected"),
    [
        ("floordiv", 4, Affine(2, ((A, 3),))),
        ("ceildiv", 4, Affine(2, ((A, 3),))),
        ("floormod", 4, Affine()),
        ("floordiv", 8, None),
    ],
)
def test_exact_division(op: str, divisor: int, expected: Affine | None) -> None:
    numerator = Apply("add", (Apply("mul", (A, index(12))), index(8)))
    form = affine(Apply(op, (numerator, index(divisor))))
    if expected is None:
        assert len(form.terms) == 1 and isinstance(form.terms[0][0], Apply)
    else:
        assert form == expected


def test_extrema_of_comparable_sums() -> None:
    later = Apply("add", (A, index(3)))
    assert affine(Apply("max", (A, later))) == affine(later)
    assert affine(Apply("min", (A, later))) == affine(A)
    assert affine(Apply("min", (A, B))).terms[0][0] == Apply("min", (A, B))


def test_products_of_symbols_are_atoms() -> None:
    product = Apply("mul", (A, B))
    assert (affine(product) - affine(product)).static == 0
    assert affine(product).static is None


def test_definitions_are_seen_through() -> None:
    row = Var("row", INDEX)
    known = {"row": Apply("mul", (A, index(64)))}
    assert affine(row, known) == affine(known["row"])
    assert affine(Var("x", INT32), {"x": Cast(A, INT32)}).terms[0][0] == Var("x", INT32)


def test_loads_are_atoms() -> None:
    load = Cast(Load(Buffer("ids", (index(4),), INT32), (A,)), INDEX)
    form = affine(Apply("add", (load, load)))
    assert form.terms == ((load, 2),)


def test_what_lies_too_deep_is_an_atom() -> None:
    expr: Expr = A
    for _ in range(200):
        expr = Apply("add", (expr, index(1)))
    assert affine(expr).static is None


def test_factor() -> None:
    assert affine(Apply("add", (Apply("mul", (A, index(12))), index(8)))).factor == 4
    assert Affine().factor == 0


@pytest.mark.parametrize("op", sorted(set(_operations) - {"neg", "shl"}))
def test_constants_are_computed(op: str) -> None:
    for a in range(-9, 10):
        for b in range(-3, 6):
            form = affine(Apply(op, (index(a), index(b))))
            if op in ("add", "sub", "mul", "min", "max") or b > 0:
                assert form == Affine(_operations[op](a, b))
            else:
                assert form.static is None


def test_an_operation_that_is_no_sum_is_an_atom() -> None:
    for expr in (Apply("and", (index(6), index(3))), Apply("and", (A, index(3)))):
        assert affine(expr) == Affine(0, ((expr, 1),))
    for count in (-1, 63, 64):
        shift = Apply("shl", (A, index(count)))
        assert affine(shift) == Affine(0, ((shift, 1),))
    assert affine(Apply("shl", (A, index(62)))) == Affine(0, ((A, 1 << 62),))


def test_constants_too_deep_are_constants() -> None:
    expr: Expr = A
    for _ in range(110):
        expr = Apply("add", (expr, index(1)))
    assert _evaluate(to_expr(affine(expr)), {"a": 5}) == 115
    ((atom, factor),) = affine(expr).terms
    assert factor == 1 and isinstance(atom, Apply)
    assert affine(expr).constant == 101


def test_sums_are_written_in_one_way() -> None:
    form = Affine(-3, ((A, -1), (B, 2), (C, -4)))
    expected = Apply("neg", (A,))
    expected = Apply("add", (expected, Apply("mul", (B, index(2)))))
    expected = Apply("sub", (expected, Apply("mul", (C, index(4)))))
    assert to_expr(form) == Apply("sub", (expected, index(3)))
    assert to_expr(Affine(5, ((A, 1),))) == Apply("add", (A, index(5)))
    assert to_expr(Affine()) == index(0)
