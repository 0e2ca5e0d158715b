"""Atomic updates as the frontend makes them; of a block's own elements."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.ir.nodes import Accumulate, Atomic
from tiledsl.ir.verifier import verify
from tiledsl.ir.visitor import walk
from tiledsl.testing.scalar_evaluator import evaluate


def test_a_histogram() -> None:
    @T.prim_func
    def kernel(IDS: T.Tensor((64,), "int32"), H: T.Tensor((8,), "int32")):
        with T.Kernel(1):
            h = T.alloc_shared((8,), "int32")
            T.clear(h)
            for i in T.Parallel(64):
                T.atomic_add(h[IDS[i]], 1)
            T.copy(h, H)

    ids = np.random.default_rng(0).integers(-2, 10, 64, dtype=np.int32)
    found = np.zeros(8, np.int32)
    verify(kernel.function)
    evaluate(kernel.function, [ids, found])
    np.testing.assert_array_equal(found, [(ids == k).sum() for k in range(8)])
    assert any(isinstance(node, Accumulate) for node in walk(kernel.function))


def test_updates_in_order() -> None:
    @T.prim_func
    def kernel(R: T.Tensor((4,), "int32")):
        with T.Kernel(1):
            r = T.alloc_shared((4,), "int32")
            T.clear(r)
            for k in T.serial(5):
                T.atomic_add(r[0], k)
                T.atomic_max(r[1], k)
                T.atomic_min(r[2], -k)
                T.atomic_or(r[3], 1 << k)
            T.atomic_store(r[0], T.atomic_load(r[0]) * 2)
            T.copy(r, R)

    found = np.zeros(4, np.int32)
    verify(kernel.function)
    evaluate(kernel.function, [found])
    np.testing.assert_array_equal(found, [20, 4, -4, 31])


def test_which_updates_are_reductions(builder, buffer, emitted) -> None:
    @T.prim_func
    def kernel(X: T.Tensor((8,), "int32"), R: T.Tensor((8,), "int32")):
        with T.Kernel(1):
            alone = T.alloc_shared((8,), "int32")
            asked = T.alloc_shared((8,), "int32")
            read = T.alloc_shared((8,), "int32")
            mixed = T.alloc_shared((8,), "int32")
            for i in T.Parallel(8):
                own = T.alloc_var("int32", 1)
                T.atomic_add(own, 1)
                T.atomic_add(alone[X[i]], own)
                R[i] = T.atomic_add(asked[0], 1, return_prev=True)
                T.atomic_max(read[X[i]], read[0])
                T.atomic_add(mixed[X[i]], 1)
                T.atomic_min(mixed[X[i]], 1)

    verify(kernel.function)
    updates = [node for node in walk(kernel.function) if isinstance(node, Atomic)]
    assert [node.buffer.name for node in updates] == ["asked", "read", "mixed", "mixed"]
    sums = [node for node in walk(kernel.function) if isinstance(node, Accumulate)]
    assert [node.buffer.name for node in sums] == ["alone"]


def test_what_is_refused(builder, buffer) -> None:
    tile, outer = buffer("tile", (4,), "int32", "shared"), buffer("G", (4,), "int32")
    with pytest.raises(KernelError, match="E0209") as caught:
        T.atomic_add(outer, 1, return_prev=True)
    assert caught.value.span == builder.span
    with pytest.raises(KernelError, match="relaxed, consume"):
        T.atomic_add(outer[0], 1, memory_order="weak")
    with pytest.raises(KernelError, match="relaxed, consume"):
        T.atomic_add(outer[0], 1, memory_order=9)
    for place in (3, None, "x"):
        with pytest.raises(KernelError, match="E0206"):
            T.atomic_max(place, 1)
    with pytest.raises(KernelError, match="E0206"):
        T.atomic_load(tile)
    with pytest.raises(KernelError, match="E0206"):
        T.atomic_addx2(outer, tile[0])
    with pytest.raises(KernelError, match="follow each other"):
        T.atomic_addx2(T.alloc_var("int32"), tile[0])
    with pytest.raises(KernelError, match="E0201"):
        T.atomic_add(outer, buffer("other", (3, 4), "int32", "shared"))
    with pytest.raises(KernelError, match="E0501"):
        T.atomic_add(outer[4], 1)


@pytest.mark.parametrize(
    ("operation", "dtype"),
    [
        (T.atomic_or, "float32"),
        (T.atomic_add, "bool"),
        (T.atomic_add, "float8_e4m3fn"),
        (T.atomic_store, "float8_e5m2"),
        (T.atomic_add, "int4"),
    ],
)
def test_dtypes_without_updates(builder, buffer, operation, dtype: str) -> None:
    with pytest.raises(KernelError, match="E0221"):
        operation(buffer("G", (4,), dtype)[0], 1)


def test_outside_every_launch() -> None:
    @T.prim_func
    def kernel(G: T.Tensor((4,), "int32")):
        T.atomic_add(G[0], 1)

    with pytest.raises(KernelError, match="E0210"):
        verify(kernel.function)


def test_numbers_of_memory_orders(builder, buffer, emitted) -> None:
    T.atomic_add(buffer("G", (4,), "int32")[0], 1, memory_order=4)
    assert emitted().order == "acq_rel"
