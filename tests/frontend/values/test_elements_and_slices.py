"""Elements and slices of buffers: ranks, negative indices, bounds, snapshots."""

from __future__ import annotations

import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.frontend.buffers import Element, RegionRef, VarRef, store_element
from tiledsl.frontend.values import logical_and, snapshot, wrap
from tiledsl.ir.dtypes import FLOAT32, INDEX, INT32
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    At,
    Cast,
    Const,
    Let,
    Load,
    Range,
    Store,
    Var,
    index,
)
from tiledsl.ir.spans import Span


def _loop(builder, name: str, stop: int):
    return wrap(builder.declare_index(name, index(0), index(stop)))


def test_a_load(builder, buffer) -> None:
    A = buffer("A", (4, 8), "float16")
    element = A[1, 2]
    assert element.dtype == "float16"
    assert element.expr == Cast(Load(A.ir, (index(1), index(2))), FLOAT32)
    assert element.expr.value.span == builder.span


def test_shapes_and_strides(buffer) -> None:
    A = buffer("A", (4, "n", 8))
    assert A.shape[0] == 4 and A.shape[2] == 8
    assert A.shape[1].expr == Var("n", INDEX)
    assert A.strides[2] == 1 and A.strides[1] == 8
    assert A.strides[0].expr == Apply("mul", (index(8), Var("n", INDEX)))


@pytest.mark.parametrize("key", [0, (0, 0, 0), ()])
def test_the_number_of_indices(builder, buffer, key) -> None:
    with pytest.raises(KernelError) as caught:
        buffer("A", (4, "n"))[key]
    assert caught.value.code == "E0312"
    assert caught.value.span == builder.span
    assert "A has shape (4, n)" in caught.value.message


@pytest.mark.parametrize("key", [None, ..., 1.0, True, "x"])
def test_kinds_of_indices(builder, buffer, key) -> None:
    with pytest.raises(KernelError, match="E0311"):
        buffer("A", (4, 4))[0, key]


def test_negative_static_indices_count_from_the_end(builder, buffer) -> None:
    A = buffer("A", (8, "n"))
    element = A[-1, -2]
    n = Var("n", INDEX)
    assert element.expr == Load(A.ir, (index(7), Apply("sub", (n, index(2)))))


def test_always_negative_affine_indices_count_from_the_end(builder, buffer) -> None:
    A = buffer("A", (8,))
    i = _loop(builder, "i", 4)
    expected = Apply("add", (Apply("neg", (Var("i", INDEX),)), index(7)))
    assert A[-i - 1].expr == Load(A.ir, (expected,))
    sometimes = A[i - 2].expr
    assert sometimes == Load(A.ir, (Apply("sub", (Var("i", INDEX), index(2))),))


def test_loaded_negative_indices_stay(builder, buffer) -> None:
    ids, A = buffer("ids", (4,), "int32"), buffer("A", (8,))
    load = Cast(Load(ids.ir, (index(0),)), INDEX)
    assert A[ids[0]].expr == Load(A.ir, (load,))


def test_global_accesses_that_are_never_in_range(builder, buffer) -> None:
    A = buffer("A", (8,))
    i = _loop(builder, "i", 4)
    with pytest.raises(KernelError, match=r"E0501.*expected 0 to 7, got 8 to 11"):
        snapshot(A[i + 8] + 1)
    assert A[i + 7].expr.dtype == "float32"  # in range for i = 0
    with pytest.raises(KernelError, match="E0501"):
        store_element(A, -9, 1.0)


def test_block_local_accesses_that_are_sometimes_outside(builder, buffer) -> None:
    tile = buffer("tile", (8,), "float32", "shared")
    i = _loop(builder, "i", 9)
    with pytest.raises(KernelError, match=r"E0502.*got 0 to 8"):
        snapshot(tile[i] + 1)


def test_under_a_condition_it_is_a_warning(builder, buffer) -> None:
    tile = buffer("tile", (8,), "float32", "shared")
    i = _loop(builder, "i", 9)
    with builder.block("arm"), pytest.warns(match="W0501"):
        snapshot(tile[i] + 1)
    with pytest.warns(match="W0501"):
        snapshot(T.if_then_else(i < 8, tile[i] * 2, 0))
    with pytest.raises(KernelError, match="E0502"):
        snapshot(T.Select(i < 8, tile[i] * 2, 0))
    with pytest.raises(KernelError, match="E0502"):
        snapshot(T.if_then_else(tile[i] > 0, 1, 0))
    with pytest.warns(match="W0501"):
        snapshot(logical_and(i < 8, tile[i] > 0))


def test_slices(builder, buffer) -> None:
    A = buffer("A", (64, 32, "n"))
    k = _loop(builder, "k", 2)
    region = A[k * 32 : (k + 1) * 32, 3, :]
    assert isinstance(region, RegionRef)
    start = Apply("mul", (Var("k", INDEX), index(32)))
    assert region.ir.dims == (
        Range(start, index(32)),
        At(index(3)),
        Range(index(0), Var("n", INDEX), True),
    )
    assert region.shape[:2] == (32, 1)


