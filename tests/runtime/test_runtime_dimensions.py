"""Index expressions: evaluated and solved like the arithmetic they stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiledsl.ir.dtypes import INDEX, INT32, DType
from tiledsl.ir.nodes import Apply, Cast, Const, Expr, Select, Var, index
from tiledsl.runtime.dimensions import evaluate, linear, spell, spell_shape

M, N = Var("m", INDEX), Var("n", INDEX)

leaves = st.sampled_from([M, N]) | st.integers(-20, 20).map(index)
sums = st.recursive(
    leaves,
    lambda parts: (
        st.builds(
            lambda op, a, b: Apply(op, (a, b)),
            st.sampled_from(["add", "sub", "mul"]),
            parts,
            parts,
        )
        | parts.map(lambda a: Apply("neg", (a,)))
    ),
    max_leaves=8,
)


@given(sums, st.integers(-50, 50), st.integers(-50, 50))
def test_a_linear_form_has_the_value_of_its_expression(
    expression: Expr, m: int, n: int
) -> None:
    whole = evaluate(expression, {"m": m, "n": n})
    assert whole is not None
    form = linear(expression, {"m": m})
    if form is not None:
        assert form.constant + form.coefficients.get("n", 0) * n == whole
        assert all(form.coefficients.values())


@given(
    st.sampled_from(["floordiv", "floormod", "ceildiv", "truncdiv", "truncmod"]),
    st.integers(-100, 100),
    st.integers(-10, 10),
)
def test_division_is_total(op: str, a: int, b: int) -> None:
    value = evaluate(Apply(op, (index(a), index(b))), {})
    if b == 0:
        wanted = a if op.endswith("mod") else 0
    else:
        quotient = {"floor": a // b, "ceil": -(-a // b), "trunc": int(a / b)}[
            op.replace("div", "").replace("mod", "")
        ]
        wanted = a - quotient * b if op.endswith("mod") else quotient
    assert value == wanted


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (Cast(Var("k", INT32), INDEX), -5),
        (Cast(Cast(Var("k", INT32), DType("uint8")), INDEX), 251),
        (
            Select(Apply("lt", (Var("k", INT32), Const(0, INT32))), index(1), index(2)),
            1,
        ),
        (Apply("max", (Var("k", INT32), Const(3, INT32))), 3),
        (Apply("exp", (Var("k", INT32),)), None),
        (Apply("floordiv", (N, index(2))), None),
    ],
)
def test_other_expressions(expression: Expr, value: int | None) -> None:
    assert evaluate(expression, {"k": -5}) == value


def test_a_product_with_a_dim_of_size_0_leaves_the_other_open() -> None:
    form = linear(Apply("mul", (M, N)), {"m": 0})
    assert form is not None
    assert not form.coefficients


def test_spelling_leaves_widening_out() -> None:
    assert spell(Apply("mul", (index(2), Cast(Var("k", INT32), INDEX)))) == "2 * k"
    assert spell_shape((M,)) == "(m,)"
    assert spell_shape((M, index(4))) == "(m, 4)"
