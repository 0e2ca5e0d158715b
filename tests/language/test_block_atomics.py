"""Atomic updates within a block."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError, UnsupportedByTarget
from tiledsl.ir.nodes import Accumulate
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


def test_what_is_refused(builder, buffer) -> None:
    local, outer = buffer("tile", (4,), "int32", "shared"), buffer("G", (4,), "int32")
    with pytest.raises(UnsupportedByTarget, match="on a global tensor") as caught:
        T.atomic_add(outer[0], 1)
    assert caught.value.span == builder.span
    with pytest.raises(UnsupportedByTarget, match="return_prev"):
        T.atomic_add(local[0], 1, return_prev=True)
    for tile in (local, local[0:2], outer):
        with pytest.raises(UnsupportedByTarget, match="on a tile"):
            T.atomic_max(tile, 1)
    with pytest.raises(KernelError, match="E0206"):
        T.atomic_max(3, 1)
