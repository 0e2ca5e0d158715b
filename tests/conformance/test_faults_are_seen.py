"""Backends with one planted fault each: the table must show it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from tiledsl_numpy import NumpyBackend

from tiledsl.backend import BuildOptions, Executable, Target
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.dtypes import FLOAT32, FLOAT64, DType
from tiledsl.ir.nodes import (
    Apply,
    Cast,
    Const,
    Copy,
    Function,
    Gemm,
    Node,
    Reduce,
    Store,
)
from tiledsl.ir.visitor import transform
from tiledsl.testing.accuracy.cells import Cell
from tiledsl.testing.accuracy.conversions import judge_bitcasts, judge_conversions
from tiledsl.testing.accuracy.functions import measure_functions
from tiledsl.testing.accuracy.scalars import judge_scalars, judge_selects
from tiledsl.testing.accuracy.tile_programs import gemms, reductions
from tiledsl.testing.accuracy.tiles import judge_elements, judge_gemms, judge_trial

Change = Callable[[Node], Node]


class Faulty(NumpyBackend):
    """Changes the program before it runs."""

    def __init__(self, change: Change) -> None:
        self.change = change

    def build(
        self, function: Function, target: Target, options: BuildOptions
    ) -> Executable:
        return super().build(transform(function, self.change), target, options)


def wrong(cells: Sequence[Cell]) -> set[tuple[str, ...]]:
    """Constructs and dtypes of the cells that are wrong."""
    return {(cell.construct, *cell.dtypes) for cell in cells if cell.status == "wrong"}


def test_other_rounding() -> None:
    def cut(node: Node) -> Node:
        narrow = isinstance(node, Cast) and node.dtype == "bfloat16"
        return replace(node, rounding="rz") if narrow else node

    cells = judge_conversions(DType("float16"), [Faulty(cut)])
    assert ("cast rn", "float16", "bfloat16") in wrong(cells)
    assert ("cast rz", "float16", "bfloat16") not in wrong(cells)
    assert ("cast rn", "float16", "float8_e5m2") not in wrong(cells)


@pytest.mark.parametrize("source", ["float64", "int64"])
def test_double_rounding(source: str) -> None:
    def twice(node: Node) -> Node:
        if isinstance(node, Cast) and node.dtype == "bfloat16":
            return replace(node, value=Cast(node.value, FLOAT32))
        return node

    cells = judge_conversions(DType(source), [Faulty(twice)])
    assert ("cast rn", source, "bfloat16") in wrong(cells)


def test_saturation_that_is_missing() -> None:
    def overflow(node: Node) -> Node:
        return replace(node, saturate=False) if isinstance(node, Cast) else node

    found = wrong(judge_conversions(DType("bfloat16"), [Faulty(overflow)]))
    assert ("cast rn", "bfloat16", "float8_e4m3fn") in found
    assert ("cast rn", "bfloat16", "float8_e5m2") in found
    assert not any("overflow" in place[0] for place in found)


def test_signed_reading_of_unsigned_integers() -> None:
    def signed(node: Node) -> Node:
        if isinstance(node, Cast) and node.dtype.is_float:
            return replace(node, value=Cast(node.value, DType("int16")))
        return node

    found = wrong(judge_conversions(DType("uint16"), [Faulty(signed)]))
    assert ("cast rn", "uint16", "float32") in found


def test_bits_and_selects() -> None:
    def skip(node: Node) -> Node:
        return replace(node, indices=()) if isinstance(node, Store) else node

    cells = judge_bitcasts(DType("int16"), Faulty(skip))
    assert {cell.status for cell in cells} == {"failed"}

    def swap(node: Node) -> Node:
        if type(node).__name__ == "Select":
            return replace(node, then=node.otherwise, otherwise=node.then)
        return node

    assert len(wrong(judge_selects(DType("int8"), [Faulty(swap)]))) == 2


def _renamed(old: str, new: str) -> Change:
    def change(node: Node) -> Node:
        return (
            replace(node, op=new)
            if isinstance(node, Apply) and node.op == old
            else node
        )

    return change


@pytest.mark.parametrize(
    ("dtype", "old", "new"),
    [
        ("int32", "floordiv", "truncdiv"),
        ("int8", "floormod", "truncmod"),
        ("int64", "ceildiv", "floordiv"),
        ("float32", "min", "min_nan"),
        ("float64", "max_nan", "max"),
        ("float32", "round", "round_away"),
        ("float32", "lt", "le"),
        ("uint8", "and", "or"),
    ],
)
def test_operations(dtype: str, old: str, new: str) -> None:
    cells = judge_scalars(DType(dtype), [Faulty(_renamed(old, new))])
    assert wrong(cells) == {(old, dtype)}


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64])
def test_functions_a_few_ulp_off(dtype: DType) -> None:
    factor = Const(1 + 4 * 2.0**-dtype.fraction_bits, dtype)

    def off(node: Node) -> Node:
        near = isinstance(node, Apply) and node.op == "exp"
        return Apply("mul", (node, factor)) if near else node

    rows = measure_functions(dtype, Faulty(off), names=["exp", "log"])
    assert [row.function for row in rows if not row.ok] == ["exp"]
    assert 2 < rows[0].worst < 10


def test_functions_that_lose_the_sign_of_zero_or_nan() -> None:
    def plus_zero(node: Node) -> Node:
        if isinstance(node, Apply) and node.op == "tanh":
            return Apply("add", (node, Const(0.0, FLOAT32)))
        if isinstance(node, Apply) and node.op == "sin":
            return Apply("max", (node, Const(-1.0, FLOAT32)))
        return node

    rows = measure_functions(FLOAT32, Faulty(plus_zero), names=["tanh", "sin", "cos"])
    found = {row.function: row for row in rows}
    assert "tanh(-0.0,) = 0.0, not -0.0" in found["tanh"].specials
    assert found["sin"].worst == float("inf")
    assert found["cos"].ok


def test_tiles() -> None:
    def clip(node: Node) -> Node:
        if isinstance(node, Copy):
            return replace(
                node, shape=(*node.shape[:-1], Const(20, node.shape[0].dtype))
            )
        return node

    found = wrong(judge_elements(DType("int16"), [Faulty(clip)]))
    assert ("copy", "int16", "float32") in found


def test_products_and_reductions() -> None:
    def flip(node: Node) -> Node:
        if isinstance(node, Gemm):
            return replace(node, clear=Const(True, node.clear.dtype))
        if isinstance(node, Reduce):
            return replace(node, clear=True)
        return node

    faulty = Faulty(flip)
    trial = gemms(DType("float16"), DType("float16"), FLOAT32)
    assert wrong(judge_trial(trial, [faulty]))
    found = wrong(judge_trial(reductions(DType("int8"), DType("int32")), [faulty]))
    assert ("reduce sum", "int8", "int32") in found


def test_a_capability_that_is_refused() -> None:
    class Reluctant(NumpyBackend):
        def build(
            self, function: Function, target: Target, options: BuildOptions
        ) -> Executable:
            raise UnsupportedByTarget("E2010", "no products today")

    cells = judge_gemms(Reluctant(), "small")
    assert {cell.status for cell in cells} == {"failed", "refused"}
