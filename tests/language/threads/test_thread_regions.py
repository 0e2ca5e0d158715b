"""Thread code on every backend: regions, barriers, private state (rules L77 to L81)."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl.language as T


def reversed_rows(X, threads=64):
    m = T.const("m")
    X: T.Tensor((m, threads), "int32")
    Y = T.empty((m, threads), "int32")
    with T.Kernel(m, threads=threads) as row:
        tx = T.get_thread_binding()
        s = T.alloc_shared((threads,), "int32")
        s[tx] = X[row, tx]
        T.sync_threads()
        Y[row, tx] = s[threads - 1 - tx]
    return Y


@pytest.mark.parametrize("threads", [1, 24, 64, 132])
def test_exchange_through_a_tile(run, numbers, threads):
    x = numbers(3, threads)
    np.testing.assert_array_equal(run(reversed_rows, x, threads=threads), x[:, ::-1])


def prefix_sums(X, threads=64):
    """State of each thread lives across the barriers of a uniform loop (C17)."""
    X: T.Tensor((threads,), "int32")
    Y = T.empty((threads,), "int32")
    with T.Kernel(1, threads=threads):
        tx = T.get_thread_binding()
        s = T.alloc_shared((threads,), "int32")
        total = T.alloc_local((1,), "int32")
        total[0] = X[tx]
        for i in T.serial(7):
            s[tx] = total[0]
            T.sync_threads()
            if tx >= 1 << i:
                total[0] = total[0] + s[tx - (1 << i)]
            T.sync_threads()
        Y[tx] = total[0]
    return Y


@pytest.mark.parametrize("threads", [5, 64])
def test_private_state_across_barriers(run, numbers, threads):
    x = numbers(threads)
    found = run(prefix_sums, x, threads=threads)
    np.testing.assert_array_equal(found, np.cumsum(x, dtype=np.int32))


def strided_histogram(IDS, threads=48):
    n = T.const("n")
    IDS: T.Tensor((n,), "int32")
    H = T.empty((10,), "int32")
    with T.Kernel(1, threads=threads):
        t = T.get_thread_binding()
        h = T.alloc_shared((10,), "int32")
        T.clear(h)
        for i in T.serial(t, n, threads):
            T.atomic_add(h[IDS[i]], 1)
        T.sync_threads()
        if t < 10:
            H[t] = h[t]
    return H


def test_bounds_that_depend_on_the_thread(run):
    ids = np.random.default_rng(0).integers(0, 10, 131).astype(np.int32)
    found = run(strided_histogram, ids)
    np.testing.assert_array_equal(found, np.bincount(ids, minlength=10))


def early_return(X, n=13, threads=32):
    X: T.Tensor((threads,), "int32")
    Y = T.empty((threads,), "int32")
    with T.Kernel(1, threads=threads):
        tx = T.get_thread_binding()
        s = T.alloc_shared((threads,), "int32")
        T.clear(s)
        Y[tx] = -1
        if tx >= n:
            T.thread_return()
        s[tx] = X[tx]
        T.sync_threads()
        Y[tx] = s[n - 1 - tx]
    return Y


@pytest.mark.parametrize("n", [0, 1, 13, 32])
def test_return_before_a_barrier(run, numbers, n):
    x = numbers(32)
    expected = np.full(32, -1)
    expected[:n] = x[:n][::-1]
    np.testing.assert_array_equal(run(early_return, x, n=n), expected)


def return_from_loops(X, threads=16):
    X: T.Tensor((threads,), "int32")
    Y = T.empty((threads,), "int32")
    with T.Kernel(1, threads=threads):
        tx = T.get_thread_binding()
        s = T.alloc_shared((threads,), "int32")
        Y[tx] = 0
        for i in T.serial(8):
            s[tx] = X[tx] + i
            T.sync_threads()
            for j in T.serial(3):
                if i * 3 + j == tx:
                    Y[tx] = s[(tx + 1) % threads]
                    T.thread_return()
            T.sync_threads()
        Y[tx] = -1
    return Y


def test_return_from_nested_loops(run, numbers):
    x = numbers(16)

    # the neighbor has returned, and left what it wrote last
    def step(t):
        return t // 3

    expected = [x[(t + 1) % 16] + min(step(t), step((t + 1) % 16)) for t in range(16)]
    np.testing.assert_array_equal(run(return_from_loops, x), expected)


def divergent_exits(X, threads=16):
    """break and continue of single threads in a loop with barriers."""
    X: T.Tensor((threads,), "int32")
    Y = T.empty((threads,), "int32")
    with T.Kernel(1, threads=threads):
        tx = T.get_thread_binding()
        s = T.alloc_shared((threads,), "int32")
        total = T.alloc_var("int32", init=0)
        s[tx] = 0
        for i in T.serial(6):
            if tx % 4 == 1 and i == 2:
                continue
            if tx % 4 == 3 and i == 4:
                break
            s[tx] = X[tx] * (i + 1)
            T.sync_warp()
            total = total + s[(tx + 1) % threads]
        Y[tx] = total
    return Y


def test_break_and_continue_of_single_threads(run, numbers):
    x = numbers(16)
    s, total = np.zeros(16, int), np.zeros(16, int)
    running = np.ones(16, bool)
    t = np.arange(16)
    for i in range(6):
        running &= ~((t % 4 == 3) & (i == 4))
        active = running & ~((t % 4 == 1) & (i == 2))
        s = np.where(active, x * (i + 1), s)
        total = np.where(active, total + np.roll(s, -1), total)
    np.testing.assert_array_equal(run(divergent_exits, x), total)


def uniform_break(X, threads=32):
    X: T.Tensor((threads,), "int32")
    Y = T.empty((threads,), "int32")
    with T.Kernel(1, threads=threads):
        tx = T.get_thread_binding()
        s = T.alloc_shared((threads,), "int32")
        left = T.alloc_var("int32", init=3)
        s[tx] = X[tx]
        for _step in T.serial(100):
            if left <= 0:
                break
            T.sync_threads()
            mine = s[(tx + 1) % threads]
            T.sync_threads()
            s[tx] = mine
            left = left - 1
        Y[tx] = s[tx]
    return Y


def test_all_threads_leave_a_loop(run, numbers):
    x = numbers(32)
    np.testing.assert_array_equal(run(uniform_break, x), np.roll(x, -3))


def divergent_while(X, threads=24):
    """A loop that threads leave one after the other, with an exchange in it (C16)."""
    X: T.Tensor((threads,), "int32")
    Y = T.empty((threads,), "int32")
    with T.Kernel(1, threads=threads):
        tx = T.get_thread_binding()
        k = T.alloc_var("int32", init=0)
        Y[tx] = 0
        while k < tx % 5:
            Y[tx] = Y[tx] + T.warp_reduce_sum(X[tx])
            k = k + 1
    return Y


def test_while_with_a_collective(run, numbers):
    x = numbers(24)
    t = np.arange(24)
    expected = np.zeros(24, int)
    for k in range(5):
        active = k < t % 5
        expected[active] += x[active].sum()
    np.testing.assert_array_equal(run(divergent_while, x), expected)


def divergent_for(X, threads=24):
    X: T.Tensor((threads,), "int32")
    Y = T.empty((threads,), "int32")
    with T.Kernel(1, threads=threads):
        tx = T.get_thread_binding()
        Y[tx] = 0
        for i in T.serial(tx, 30, 7):
            Y[tx] = Y[tx] + T.warp_reduce_sum(X[tx] + i)
    return Y


def test_for_with_a_collective(run, numbers):
    x = numbers(24)
    expected = np.zeros(24, int)
    at = [list(range(t, 30, 7)) for t in range(24)]
    for k in range(5):
        active = [t for t in range(24) if k < len(at[t])]
        total = sum(x[t] + at[t][k] for t in active)
        expected[active] += total
    np.testing.assert_array_equal(run(divergent_for, x), expected)


def tiles_and_threads(X, threads=40):
    """Tile operations under a condition on the thread (C17)."""
    X: T.Tensor((8, threads), "float32")
    Y = T.empty((threads,), "float32")
    Z = T.empty((8,), "float32")
    with T.Kernel(1, threads=threads):
        t = T.get_thread_binding()
        tile = T.alloc_shared((8, threads), "float32")
        sums = T.alloc_fragment((8,), "float32")
        T.copy(X, tile)
        if t < 32:
            T.reduce_sum(tile, sums, dim=1)
        else:
            T.fill(tile, 3)
        for i in T.Parallel(8):
            Z[i] = sums[i]
        column = T.alloc_local((8,), "float32")
        T.copy(tile[:, t], column)
        Y[t] = column[0] + column[7]
    return Y, Z


def test_tile_operations(run):
    x = np.arange(320, dtype=np.float32).reshape(8, 40)
    y, z = run(tiles_and_threads, x)
    np.testing.assert_array_equal(y, np.full(40, 6))
    np.testing.assert_array_equal(z, x.sum(1))


def private_tiles(X, threads=20):
    """Tile operations on memory of one thread run once per thread (L79)."""
    X: T.Tensor((threads, 6), "float32")
    Y = T.empty((threads, 6), "float32")
    S = T.empty((threads,), "float32")
    with T.Kernel(1, threads=threads):
        t = T.get_thread_binding()
        row, total = T.alloc_local((6,), "float32"), T.alloc_local((1,), "float32")
        T.copy(X[t, 0:6], row)
        T.reduce_max(row, total, dim=0)
        if t % 2 == 0:
            T.fill(row, total[0])
        T.copy(row, Y[t, 0:6])
        S[t] = total[0]
    return Y, S


def test_private_tiles(run):
    x = np.random.default_rng(1).normal(size=(20, 6)).astype(np.float32)
    y, s = run(private_tiles, x)
    expected = x.copy()
    expected[::2] = x[::2].max(1)[:, None]
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(s, x.max(1))


def grid_of_threads(X):
    """Two thread axes; a reduction along the second (C17)."""
    m, k = T.const("m, k")
    X: T.Tensor((m, k), "int32")
    Y = T.empty((m,), "int32")
    with T.Kernel(T.ceildiv(m, 4), threads=(4, 6)) as b:
        x, y = T.get_thread_binding(0), T.get_thread_binding(1)
        part = T.alloc_local((1,), "int32")
        total = T.alloc_shared((4,), "int32")
        if y == 0:
            total[x] = 0
        T.clear(part)
        for i in T.serial(T.ceildiv(k, 6)):
            part[0] += X[b * 4 + x, i * 6 + y]
        T.atomic_add(total[x], part[0])
        Y[b * 4 + x] = total[x]
    return Y


def test_two_thread_axes(run, numbers):
    x = numbers(10, 21)
    np.testing.assert_array_equal(run(grid_of_threads, x), x.sum(1))


def named_barrier(X):
    X: T.Tensor((64,), "int32")
    Y = T.empty((64,), "int32")
    with T.Kernel(1, threads=64):
        tx = T.get_thread_binding()
        s = T.alloc_shared((64,), "int32")
        s[tx] = X[tx]
        T.sync_threads()
        if tx < 16:
            for i in T.serial(4):
                mine = s[tx] + s[(tx + (1 << i)) % 16]
                T.sync_threads(1, 16)
                s[tx] = mine
                T.sync_threads(1, 16)
        T.sync_threads()
        Y[tx] = s[tx]
    return Y


def test_barriers_of_some_threads(run, numbers):
    x = numbers(64)
    expected = x.copy()
    expected[:16] = x[:16].sum()
    np.testing.assert_array_equal(run(named_barrier, x), expected)


def tickets(X):
    """Atomic updates that give the old value, of some threads, across a barrier."""
    X: T.Tensor((64,), "int32")
    Y = T.empty((64,), "int32")
    N = T.empty((1,), "int32")
    with T.Kernel(1, threads=64):
        tx = T.get_thread_binding()
        count = T.alloc_shared((1,), "int32")
        s = T.alloc_shared((64,), "int32")
        T.clear(count)
        s[tx] = -1
        if X[tx] > 0:
            place = T.atomic_add(count[0], 1, return_prev=True)
            T.sync_warp()
            s[place] = X[tx]
        T.sync_threads()
        Y[tx] = s[tx]
        if tx == 0:
            N[0] = count[0]
    return Y, N


def test_old_values_of_atomic_updates(run, numbers):
    x = numbers(64)
    y, n = run(tickets, x)
    chosen = x[x > 0]
    assert n[0] == len(chosen)
    np.testing.assert_array_equal(np.sort(y[: len(chosen)]), np.sort(chosen))
    np.testing.assert_array_equal(y[len(chosen) :], -1)


def uniform_scalars(X):
    """What all threads would do alike is done once (L80)."""
    X: T.Tensor((32,), "int32")
    Y = T.empty((32,), "int32")
    with T.Kernel(1, threads=32):
        tx = T.get_thread_binding()
        total = T.alloc_fragment((1,), "int32")
        total[0] = 0
        for i in T.serial(32):
            total[0] += X[i]
        if tx < 16:
            total[0] *= 2
            for i in T.Parallel(16):
                Y[i] = total[0]
        else:
            Y[tx] = X[tx]
    return Y


def test_uniform_scalars(run, numbers):
    x = numbers(32)
    expected = np.where(np.arange(32) < 16, x.sum() * 2, x)
    np.testing.assert_array_equal(run(uniform_scalars, x), expected)


def loop_binding(X):
    X: T.Tensor((4, 32), "int32")
    Y = T.empty((4, 32), "int32")
    with T.Kernel(4, threads=32) as b:
        for tx in T.thread_binding(32, "threadIdx.x"):
            Y[b, tx] = X[b, 31 - tx] + T.thread_binding(0, 32, thread="threadIdx.x")
    return Y


def test_thread_binding_as_a_loop(run, numbers):
    x = numbers(4, 32)
    expected = x[:, ::-1] + np.arange(32)
    np.testing.assert_array_equal(run(loop_binding, x), expected)
