"""Operators: the IR they make, static errors, and what Python may not ask."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.frontend.values import logical_and, logical_not, logical_or
from tiledsl.ir.dtypes import BOOL, FLOAT32, INT32, INT64, DType
from tiledsl.ir.nodes import Apply, Cast, Const, Let, Select, Var, index

X, Y = Var("x", INT32), Var("y", INT32)
F, G = Var("f", FLOAT32), Var("g", FLOAT32)


@pytest.fixture
def x(value):
    return value("int32", "x")


@pytest.fixture
def f(value):
    return value("float32", "f")


def test_plain_operators(x, value) -> None:
    y = value("int32", "y")
    rows = {
        "add": x + y, "sub": x - y, "mul": x * y, "floordiv": x // y, "floormod": x % y,
        "and": x & y, "or": x | y, "xor": x ^ y, "shl": x << y, "shr": x >> y,
    }  # fmt: skip
    for op, result in rows.items():
        assert result.expr == Apply(op, (X, Y))
    assert (-x).expr == Apply("neg", (X,))
    assert abs(x).expr == Apply("abs", (X,))
    assert (~x).expr == Apply("not", (X,))
    assert (5 - x).expr == Apply("sub", (Const(5, INT32), X))


def test_float_floor_division_and_remainder(builder, f, value) -> None:
    g = value("float32", "g")
    assert (f // g).expr == Apply("floor", (Apply("div", (F, G)),))
    remainder = (f % g).expr
    rest = builder.scopes[-1].statements[-1]
    assert isinstance(rest, Let) and rest.value == Apply("fmod", (F, G))
    zero = Const(0.0, FLOAT32)
    signs = Apply("ne", (Apply("lt", (rest.var, zero)), Apply("lt", (G, zero))))
    wrong = Apply("and", (Apply("ne", (rest.var, zero)), signs))
    assert remainder == Select(wrong, Apply("add", (rest.var, G)), rest.var)


def test_true_division_of_integers_is_refused(x) -> None:
    with pytest.raises(KernelError, match="E0303") as caught:
        x / 2
    assert "//" in (caught.value.hint or "")


@pytest.mark.parametrize("operate", [lambda x: x // 0, lambda x: x % 0])
def test_static_zero_divisors_are_refused(builder, x, operate) -> None:
    with pytest.raises(KernelError, match="E0304") as caught:
        operate(x)
    assert caught.value.span == builder.span


@pytest.mark.parametrize("function", [T.truncdiv, T.truncmod, T.ceildiv, T.floordiv])
def test_named_divisions_check_static_divisors(x, function) -> None:
    with pytest.raises(KernelError, match="E0304"):
        function(x, 0)
    with pytest.raises(KernelError, match="E0304"):
        function(7, 0)


@pytest.mark.parametrize(
    ("dtype", "count", "fine"),
    [("int32", 31, True), ("int32", 32, False), ("uint8", 7, True), ("uint8", 8, False),
     ("int64", 63, True), ("int32", -1, False)],
)  # fmt: skip
def test_static_shift_counts(value, dtype: str, count: int, fine: bool) -> None:
    x = value(dtype, "x")
    if fine:
        assert (x << count).dtype == dtype
        return
    with pytest.raises(KernelError, match="E0305"):
        x >> count


def test_mixed_signs_compare_by_value(value) -> None:
    u = Var("u", DType("uint32"))
    left = (value("int32", "x") < value("uint32", "u")).expr
    assert left == Apply("lt", (Cast(X, INT64), Cast(u, INT64)))


@pytest.mark.parametrize("op", ["lt", "le", "gt", "ge", "eq", "ne"])
def test_signed_against_uint64(value, op: str) -> None:
    import operator

    w = Var("w", DType("uint64"))
    signed, unsigned = value("int64", "l"), value("uint64", "w")
    long = Var("l", INT64)
    negative = Apply("lt", (long, Const(0, INT64)))
    below = Const(op in ("lt", "le", "ne"), BOOL)
    same = Apply(op, (Cast(long, DType("uint64")), w))
    compare = getattr(operator, op)
    assert compare(signed, unsigned).expr == Select(negative, below, same)
    flipped = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}.get(op, op)
    assert getattr(operator, flipped)(unsigned, signed).expr == Select(
        negative, below, same
    )


def test_comparison_with_a_literal_outside_the_dtype(value) -> None:
    u = Var("u", DType("uint8"))
    assert (value("uint8", "u") > -1).expr == Apply(
        "gt", (Cast(u, INT32), Const(-1, INT32))
    )
    assert (value("uint8", "u") < 256).expr == Apply(
        "lt", (Cast(u, INT32), Const(256, INT32))
    )


def test_logic(x, f) -> None:
    positive, negative = x > 0, f < 0
    assert logical_and(positive, negative).expr == Select(
        positive.expr, negative.expr, Const(False, BOOL)
    )
    assert logical_or(positive, negative).expr == Select(
        positive.expr, Const(True, BOOL), negative.expr
    )
    assert logical_not(x).expr == Apply("not", (Cast(X, BOOL),))


def test_powers(builder, x, f) -> None:
    assert (f**2).expr == Apply("mul", (F, F))
    assert (f**0.5).expr == Apply("pow", (F, Const(0.5, FLOAT32)))
    assert (f**-1).expr == Apply("pow", (F, Const(-1.0, FLOAT32)))
    assert (f**20).expr == Apply("pow", (F, Const(20.0, FLOAT32)))
    assert (x**1).expr == Apply("mul", (Const(1, INT32), X))
    assert (x**3).dtype == "int32"
    wide = Cast(X, FLOAT32)
    assert (x**x).expr == Apply("pow", (wide, wide))
    assert (x**-1).expr == Apply("pow", (wide, Const(-1.0, FLOAT32)))


def test_operands_are_evaluated_once_in_powers(builder, f) -> None:
    (f * f + 1.0) ** 3
    lets = [part for part in builder.scopes[-1].statements if isinstance(part, Let)]
    assert len(lets) == 1


@pytest.mark.parametrize(
    "ask",
    [bool, int, float, list, len, round, lambda x: [1][x], lambda x: x in [1, 2],
     lambda x: max(x, 1), lambda x: sorted([x, 2, 1]), lambda x: range(x)],
)  # fmt: skip
def test_python_may_not_ask_for_the_value(builder, x, ask) -> None:
    with pytest.raises(KernelError, match="E0307") as caught:
        ask(x)
    assert "T." in (caught.value.hint or "")
    assert caught.value.span == builder.span


def test_something_else_is_not_a_scalar(builder, x, buffer) -> None:
    with pytest.raises(KernelError, match=r"E0310.*got <\w+ buffer A: .*\[4\]>"):
        x + buffer("A", (4,))
    with pytest.raises(KernelError, match="E0315"):
        buffer("A", (4,)) + x
    with pytest.raises(KernelError, match=r"E0310.*got '1'"):
        x + "1"


def test_long_expressions_are_cut(builder, f) -> None:
    total = f
    for _ in range(64):
        total = total + total  # doubles the expression each time
    from tiledsl.ir.visitor import walk

    assert sum(1 for _ in walk(total.expr)) < 500


def test_static_functions_give_python_numbers() -> None:
    assert T.ceildiv(7, 2) == 4 and T.floordiv(-7, 2) == -4 and T.floormod(-7, 2) == 1
    assert T.truncdiv(-7, 2) == -3 and T.truncmod(-7, 2) == -1
    assert T.max(3, 4) == 4 and T.min(3, 4) == 3 and T.clamp(12, 0, 10) == 10
    assert T.shift_left(1, 4) == 16 and T.bitwise_xor(5, 1) == 4
    assert T.if_then_else(False, 1, 2) == 2


def test_extrema(f, value) -> None:
    g = value("float32", "g")
    assert T.max(f, g).expr == Apply("max", (F, G))
    assert T.min(f, g, nan_propagate=True).expr == Apply("min_nan", (F, G))
    assert T.max(value("int32", "x"), 3, nan_propagate=True).expr == Apply(
        "max", (X, Const(3, INT32))
    )


def test_math_functions_take_integers_as_float32(value, x) -> None:
    assert T.exp(x).expr == Apply("exp", (Cast(X, FLOAT32),))
    assert T.exp(value("float16", "h")).dtype == "float16"
    assert T.pow(value("float16", "h"), 0.5).dtype == "float32"
    assert T.isnan(value("float64", "d")).dtype == "bool"
    assert T.round(value("float32", "f"), "ties-away-from-zero").expr == Apply(
        "round_away", (F,)
    )
    with pytest.raises(KernelError, match="E0209"):
        T.exp(x, x)


def test_numpy_scalars_are_literals(builder, x, f, buffer) -> None:
    assert (np.float64(0.5) * f).expr == Apply("mul", (Const(0.5, FLOAT32), F))
    assert (np.float32(0.5) * x).dtype == "float32"
    assert (np.int64(3) + x).expr == Apply("add", (Const(3, INT32), X))
    assert (x < np.int64(3)).expr == Apply("lt", (X, Const(3, INT32)))
    assert (np.int64(3) > x).expr == Apply("lt", (X, Const(3, INT32)))
    with pytest.raises(KernelError, match="E0315"):
        np.float32(1) * buffer("A", (4,))
    assert buffer("A", (8,))[np.int64(3)].indices == (index(3),)
