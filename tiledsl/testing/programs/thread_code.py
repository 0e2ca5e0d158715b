"""Programs of threads, barriers and warps."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Source, program


@program
def values_that_lanes_exchange(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((64,), "int32")
        Y = T.empty((5, 64), "int32")
        with T.Kernel(1, threads=64):
            tx = T.get_thread_binding()
            v = X[tx]
            Y[0, tx] = T.shfl_sync(v, 3)
            Y[1, tx] = T.shfl_xor(v, 5)
            Y[2, tx] = T.shfl_up(v, 2)
            Y[3, tx] = T.shfl_down(v, 2)
            Y[4, tx] = T.tvm_warp_shuffle(0xFFFFFFFF, v, (tx * 5) % 32, 32, 32)
        return Y

    x = source.integers((64,), high=1000)
    t = np.arange(64)
    warp, lane = t - t % 32, t % 32
    sources = [
        warp + 3,
        t ^ 5,
        np.where(lane >= 2, t - 2, t),
        np.where(lane < 30, t + 2, t),
        warp + (t * 5) % 32,
    ]
    return Case(kernel, (x,), (x[np.array(sources)],))


@program
def reductions_of_warps(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((64,), "int32")
        Y = T.empty((6, 64), "int32")
        W = T.empty((2, 64), "int32")
        B = T.empty((64,), "uint64")
        with T.Kernel(1, threads=64):
            tx = T.get_thread_binding()
            v = X[tx]
            Y[0, tx] = T.warp_reduce_sum(v)
            Y[1, tx] = T.warp_reduce_max(v)
            Y[2, tx] = T.warp_reduce_min(v)
            Y[3, tx] = T.any_sync(v > 995)
            Y[4, tx] = T.all_sync(v > -9)
            T.sync_warp()
            Y[5, tx] = v
            B[tx] = T.ballot(v > 500)
            W[0, tx] = T.get_lane_idx()
            W[1, tx] = T.get_warp_idx()
        return Y, W, B

    x = source.integers((64,), low=-9, high=1000)
    warps = x.reshape(2, 32)
    each = [
        *(warps.sum(1), warps.max(1), warps.min(1)),
        *((warps > 995).any(1), (warps > -9).all(1)),
    ]
    bits = [sum(1 << k for k in range(32) if warp[k] > 500) for warp in warps]
    t = np.arange(64)
    return Case(
        kernel,
        (x,),
        (
            np.array([*(np.repeat(row, 32) for row in each), x], np.int32),
            np.array([t % 32, t // 32], np.int32),
            np.repeat(np.array(bits, np.uint64), 32),
        ),
    )


@program
def a_tile_turned_by_threads(source: Source) -> Case:
    """A barrier between writing and reading; some threads end early."""

    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((3, 40), "int32")
        Y = T.empty((3, 40), "int32")
        with T.Kernel(3, threads=48) as row:
            tx = T.get_thread_binding()
            if tx >= 40:
                T.thread_return()
            tile = T.alloc_shared((40,), "int32")
            tile[tx] = X[row, tx]
            T.sync_threads()
            Y[row, 39 - tx] = tile[tx] + tile[(tx + 1) % 40]
        return Y

    x = source.integers((3, 40))
    return Case(kernel, (x,), (np.ascontiguousarray((x + np.roll(x, -1, 1))[:, ::-1]),))


@program
def threads_of_two_axes(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4, 24), "int32")
        Y = T.empty((4,), "int32")
        Z = T.empty((4, 8), "int32")
        with T.Kernel(1, threads=(8, 4)):
            tk, tn, _ = T.get_thread_bindings()
            part = T.alloc_local((1,), "int32")
            total = T.alloc_local((1,), "int32")
            T.clear(part)
            for i in T.serial(3):
                part[0] += X[tn, i * 8 + tk]
            Z[tn, tk] = part[0]
            with T.attr(
                T.comm_reducer(lambda x, y: x + y, [T.cast(0, "int32")]),
                "reduce_scope",
                T.reinterpret(T.uint64(0), dtype="handle"),
            ):
                T.evaluate(
                    T.tvm_thread_allreduce(
                        T.uint32(1), part[0], True, total[0], tk, dtype="handle"
                    )
                )
            Y[tn] = total[0]
        return Y, Z

    x = source.integers((4, 24))
    parts = x.reshape(4, 3, 8).sum(1)
    return Case(kernel, (x,), (x.sum(1).astype(np.int32), parts.astype(np.int32)))


@program
def a_loop_over_threads(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((32,), "int32")
        Y = T.empty((32,), "int32")
        with T.Kernel(1, threads=32):
            for tx in T.thread_binding(32, "threadIdx.x"):
                Y[tx] = X[31 - tx] * 2
        return Y

    x = source.integers((32,))
    return Case(kernel, (x,), (np.ascontiguousarray(x[::-1] * 2),))


@program
def barriers_that_count(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((64,), "int32")
        Y = T.empty((3, 64), "int32")
        Z = T.empty((4, 64), "int32")
        with T.Kernel(1, threads=64):
            tx = T.get_thread_binding()
            v = X[tx]
            Y[0, tx] = T.syncthreads_count(v > 0)
            Y[1, tx] = T.syncthreads_and(v > -9)
            Y[2, tx] = T.syncthreads_or(v > 8)
            Z[0, tx] = T.warp_reduce_bitand(v)
            Z[1, tx] = T.warp_reduce_bitor(v)
            Z[2, tx] = T.get_warp_idx_sync()
            Z[3, tx] = T.get_warp_group_idx()
        return Y, Z

    x = source.integers((64,))
    facts = [(x > 0).sum(), (x > -9).all(), (x > 8).any()]
    warps = x.reshape(2, 32)
    bits = [np.bitwise_and.reduce(warps, 1), np.bitwise_or.reduce(warps, 1)]
    rows = [*(np.repeat(row, 32) for row in bits), np.arange(64) // 32, np.zeros(64)]
    return Case(
        kernel,
        (x,),
        (
            np.repeat(np.array(facts, np.int32)[:, None], 64, 1),
            np.array(rows, np.int32),
        ),
    )


@program
def votes_of_warps(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((32,), "int32")
        Y = T.empty((2, 32), "uint64")
        Z = T.empty((32,), "int32")
        with T.Kernel(1, threads=32):
            tx = T.get_thread_binding()
            Y[0, tx] = T.ballot_sync(X[tx] > 0)
            Y[1, tx] = 0
            if tx < 7:
                Y[1, tx] = T.activemask()
            Z[tx] = T.if_then_else(T.shuffle_elect(8), 1, 0)
        return Y, Z

    x = source.integers((32,))
    bits = sum(1 << k for k in range(32) if x[k] > 0)
    active = np.where(np.arange(32) < 7, 0x7F, 0)
    rows = np.array([np.full(32, bits), active]).astype(np.uint64)
    return Case(kernel, (x,), (rows, (np.arange(32) % 8 == 0).astype(np.int32)))
