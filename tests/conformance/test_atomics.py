"""Atomic updates mean the same on every backend, with many blocks at once."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.testing import runnable_backends
from tiledsl.testing.scalar_evaluator import evaluate

BACKENDS = runnable_backends()
NARROW = ("bool", "int8", "uint8")
WIDE = ("int16", "uint16", "int32", "uint32", "int64", "uint64")
FLOATS = ("float16", "bfloat16", "float32", "float64")
UPDATES = [
    (op, dtype)
    for op in ("add", "max", "min", "or")
    for dtype in (*NARROW, *WIDE, *FLOATS)
    if (op == "or" or dtype != "bool") and not (op == "or" and dtype in FLOATS)
]
BLOCKS, LANES, BINS = 37, 9, 5

every_backend = pytest.mark.parametrize("backend", BACKENDS)


def numbers(dtype: str, count: int, seed: int = 0) -> np.ndarray:
    """Small integers, whose sums every dtype has exactly."""
    low = 0 if dtype.startswith("u") or dtype == "bool" else -2
    data = np.random.default_rng(seed).integers(low, 3 if dtype != "bool" else 2, count)
    return data.astype(getattr(ml_dtypes, dtype, dtype))


def scattered(operation, dtype: str):
    """Every lane of every block updates one of the bins, or none."""

    @T.prim_func
    def kernel(
        IDS: T.Tensor((BLOCKS, LANES), "int32"),
        V: T.Tensor((BLOCKS, LANES), dtype),
        H: T.Tensor((BINS,), dtype),
    ):
        with T.Kernel(BLOCKS) as block:
            for i in T.Parallel(LANES):
                if i < LANES - 1:
                    operation(H[IDS[block, i]], V[block, i])

    return kernel


def expected(op: str, ids: np.ndarray, values: np.ndarray, bins: np.ndarray) -> None:
    for at, value in zip(ids[:, :-1].flat, values[:, :-1].flat, strict=True):
        if 0 <= at < BINS:
            old = bins[at]
            new = {"add": old + value, "or": old | value if op == "or" else 0}.get(op)
            if op in ("max", "min"):
                new = max(old, value) if op == "max" else min(old, value)
            bins[at] = new


@every_backend
@pytest.mark.parametrize(("op", "dtype"), UPDATES)
def test_updates_of_elements(backend: str, op: str, dtype: str) -> None:
    kernel = scattered(getattr(T, f"atomic_{op}"), dtype)
    # positions outside, whose updates are skipped
    ids = np.random.default_rng(1).integers(-1, BINS + 1, (BLOCKS, LANES), np.int32)
    values = numbers(dtype, BLOCKS * LANES).reshape(BLOCKS, LANES)
    found, wanted = numbers(dtype, BINS, 2), numbers(dtype, BINS, 2)
    if backend == "triton" and dtype in NARROW:
        with pytest.raises(UnsupportedByTarget, match="atomic updates of") as caught:
            tiledsl.compile(kernel, backend=backend)(ids, values, found)
        assert caught.value.span is not None
        return
    tiledsl.compile(kernel, backend=backend)(ids, values, found)
    expected(op, ids, values, wanted)
    np.testing.assert_array_equal(found, wanted)
    again = numbers(dtype, BINS, 2)
    evaluate(kernel.function, [ids, values, again])
    np.testing.assert_array_equal(again, wanted)


@every_backend
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_maxima_ignore_nan_and_order_zeros(backend: str, dtype: str) -> None:
    @T.prim_func
    def kernel(
        X: T.Tensor((8,), dtype),
        LOW: T.Tensor((8,), dtype),
        HIGH: T.Tensor((8,), dtype),
    ):
        with T.Kernel(1):
            for i in T.Parallel(8):
                T.atomic_min(LOW[i], X[i])
                T.atomic_max(HIGH[i], X[i])

    nan, inf = np.nan, np.inf
    x = np.array([nan, 1, -0.0, 0.0, inf, -inf, nan, -2], dtype)
    old = np.array([1, nan, 0.0, -0.0, 3, 3, nan, -3], dtype)
    low, high = old.copy(), old.copy()
    tiledsl.compile(kernel, backend=backend)(x, low, high)
    want_low = np.array([1, 1, -0.0, -0.0, 3, -inf, nan, -3], dtype)
    want_high = np.array([1, 1, 0.0, 0.0, inf, 3, nan, -2], dtype)
    for found, wanted in ((low, want_low), (high, want_high)):
        np.testing.assert_array_equal(found, wanted)
        real = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(found)[real], np.signbit(wanted)[real])


@every_backend
@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "float16"])
def test_every_ticket_is_given_once(backend: str, dtype: str) -> None:
    @T.prim_func
    def kernel(SLOT: T.Tensor((1,), dtype), TICKETS: T.Tensor((BLOCKS, LANES), dtype)):
        with T.Kernel(BLOCKS) as block:
            for i in T.Parallel(LANES):
                TICKETS[block, i] = T.atomic_add(SLOT[0], 1, return_prev=True)

    slot, tickets = np.zeros(1, dtype), np.zeros((BLOCKS, LANES), dtype)
    tiledsl.compile(kernel, backend=backend)(slot, tickets)
    assert slot[0] == BLOCKS * LANES
    np.testing.assert_array_equal(np.sort(tickets.ravel()), np.arange(BLOCKS * LANES))


@every_backend
@pytest.mark.parametrize("dtype", ["int16", "int32", "bfloat16", "float32", "float64"])
def test_elements_are_stored_and_loaded(backend: str, dtype: str) -> None:
    @T.prim_func
    def kernel(SLOT: T.Tensor((2,), dtype), SEEN: T.Tensor((6, 4), dtype)):
        with T.Kernel(6) as block:
            for i in T.Parallel(4):
                SEEN[block, i] = T.atomic_load(SLOT[1], memory_order="acquire")
                T.atomic_store(SLOT[0], block * 4 + i, memory_order="release")

    slot = np.array([-1, 5]).astype(getattr(ml_dtypes, dtype, dtype))
    seen = np.zeros((6, 4), slot.dtype)
    tiledsl.compile(kernel, backend=backend)(slot, seen)
    assert (seen == 5).all() and slot[1] == 5
    assert float(slot[0]) in range(24)


@every_backend
def test_previous_values_outside(backend: str) -> None:
    @T.prim_func
    def kernel(
        X: T.Tensor((4,), "int32"),
        SEEN: T.Tensor((8,), "int32"),
        SAFE: T.Tensor((8,), "int32"),
    ):
        with T.Kernel(1):
            for i in T.Parallel(8):
                SEEN[i] = T.atomic_add(X[i], 10, return_prev=True)
        with T.Kernel(1):
            T.annotate_safe_value({X: -1})
            for i in T.Parallel(8):
                SAFE[i] = T.atomic_add(X[i], 10, return_prev=True)

    x, seen, safe = np.arange(4, dtype=np.int32), *np.zeros((2, 8), np.int32)
    tiledsl.compile(kernel, backend=backend)(x, seen, safe)
    np.testing.assert_array_equal(x, np.arange(4) + 20)
    np.testing.assert_array_equal(seen, [0, 1, 2, 3, 0, 0, 0, 0])
    np.testing.assert_array_equal(safe, [10, 11, 12, 13, -1, -1, -1, -1])


@every_backend
def test_tiles(backend: str) -> None:
    """Split-k: blocks add their tiles; the last row and column overhang."""

    @T.prim_func
    def kernel(X: T.Tensor((3, 7, 9), "float16"), Y: T.Tensor((7, 9), "float32")):
        with T.Kernel(3, 2, 2) as (k, by, bx):
            tile = T.alloc_shared((4, 8), "float32")
            T.copy(X[k, by * 4 : by * 4 + 4, bx * 8 : bx * 8 + 8], tile)
            T.atomic_add(Y[by * 4, bx * 8], tile)
            T.atomic_add(Y[by * 4 : by * 4 + 4, bx * 8 : bx * 8 + 8], 1)

    x = numbers("float16", 3 * 7 * 9).reshape(3, 7, 9)
    y = np.zeros((7, 9), np.float32)
    tiledsl.compile(kernel, backend=backend)(x, y)
    np.testing.assert_array_equal(y, x.astype(np.float32).sum(0) + 3)


@every_backend
def test_slices_keep_to_their_ends(backend: str) -> None:
    @T.prim_func
    def kernel(Y: T.Tensor((6, 6), "int32"), Z: T.Tensor((6,), "int32"), n: T.int32):
        with T.Kernel(2):
            tile = T.alloc_shared((4, 4), "int32")
            T.fill(tile, 2)
            row = T.alloc_fragment((4,), "int32")
            T.fill(row, -5)
            T.atomic_add(Y[1 : 1 + n, 2:6], tile)
            T.atomic_min(Z[1:5], row)
            T.atomic_max(Z[n], tile[0, 0])

    y, z = np.zeros((6, 6), np.int32), np.zeros(6, np.int32)
    tiledsl.compile(kernel, backend=backend)(y, z, 3)
    want = np.zeros((6, 6), np.int32)
    want[1:4, 2:6] = 4
    np.testing.assert_array_equal(y, want)
    np.testing.assert_array_equal(z, [0, -5, -5, 2, -5, 0])


@every_backend
def test_pairs_and_fours(backend: str) -> None:
    @T.prim_func
    def kernel(X: T.Tensor((4, 8), "float32"), Y: T.Tensor((4, 8), "float32")):
        with T.Kernel(3):
            for i, j in T.Parallel(4, 4):
                T.atomic_addx2(Y[i, j * 2], X[i, j * 2])
            for i, j in T.Parallel(4, 2):
                T.atomic_addx4(Y[i, j * 4], X[i, j * 4])
            T.atomic_addx2(Y[0, 0:2], X[0, 0:2])

    x = numbers("float32", 32).reshape(4, 8)
    y = np.zeros((4, 8), np.float32)
    tiledsl.compile(kernel, backend=backend)(x, y)
    want = 6 * x
    want[0, :2] += 3 * x[0, :2]
    np.testing.assert_array_equal(y, want)


@every_backend
def test_block_local_elements(backend: str) -> None:
    """Tickets within a block, through a tile that iterations share."""

    @T.prim_func
    def kernel(IDS: T.Tensor((64,), "int32"), PLACE: T.Tensor((64,), "int32")):
        with T.Kernel(1):
            count = T.alloc_shared((4,), "int32")
            start = T.alloc_shared((4,), "int32")
            T.clear(count)
            for i in T.Parallel(64):
                T.atomic_add(count[IDS[i]], 1)
            T.cumsum(count, start)
            for k in T.Parallel(4):
                start[k] -= count[k]
            for i in T.Parallel(64):
                PLACE[i] = T.atomic_add(start[IDS[i]], 1, return_prev=True)

    ids = np.random.default_rng(3).integers(0, 4, 64, np.int32)
    place = np.zeros(64, np.int32)
    tiledsl.compile(kernel, backend=backend)(ids, place)
    np.testing.assert_array_equal(np.sort(place), np.arange(64))
    assert (np.diff(ids[np.argsort(place)]) >= 0).all()


@every_backend
def test_updates_between_other_statements(backend: str) -> None:
    """Values read before an update keep; those read after it see it."""

    @T.prim_func
    def kernel(X: T.Tensor((2,), "int32"), Y: T.Tensor((4,), "int32")):
        with T.Kernel(1):
            before = X[0]
            T.atomic_add(X[0], 5)
            Y[0] = before
            Y[1] = X[0]
            if T.atomic_max(X[1], 3, return_prev=True) == 2:
                Y[2] = T.atomic_load(X[1])
            k = T.alloc_var("int32")
            while T.atomic_add(X[0], -1, return_prev=True) > 3:
                k += 1
            Y[3] = k

    x, y = np.array([1, 2], np.int32), np.zeros(4, np.int32)
    tiledsl.compile(kernel, backend=backend)(x, y)
    np.testing.assert_array_equal(y, [1, 6, 3, 3])
    np.testing.assert_array_equal(x, [2, 3])


@every_backend
def test_a_fixed_order_of_sums(backend: str) -> None:
    rng = np.random.default_rng(4)
    x = (rng.standard_normal(20000) * 10.0 ** rng.integers(-6, 6, 20000)).astype("f4")

    @T.prim_func
    def kernel(X: T.Tensor((20000,), "float32"), Y: T.Tensor((1,), "float32")):
        with T.Kernel(200) as block:
            for i in T.Parallel(100):
                T.atomic_add(Y[0], X[block * 100 + i])

    compiled = tiledsl.compile(kernel, backend=backend, deterministic=True)
    results = set()
    for _ in range(3):
        y = np.zeros(1, np.float32)
        compiled(x, y)
        results.add(y.tobytes())
    assert len(results) == 1
    # one element gets 20000 terms: each update rounds once
    bound = 20000 * 2.0**-24 * np.abs(x.astype("f8")).sum()
    assert abs(float(y[0]) - x.astype("f8").sum()) <= bound


def test_a_gpu_cannot_fix_the_order() -> None:
    @T.prim_func
    def kernel(Y: T.Tensor((1,), "float32")):
        with T.Kernel(2):
            T.atomic_add(Y[0], 1.0)

    with pytest.raises(UnsupportedByTarget, match="fixed order"):
        tiledsl.compile(
            kernel, backend="triton", target="cuda:sm_90", deterministic=True
        ).get_kernel_source()


@every_backend
def test_updates_of_threads(backend: str) -> None:
    """Each thread takes a ticket, from the block's counter and from the launch's."""

    @T.prim_func
    def kernel(
        TOTAL: T.Tensor((1,), "int32"),
        OWN: T.Tensor((3, 32), "int32"),
        ALL: T.Tensor((3, 32), "int32"),
        SUMS: T.Tensor((3, 2), "int32"),
    ):
        with T.Kernel(3, threads=32) as block:
            tx = T.get_thread_binding()
            count = T.alloc_shared((1,), "int32")
            sums = T.alloc_shared((2,), "int32")
            if tx < 2:
                sums[tx] = 0
            if tx == 0:
                count[0] = 0
            T.sync_threads()
            OWN[block, tx] = T.atomic_add(count[0], 1, return_prev=True)
            ALL[block, tx] = T.atomic_add(TOTAL[0], 1, return_prev=True)
            T.atomic_add(sums[tx % 2], tx)
            T.sync_threads()
            if tx < 2:
                SUMS[block, tx] = sums[tx]

    total, sums = np.zeros(1, np.int32), np.zeros((3, 2), np.int32)
    own, tickets = np.zeros((2, 3, 32), np.int32)
    tiledsl.compile(kernel, backend=backend)(total, own, tickets, sums)
    np.testing.assert_array_equal(np.sort(own), [np.arange(32)] * 3)
    np.testing.assert_array_equal(np.sort(tickets.ravel()), np.arange(96))
    np.testing.assert_array_equal(sums, [[240, 256]] * 3)


@every_backend
def test_pointers_are_places(backend: str) -> None:
    @T.prim_func
    def kernel(X: T.Tensor((2, 4), "int32")):
        with T.Kernel(3):
            T.annotate_restrict_buffers(X)
            T.atomic_add(T.address_of(X[1, 2]), 1)
            T.atomic_add(T.access_ptr(X[0:2, 1:3], "rw"), 10)
            T.atomic_add(X.access_ptr("w"), 100)

    x = np.zeros((2, 4), np.int32)
    tiledsl.compile(kernel, backend=backend)(x)
    np.testing.assert_array_equal(x, [[300, 30, 0, 0], [0, 0, 3, 0]])


def test_the_sanitizer_tells_updates_from_races() -> None:
    @T.prim_func
    def updates(X: T.Tensor((4,), "int32"), Y: T.Tensor((4,), "int32")):
        with T.Kernel(3) as block:
            for i in T.Parallel(8):
                T.atomic_max(X[i % 4], block)
                T.atomic_add(Y[block], T.atomic_load(X[0]))

    x, y = np.zeros((2, 4), np.int32)
    # results depend on the order, which is no race
    assert not tiledsl.compile(updates).check(x, y).errors

    @T.prim_func
    def plain_read(X: T.Tensor((4,), "int32"), Y: T.Tensor((3,), "int32")):
        with T.Kernel(3) as block:
            T.atomic_add(X[0], 1)
            Y[block] = X[0]

    @T.prim_func
    def plain_write(X: T.Tensor((4,), "int32"), Y: T.Tensor((3,), "int32")):
        with T.Kernel(3) as block:
            if block == 1:
                X[0] = 5
            Y[block] = T.atomic_add(X[0], 1, return_prev=True)

    @T.prim_func
    def own(X: T.Tensor((4,), "int32"), Y: T.Tensor((3,), "int32")):
        with T.Kernel(3) as block:
            T.atomic_add(X[block], 1)
            Y[block] = X[block]

    @T.prim_func
    def iterations(X: T.Tensor((4,), "int32"), Y: T.Tensor((3,), "int32")):
        with T.Kernel(1):
            for i in T.Parallel(3):
                T.atomic_add(X[0], 1)
                Y[i] = X[0]

    found = {
        kernel: {error.code for error in report(kernel)}
        for kernel in (plain_read, plain_write, own, iterations)
    }
    assert "E5012" in found[plain_read]
    assert "E5012" in found[plain_write]
    assert not found[own]
    assert "E5013" in found[iterations]


def report(kernel):
    y = np.zeros(3, np.int32)
    return tiledsl.compile(kernel).check(np.zeros(4, np.int32), y).errors


def test_the_sanitizer_sees_undefined_elements_and_bounds() -> None:
    @T.prim_func
    def kernel(X: T.Tensor((4,), "int32"), n: T.int32):
        with T.Kernel(1):
            tile = T.alloc_shared((4,), "int32")
            tile[0] = 1
            for i in T.Parallel(4):
                T.atomic_add(tile[i], 1)
                T.atomic_max(tile[i], 1)
                T.atomic_add(X[i + n], tile[0])

    errors = tiledsl.compile(kernel).check(np.zeros(4, np.int32), 9).errors
    assert {error.code for error in errors} == {"E5010", "E5011", "E5013"}
