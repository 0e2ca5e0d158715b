"""Rule L29: indices are exact, and what happens where they meet typed values."""

from __future__ import annotations

import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.frontend.values import as_index, converted, snapshot, wrap
from tiledsl.ir.dtypes import INDEX, INT32, DType
from tiledsl.ir.nodes import Apply, Cast, Const, Load, Select, Var, index

BX = Var("bx", INDEX)


@pytest.fixture
def bx():
    return wrap(BX)


def test_index_arithmetic_stays_index(bx) -> None:
    assert (bx * 64 + 3).expr == Apply("add", (Apply("mul", (BX, index(64))), index(3)))
    assert (bx * 2**40).expr == Apply("mul", (BX, index(2**40)))
    assert (bx // 2).expr.dtype == INDEX
    assert (bx << 3).expr.dtype == INDEX


def test_an_index_counts_as_int32_beside_typed_values(bx, value) -> None:
    x = Var("x", INT32)
    total = value("int32", "x") + bx
    assert total.dtype == "int32"
    assert total.expr == Apply("add", (x, Cast(BX, INT32)))
    assert (value("int8", "y") + bx).dtype == "int32"
    assert (value("int64", "z") + bx).dtype == "int64"
    assert (value("uint8", "u") << bx).dtype == "int32"
    assert (value("float16", "h") * bx).dtype == "float16"
    assert (bx * 0.5).dtype == "float32"


def test_a_declared_dtype_is_kept() -> None:
    n = T.dynamic("n", "int64")
    assert (n + wrap(Var("x", INT32))).dtype == "int64"
    assert (n + 1).expr.dtype == INDEX


def test_index_position_widens_every_leaf(bx, value) -> None:
    p = Var("p", INT32)
    wide = Apply("mul", (Cast(p, INDEX), index(576)))
    assert as_index(value("int32", "p") * 576 + bx) == Apply("add", (wide, BX))


def test_an_explicit_cast_is_a_leaf(bx) -> None:
    narrow = T.int8(bx * 3)
    expected = Cast(Cast(Apply("mul", (BX, index(3))), DType("int8")), INDEX)
    assert as_index(narrow) == expected


def test_a_select_in_index_position_widens_its_arms(bx, value) -> None:
    p = Var("p", INT32)
    chosen = T.if_then_else(bx > 3, value("int32", "p") * 2, bx)
    expected = Select(
        Apply("gt", (BX, index(3))), Apply("mul", (Cast(p, INDEX), index(2))), BX
    )
    assert as_index(chosen) == expected


def test_a_snapshot_is_a_typed_value(builder, value) -> None:
    x = snapshot(value("int32", "p") * 576, "row")
    assert as_index(x) == Cast(Var("row", INT32), INDEX)


def test_an_index_snapshot_stays_exact(builder, bx) -> None:
    assert as_index(snapshot(bx * 64, "row")) == Var("row", INDEX)


def test_comparisons_of_indices_are_exact(bx, value) -> None:
    x = Var("x", INT32)
    assert (bx < value("int32", "x")).expr == Apply("lt", (BX, Cast(x, INDEX)))
    assert (bx < 10).expr == Apply("lt", (BX, index(10)))


def test_an_index_converts_from_its_exact_value(bx) -> None:
    assert converted(bx, DType("float16")).expr == Cast(
        Cast(BX, DType("float16")), DType("float32")
    )


@pytest.mark.parametrize("bad", [1.5, True, None])
def test_indices_are_integers(builder, buffer, bad: object) -> None:
    with pytest.raises(KernelError, match="E0311"):
        buffer("A", (4,))[bad]


def test_a_loaded_index_is_widened(builder, buffer) -> None:
    ids, table = buffer("ids", (8,), "int32"), buffer("table", (100, 4))
    element = table[ids[0] * 2, 1]
    load = Load(ids.ir, (index(0),))
    row = Apply("mul", (Cast(load, INDEX), index(2)))
    assert element.expr == Load(table.ir, (row, index(1)))


def test_static_indices_are_constants(builder, buffer) -> None:
    table = buffer("table", (100, 4))
    assert table[3, -1].indices == (Const(3, INDEX), Const(-1, INDEX))
    assert table[3, -1].expr == Load(table.ir, (index(3), index(3)))
