"""What thread code cannot say, and what the sanitizer reports (rules L78, L79, L81)."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import KernelError, UnsupportedByTarget


def kernel_of(body, threads=64):
    """A kernel whose block runs ``body(X, tx)``, a macro."""

    @T.prim_func
    def kernel(X: T.Tensor((256,), "int32")):
        with T.Kernel(1, threads=threads):
            tx = T.get_thread_binding()
            body(X, tx)

    return kernel


@T.macro
def in_one_arm(X, tx):
    if tx < 32:
        T.sync_threads()
    X[tx] = 1


@T.macro
def wrong_count(X, tx):
    if tx < 32:
        T.sync_threads(1, 16)
    X[tx] = 1


@T.macro
def uneven_loop(X, tx):
    for i in T.serial(tx):
        X[i] = 1
        T.sync_threads()


@T.macro
def after_a_return(X, tx):
    if tx == 3:
        T.thread_return()
    T.sync_threads()
    X[tx] = 1


@T.macro
def in_parallel(X, tx):
    for i in T.Parallel(64):
        X[i] = tx


@T.macro
def private_in_parallel(X, tx):
    mine = T.alloc_local((1,), "int32")
    mine[0] = X[tx]
    for i in T.Parallel(64):
        X[i] = mine[0]


@T.macro
def shuffle_in_parallel(X, tx):
    for i in T.Parallel(64):
        X[i] = T.shfl_xor(X[i], 1)


@T.macro
def bad_width(X, tx):
    X[tx] = T.shfl_xor(X[tx], 1, 12)


@T.macro
def no_axis(X, tx):
    X[tx] = T.get_thread_binding(3)


@T.macro
def wrong_extent(X, tx):
    X[tx] = T.thread_binding(32, "threadIdx.x")


@T.macro
def no_such_thread(X, tx):
    X[tx] = T.thread_binding(64, "laneIdx")


@T.macro
def beyond_the_tile(X, tx):
    s = T.alloc_shared((32,), "int32")
    s[tx] = X[tx]


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (in_one_arm, "E0220", "32 of 64"),
        (wrong_count, "E0220", "16 threads"),
        (uneven_loop, "E0220", "0 to 63 iterations"),
        (in_parallel, "E0219", "depends on the thread"),
        (private_in_parallel, "E0219", "depends on the thread"),
        (shuffle_in_parallel, "E0210", "T.shfl_xor"),
        (bad_width, "E0209", "12"),
        (no_axis, "E0211", "0 to 2"),
        (wrong_extent, "E0211", "64"),
        (no_such_thread, "E0211", "threadIdx.x"),
        (beyond_the_tile, "E0502", "0 to 63"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_refused_at_the_line(body, code, text) -> None:
    kernel = kernel_of(body)
    with pytest.raises(KernelError) as caught:
        _ = kernel.function
    assert caught.value.code == code
    assert text in str(caught.value)
    assert caught.value.span is not None and caught.value.span.line > 0


def test_threads_that_returned_do_not_count() -> None:
    assert kernel_of(after_a_return).function is not None


@pytest.mark.parametrize(
    "use",
    [T.get_thread_binding, T.thread_return, T.get_lane_idx, lambda: T.ballot(1)],
)
def test_outside_a_kernel(use) -> None:
    @T.prim_func
    def kernel(X: T.Tensor((4,), "int32")):
        use()
        with T.Kernel(1):
            X[0] = 1

    with pytest.raises(KernelError, match="E0210"):
        _ = kernel.function


@T.macro
def another_attribute(X, tx):
    with T.attr(T.comm_reducer(lambda x, y: x + y, [0]), "storage_scope", 0):
        X[tx] = 1


@T.macro
def another_reducer(X, tx):
    with T.attr(T.comm_reducer(lambda x, y: x - y, [0]), "reduce_scope", 0):
        T.evaluate(T.tvm_thread_allreduce(1, X[tx], True, X[tx], tx))


@T.macro
def along_no_axis(X, tx):
    with T.attr(T.comm_reducer(lambda x, y: x + y, [0]), "reduce_scope", 0):
        T.evaluate(T.tvm_thread_allreduce(1, X[tx], True, X[tx], tx + 1))


@pytest.mark.parametrize("body", [another_attribute, another_reducer, along_no_axis])
def test_other_forms_of_tvm(body) -> None:
    with pytest.raises(UnsupportedByTarget, match="E2001"):
        _ = kernel_of(body).function


def test_the_thread_index_comes_before_atomic_updates() -> None:
    @T.prim_func
    def kernel(X: T.Tensor((64,), "int32")):
        with T.Kernel(1, threads=64):
            s = T.alloc_shared((1,), "int32")
            T.clear(s)
            T.atomic_add(s[0], 1)
            X[T.get_thread_binding()] = s[0]

    with pytest.raises(KernelError, match="E0210"):
        _ = kernel.function


# ------------------------------------------------------------------- sanitizer


def missing_barrier(X):
    X: T.Tensor((64,), "int32")
    Y = T.empty((64,), "int32")
    with T.Kernel(1, threads=64):
        tx = T.get_thread_binding()
        s = T.alloc_shared((64,), "int32")
        if tx < 64:
            s[tx] = X[tx]
            Y[tx] = s[63 - tx]
    return Y


def same_element(X):
    X: T.Tensor((64,), "int32")
    Y = T.empty((64,), "int32")
    with T.Kernel(1, threads=64):
        tx = T.get_thread_binding()
        Y[tx // 2] = X[tx]
        Y[tx // 2 + 32] = 0
    return Y


def absent_lane(X):
    X: T.Tensor((64,), "int32")
    Y = T.empty((64,), "int32")
    with T.Kernel(1, threads=64):
        tx = T.get_thread_binding()
        Y[tx] = 0
        if tx % 2 == 0:
            Y[tx] = T.shfl_xor(X[tx], 1)
    return Y


@pytest.mark.parametrize(
    ("program", "kind"),
    [
        (missing_barrier, "race"),
        (same_element, "race"),
        (absent_lane, "before anything is written"),
    ],
)
def test_the_sanitizer_sees(program, kind) -> None:
    x = np.arange(64, dtype=np.int32)
    report = tiledsl.jit(program, backend="numpy").check(x)
    assert not report.ok
    assert kind in str(report)
