"""Shuffles, votes and reductions of warps on every backend (rules L82 and L83)."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl.language as T


def shuffles(X, threads=96, width=32):
    X: T.Tensor((threads,), "int32")
    Y = T.empty((5, threads), "int32")
    with T.Kernel(1, threads=threads):
        tx = T.get_thread_binding()
        v = X[tx]
        Y[0, tx] = T.shfl_sync(v, 3, width)
        Y[1, tx] = T.shfl_xor(v, 1, width)
        Y[2, tx] = T.shfl_up(v, 2, width)
        Y[3, tx] = T.shfl_down(v, 2, width)
        Y[4, tx] = T.tvm_warp_shuffle(0xFFFFFFFF, v, (tx * 5) % width, width, width)
    return Y


@pytest.mark.parametrize(("threads", "width"), [(96, 32), (64, 8), (32, 4)])
def test_shuffles(run, numbers, threads, width):
    x = numbers(threads)
    t = np.arange(threads)
    group, lane = t - t % width, t % width
    sources = [
        group + 3,
        t ^ 1,
        np.where(lane >= 2, t - 2, t),
        np.where(lane + 2 < width, t + 2, t),
        group + (t * 5) % width,
    ]
    found = run(shuffles, x, threads=threads, width=width)
    np.testing.assert_array_equal(found, x[np.array(sources)])


def butterfly(X):
    n = T.const("n")
    X: T.Tensor((n,), "float32")
    Y = T.empty((n,), "float32")
    with T.Kernel(1, threads=n):
        tx = T.get_thread_binding()
        s = T.alloc_var("float32", init=X[tx])
        for k in T.serial(5):
            s += T.shfl_xor(s, 16 >> k)
        Y[tx] = s
    return Y


def test_a_sum_by_shuffles(run):
    x = np.arange(64, dtype=np.float32)
    expected = np.repeat(x.reshape(2, 32).sum(1), 32)
    np.testing.assert_array_equal(run(butterfly, x), expected)


def reductions(X, threads=80):
    """Not a multiple of 32 threads, and only some of them take part (C17)."""
    X: T.Tensor((threads,), "int32")
    Y = T.empty((8, threads), "int32")
    with T.Kernel(1, threads=threads):
        tx = T.get_thread_binding()
        for i in T.serial(8):
            Y[i, tx] = 0
        if tx % 3 != 0:
            v = X[tx]
            Y[0, tx] = T.warp_reduce_sum(v)
            Y[1, tx] = T.warp_reduce_max(v)
            Y[2, tx] = T.warp_reduce_min(v)
            Y[3, tx] = T.warp_reduce_bitand(v)
            Y[4, tx] = T.warp_reduce_bitor(v)
            Y[5, tx] = T.any_sync(v > 900)
            Y[6, tx] = T.all_sync(v > -900)
            Y[7, tx] = T.int32(T.ballot(v > 0) & T.uint64(0x7FFFFFFF))
    return Y


def reference(x, active):
    expected = np.zeros((8, len(x)), np.int64)
    for start in range(0, len(x), 32):
        lanes = [t for t in range(start, min(start + 32, len(x))) if active[t]]
        v = x[lanes].astype(np.int64)
        bits = sum(1 << (t - start) for t in lanes if x[t] > 0)
        row = [
            v.sum(), v.max(), v.min(), np.bitwise_and.reduce(v),
            np.bitwise_or.reduce(v), (v > 900).any(), (v > -900).all(),
            bits & 0x7FFFFFFF,
        ]  # fmt: skip
        expected[:, lanes] = np.array(row, np.int64)[:, None]
    return expected


def test_reductions_of_the_threads_that_take_part(run, numbers):
    x = numbers(80)
    expected = reference(x, np.arange(80) % 3 != 0)
    np.testing.assert_array_equal(run(reductions, x), expected)


def warp_per_row(X):
    """A loop that whole warps leave at different times."""
    m = T.const("m")
    X: T.Tensor((m, 64), "float32")
    Y = T.empty((m,), "float32")
    with T.Kernel(1, threads=96):
        lane, warp = T.get_lane_idx(), T.get_warp_idx()
        for row in T.serial(warp, m, 3):
            total = T.warp_reduce_sum(X[row, lane] + X[row, lane + 32])
            if lane == 0:
                Y[row] = total
    return Y


def test_a_warp_for_each_row(run):
    x = np.arange(7 * 64, dtype=np.float32).reshape(7, 64)
    np.testing.assert_array_equal(run(warp_per_row, x), x.sum(1))


def under_a_condition_of_the_warp(X):
    X: T.Tensor((96,), "int32")
    Y = T.empty((96,), "int32")
    with T.Kernel(1, threads=96):
        tx = T.get_thread_binding()
        Y[tx] = 0
        if T.get_warp_idx() == 1:
            Y[tx] = T.shfl_down(X[tx], 1)
        else:
            Y[tx] = T.shfl_up(X[tx], 1)
    return Y


def test_shuffle_under_a_condition_of_the_warp(run, numbers):
    x = numbers(96)
    t = np.arange(96)
    up, down = np.where(t % 32 > 0, t - 1, t), np.where(t % 32 < 31, t + 1, t)
    expected = x[np.where(t // 32 == 1, down, up)]
    np.testing.assert_array_equal(run(under_a_condition_of_the_warp, x), expected)


def votes_of_the_block(X):
    X: T.Tensor((50,), "int32")
    Y = T.empty((3, 50), "int32")
    with T.Kernel(1, threads=50):
        tx = T.get_thread_binding()
        Y[0, tx] = T.syncthreads_count(X[tx] > 0)
        Y[1, tx] = T.syncthreads_and(X[tx] > -1001)
        Y[2, tx] = T.syncthreads_or(X[tx] > 1000)
    return Y


def test_votes_of_the_block(run, numbers):
    x = numbers(50)
    found = run(votes_of_the_block, x)
    np.testing.assert_array_equal(found[0], np.full(50, (x > 0).sum()))
    np.testing.assert_array_equal(found[1:], [[1] * 50, [0] * 50])


def split_k(A, B):
    """The form in which TVM reduces along a thread axis."""
    n, k = T.const("n, k")
    A: T.Tensor((k,), "float32")
    B: T.Tensor((n, k), "float32")
    C = T.empty((n,), "float32")
    with T.Kernel(T.ceildiv(n, 4), threads=(4, 8)) as bn:
        tn, tk = T.get_thread_binding(0), T.get_thread_binding(1)
        part = T.alloc_local((1,), "float32")
        total = T.alloc_local((1,), "float32")
        T.clear(part)
        for i in T.serial(T.ceildiv(k, 8)):
            part[0] += A[i * 8 + tk] * B[bn * 4 + tn, i * 8 + tk]
        with T.attr(
            T.comm_reducer(lambda x, y: x + y, [T.cast(0, "float32")]),
            "reduce_scope",
            T.reinterpret(T.uint64(0), dtype="handle"),
        ):
            T.evaluate(
                T.tvm_thread_allreduce(
                    T.uint32(1), part[0], True, total[0], tk, dtype="handle"
                )
            )
        C[bn * 4 + tn] = total[0]
    return C


def test_reduction_along_a_thread_axis(run, numbers):
    a, b = numbers(37, dtype="float32"), numbers(10, 37, dtype="float32")
    np.testing.assert_array_equal(run(split_k, a, b), b @ a)