def test_static_negative_bounds_count_from_the_end(builder, buffer) -> None:
    A = buffer("A", (64,))
    assert A[-16:].ir.dims == (Range(index(48), index(16)),)
    assert A[:-16].ir.dims == (Range(index(0), index(48)),)
    n = Var("n", INDEX)
    last = buffer("B", ("n",))[-16:].ir.dims[0]
    assert last == Range(Apply("sub", (n, index(16))), index(16))


def test_a_slice_that_ends_before_it_starts_is_empty(builder, buffer) -> None:
    assert buffer("A", (64,))[8:8].ir.dims == (Range(index(8), index(0)),)
    assert buffer("B", (64,))[8:4].ir.dims == (Range(index(8), index(0)),)


@pytest.mark.parametrize("step", [2, -1, 0])
def test_slices_have_no_step(builder, buffer, step: int) -> None:
    with pytest.raises(KernelError, match="E0313"):
        buffer("A", (64,))[::step]


def test_slices_outside_their_buffer(builder, buffer) -> None:
    A = buffer("A", (64,))
    assert A[32:128].ir.dims == (Range(index(32), index(96)),)  # a tail
    with pytest.raises(KernelError, match="E0501"):
        A[64:128]
    with pytest.raises(KernelError, match="E0502"):
        buffer("tile", (64,), "float32", "fragment")[32:128]


def test_slices_cannot_be_assigned_or_indexed(builder, buffer) -> None:
    A = buffer("A", (64,))
    with pytest.raises(KernelError, match="E0313") as caught:
        A[0:4] = 1.0
    assert "T.fill" in (caught.value.hint or "")
    with pytest.raises(KernelError, match="E0314"):
        A[0:4][0]


def test_a_store_converts(builder, buffer) -> None:
    tile = buffer("tile", (4,), "float16", "shared")
    tile[1] = 0.1
    store = builder.scopes[-1].statements[-1]
    assert store == Store(tile.ir, (index(1),), Const(0.0999755859375, tile.dtype))
    assert store.span == builder.span


def test_variables(builder) -> None:
    n = T.alloc_var("int32", init=3)
    assert isinstance(n, VarRef)
    n.take_name("count")
    n.write(n * 2)
    made = [part for part in builder.scopes[-1].statements if not isinstance(part, Let)]
    allocate, first, second = made
    assert isinstance(allocate, Allocate) and allocate.buffer.name == "count"
    assert first == Store(allocate.buffer, (), Const(3, INT32))
    twice = Apply("mul", (Load(allocate.buffer, ()), Const(2, INT32)))
    assert second == Store(allocate.buffer, (), twice)


def test_a_name_is_taken_only_by_a_fresh_allocation(builder) -> None:
    tile = T.alloc_shared((4,), "float32")
    tile[0] = 1.0
    tile.take_name("late")
    assert tile.ir.name == "shared"


def test_a_value_read_before_a_write_keeps_its_value(builder, buffer) -> None:
    tile = buffer("tile", (4,), "float32", "shared")
    before = tile[0] + 1.0
    tile[0] = 2.0
    tile[1] = before
    read, write, use = builder.scopes[-1].statements
    assert isinstance(read, Let)
    assert read.value == Apply("add", (Load(tile.ir, (index(0),)), Const(1.0, FLOAT32)))
    assert write.value == Const(2.0, FLOAT32)
    assert use.value == read.var


def test_it_is_kept_where_it_was_read(builder, buffer) -> None:
    tile = buffer("tile", (4,), "float32", "shared")
    before = tile[0]
    with builder.block("loop"):
        tile[0] = 2.0
    builder.emit(Store(tile.ir, (index(1),), before.expr))
    assert isinstance(builder.scopes[-1].statements[0], Let)


def test_nothing_is_kept_for_values_that_are_not_used_again(buffer) -> None:
    from tiledsl.frontend.builder import Builder

    made = Builder()
    tile = buffer("tile", (4,), "float32", "shared")
    with made.activate(), made.block("host"), made.block("launch") as block:
        before = tile[0] * 2.0
        tile[0] = before
    assert len(block.statements) == 1
    assert before.dtype == "float32"


def test_an_element_is_a_place_until_it_is_read(builder, buffer) -> None:
    A = buffer("A", (8,))
    element = A[200]  # as an origin it may lie anywhere
    assert isinstance(element, Element)
    with pytest.raises(KernelError, match="E0501"):
        snapshot(element)


def test_host_level_stores_are_refused(buffer) -> None:
    from tiledsl.frontend.builder import Builder

    made = Builder()
    made.span = Span("kernel.py", 3, 0, 3, 5)
    with made.activate(), made.block("host"), pytest.raises(KernelError, match="E0210"):
        buffer("A", (8,))[0] = 1.0


def test_nothing_works_outside_a_trace(buffer) -> None:
    with pytest.raises(KernelError, match="E0401"):
        T.alloc_shared((4,), "float32")
    with pytest.raises(KernelError, match="E0401"):
        buffer("A", (8,))[0] = 1.0
