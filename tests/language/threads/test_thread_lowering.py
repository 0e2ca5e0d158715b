"""The IR that thread code becomes: where regions end, and what outlives them."""

from __future__ import annotations

from pathlib import Path

import pytest

import tiledsl.language as T
from tiledsl.ir.nodes import Allocate, For, Parallel
from tiledsl.ir.printer import print_function
from tiledsl.ir.verifier import verify
from tiledsl.ir.visitor import walk

GOLDEN = Path(__file__).parent / "golden"


@T.prim_func
def exchanges(X: T.Tensor((64,), "int32"), Y: T.Tensor((64,), "int32")):
    with T.Kernel(1, threads=64):
        tx = T.get_thread_binding()
        s = T.alloc_shared((64,), "int32")
        total = T.alloc_var("int32")
        inner = T.alloc_var("int32")
        left = tx ^ 1
        old = X[tx]
        for _ in T.serial(3):
            s[tx] = old + total
            T.sync_threads()
            inner = s[left]
            total = total + inner
        if tx >= 60:
            T.thread_return()
        Y[tx] = T.warp_reduce_sum(total) + old


@T.prim_func
def gemv(
    A: T.Tensor((256,), "float16"),
    B: T.Tensor((128, 256), "float16"),
    C: T.Tensor((128,), "float16"),
):
    with T.Kernel(8, threads=16) as bn:
        tn = T.get_thread_binding()
        a = T.alloc_shared((32,), "float16")
        b = T.alloc_shared((16, 32), "float16")
        c = T.alloc_local((1,), "float32")
        T.clear(c)
        for bk in T.serial(8):
            for tk in T.serial(32):
                a[tk] = A[bk * 32 + tk]
                b[tn, tk] = B[bn * 16 + tn, bk * 32 + tk]
            for tk in T.serial(32):
                c[0] += a[tk].astype("float32") * b[tn, tk].astype("float32")
        C[bn * 16 + tn] = c[0]


@pytest.mark.parametrize("kernel", [exchanges, gemv], ids=["exchanges", "gemv"])
def test_golden(golden, kernel) -> None:
    verify(kernel.function)
    text = print_function(kernel.function)
    golden(GOLDEN / f"{kernel.function.name}.tile", text)


def regions(kernel) -> int:
    return sum(isinstance(node, Parallel) for node in walk(kernel.function))


@T.prim_func
def alone(X: T.Tensor((64, 8), "float32"), Y: T.Tensor((64, 8), "float32")):
    with T.Kernel(1, threads=64):
        tx = T.get_thread_binding()
        s = T.alloc_shared((64, 8), "float32")
        row = T.alloc_local((8,), "float32")
        for j in T.serial(8):
            s[tx, j] = X[tx, j]
        for j in T.serial(8):
            row[j] = s[tx, 7 - j]
        for j in T.serial(8):
            Y[tx, j] = row[j] + s[tx, j]


def test_threads_that_keep_to_their_rows_are_one_region() -> None:
    assert regions(alone) == 1
    # what only one region uses is allocated there
    (loop,) = [node for node in walk(alone.function) if isinstance(node, Parallel)]
    assert any(isinstance(part, Allocate) for part in loop.body)


@T.prim_func
def chunks(X: T.Tensor((4096,), "float32")):
    with T.Kernel(1, threads=64):
        tx = T.get_thread_binding()
        for k in T.serial(16):
            for v in T.serial(4):
                X[k * 256 + tx * 4 + v] = 2 * X[k * 256 + tx * 4 + v]


def test_subscripts_that_determine_the_thread() -> None:
    assert regions(chunks) == 1
    outer = [part for part in walk(chunks.function) if isinstance(part, For)]
    (loop,) = [part for part in walk(chunks.function) if isinstance(part, Parallel)]
    assert all(part in list(walk(loop)) for part in outer)


@T.prim_func
def without(X: T.Tensor((64,), "float32")):
    with T.Kernel(1, threads=64):
        for i in T.Parallel(64):
            X[i] = 2 * X[i]
        T.sync_threads()


def test_a_kernel_that_asks_for_no_thread_is_as_it_was() -> None:
    assert regions(without) == 1
    assert "tx" not in print_function(without.function)
