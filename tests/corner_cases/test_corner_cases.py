"""Corner cases of the language, by their numbers in its reference, on every backend.

Elsewhere: C1, C2, C28 in the tests of operators and calls, C3 to C5 in those of accuracy and
conversions, C8 in those of copies, C16 and C17 in those of threads, C21 in those of
dimensions, C22 in those of packed dtypes, C24 and C29 in the catalog of bad programs, C25 to
C27 in those of whole-tensor statements and tuning, C30 in those of the text form.
"""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.testing import runnable_backends

every_backend = pytest.mark.parametrize("backend", runnable_backends())


def run(kernel: object, backend: str, *arrays: np.ndarray) -> np.ndarray:
    """The last parameter of a kernel, computed from the others."""
    return tiledsl.compile(kernel, out_idx=-1, backend=backend)(*arrays)


@every_backend
def test_c6_snapshots_do_not_round(backend: str) -> None:
    """The product of two float16 is used twice unrounded; an annotated name rounds."""

    @T.prim_func
    def kernel(X: T.Tensor((2, 8), "float16"), Y: T.Tensor((2, 8), "float32")):
        with T.Kernel(1):
            for i in T.Parallel(8):
                exact = X[0, i] * X[1, i]
                Y[0, i] = exact + exact
                rounded: T.float16 = X[0, i] * X[1, i]
                Y[1, i] = rounded + rounded

    x = np.random.default_rng(6).random((2, 8), np.float32).astype(np.float16)
    exact = x[0].astype(np.float32) * x[1].astype(np.float32)
    rounded = exact.astype(np.float16).astype(np.float32)
    assert (exact != rounded).any()
    np.testing.assert_array_equal(run(kernel, backend, x), [2 * exact, 2 * rounded])


@every_backend
@pytest.mark.parametrize("size", [1, 3, 37])
def test_c7_products_of_any_size(backend: str, size: int) -> None:
    """Sizes that are multiples of nothing; small integers are exact in float16."""

    @T.prim_func
    def kernel(
        A: T.Tensor((size, size), "float16"),
        B: T.Tensor((size, size), "float16"),
        C: T.Tensor((size, size), "float16"),
    ):
        with T.Kernel(1):
            c = T.alloc_fragment((size, size), "float16")
            T.clear(c)
            for _ in T.serial(2):
                T.gemm(A, B, c)
            T.copy(c, C)

    a, b = (
        np.random.default_rng(seed).integers(-2, 3, (size, size)).astype(np.float16)
        for seed in (1, 2)
    )
    np.testing.assert_array_equal(run(kernel, backend, a, b), 2 * (a @ b))


@every_backend
def test_c9_copies_within_a_buffer(backend: str) -> None:
    """Disjoint slices are copied, identical ones stay."""

    @T.prim_func
    def kernel(X: T.Tensor((8,), "int32"), Y: T.Tensor((8,), "int32")):
        with T.Kernel(1):
            t = T.alloc_shared((8,), "int32")
            T.copy(X, t)
            T.copy(t[0:4], t[4:8])
            T.copy(t[2:6], t[2:6])
            T.copy(t, Y)

    x = np.arange(8, dtype=np.int32)
    np.testing.assert_array_equal(run(kernel, backend, x), [0, 1, 2, 3, 0, 1, 2, 3])


def test_c9_a_provable_overlap_is_refused() -> None:
    @T.prim_func
    def kernel(X: T.Tensor((8,), "int32")):
        with T.Kernel(1):
            t = T.alloc_shared((8,), "int32")
            T.copy(X, t)
            T.copy(t[1:5], t[4:8])

    with pytest.raises(KernelError, match="E0207"):
        tiledsl.compile(kernel)


@every_backend
def test_c10_safe_values(backend: str) -> None:
    """Outside of the buffer, in T.Parallel, copies and operands of products."""

    @T.prim_func
    def kernel(X: T.Tensor((3, 3), "float32"), Y: T.Tensor((3, 4, 4), "float32")):
        with T.Kernel(1):
            T.annotate_safe_value({X: 2.0})
            tile = T.alloc_shared((4, 4), "float32")
            one = T.alloc_shared((4, 4), "float32")
            product = T.alloc_fragment((4, 4), "float32")
            for i, j in T.Parallel(4, 4):
                Y[0, i, j] = X[i, j]
                one[i, j] = T.if_then_else(i == j, 1.0, 0.0)
            T.copy(X[0, 0], tile)
            T.copy(tile, Y[1, 0, 0])
            T.gemm(X[0:4, 0:4], one, product, clear_accum=True)
            T.copy(product, Y[2, 0, 0])

    x = np.arange(9, dtype=np.float32).reshape(3, 3)
    padded = np.pad(x, ((0, 1), (0, 1)), constant_values=2.0)
    np.testing.assert_array_equal(run(kernel, backend, x), np.stack([padded] * 3))


@every_backend
def test_c11_gathers_at_minus_one(backend: str) -> None:
    """A position from memory that is -1 is outside; a static A[-1] counts from the end."""

    @T.prim_func
    def kernel(
        A: T.Tensor((5,), "int32"),
        at: T.Tensor((4,), "int32"),
        Y: T.Tensor((3, 5), "int32"),
    ):
        with T.Kernel(1):
            T.fill(Y, 7)
            for i in T.Parallel(4):
                Y[0, i] = A[at[i]]
                Y[1, at[i]] = i
                Y[2, i] = A[-1]

    a = np.arange(10, 15, dtype=np.int32)
    at = np.array([2, -1, 0, 9], np.int32)
    expected = [[12, 0, 10, 0, 7], [2, 7, 0, 7, 7], [14, 14, 14, 14, 7]]
    np.testing.assert_array_equal(run(kernel, backend, a, at), expected)


@every_backend
def test_c12_two_reductions_of_one_element(backend: str) -> None:
    """Two statements that update r with one operation are one reduction."""

    @T.prim_func
    def kernel(X: T.Tensor((2, 40), "int32"), Y: T.Tensor((3,), "int32")):
        with T.Kernel(1):
            r = T.alloc_fragment((3,), "int32")
            T.clear(r)
            for i in T.Parallel(40):
                r[i % 3] += X[0, i]
                r[(i + 1) % 3] += X[1, i]
            T.copy(r, Y)

    x = np.random.default_rng(12).integers(-9, 9, (2, 40), np.int32)
    expected = np.zeros(3, np.int32)
    np.add.at(expected, np.arange(40) % 3, x[0])
    np.add.at(expected, (np.arange(40) + 1) % 3, x[1])
    np.testing.assert_array_equal(run(kernel, backend, x), expected)


@every_backend
@pytest.mark.parametrize("threads", [1, 96, 100])
@pytest.mark.parametrize(("rows", "columns"), [(24, 1), (5, 3), (3, 127), (2, 576)])
def test_c18_sizes_that_are_no_powers_of_two(
    backend: str, threads: int, rows: int, columns: int
) -> None:
    @T.prim_func
    def kernel(X: T.Tensor((rows, columns), "int32"), Y: T.Tensor((2, rows), "int32")):
        with T.Kernel(1, threads=threads):
            x = T.alloc_shared((rows, columns), "int32")
            y = T.alloc_fragment((rows,), "int32")
            T.copy(X, x)
            T.reduce_sum(x, y, dim=1)
            T.copy(y, Y[0, 0:rows])
            T.reduce_max(x, y, dim=1)
            T.copy(y, Y[1, 0:rows])

    x = np.random.default_rng(18).integers(-50, 50, (rows, columns), np.int32)
    np.testing.assert_array_equal(run(kernel, backend, x), [x.sum(1), x.max(1)])


@every_backend
@pytest.mark.parametrize("stages", [0, 1, 2, 4])
def test_c19_c20_pipelines_keep_program_order(backend: str, stages: int) -> None:
    """An element that is written and read again, a tile read and then overwritten."""

    @T.prim_func
    def kernel(
        X: T.Tensor((6, 8), "int32"),
        W: T.Tensor((8,), "int32"),
        Y: T.Tensor((6, 8), "int32"),
    ):
        with T.Kernel(1):
            tile = T.alloc_shared((8,), "int32")
            old = T.alloc_fragment((8,), "int32")
            T.clear(tile)
            for k in T.Pipelined(6, num_stages=stages):
                T.copy(tile, old)
                T.copy(X[k, 0:8], tile)
                for i in T.Parallel(8):
                    W[i] = W[i] + tile[i]
                for i in T.Parallel(8):
                    Y[k, i] = W[i] * 100 + old[i]

    x = np.random.default_rng(20).integers(0, 9, (6, 8), np.int32)
    before = np.concatenate([np.zeros((1, 8), np.int32), x[:-1]])
    got = run(kernel, backend, x, np.zeros(8, np.int32))
    np.testing.assert_array_equal(got, np.cumsum(x, 0) * 100 + before)


@every_backend
def test_c13_a_variable_of_each_iteration(backend: str) -> None:
    """Written by an iteration before it is read, it is that iteration's own."""

    @T.prim_func
    def kernel(X: T.Tensor((40,), "int32"), Y: T.Tensor((40,), "int32")):
        with T.Kernel(1):
            v = T.alloc_var("int32", init=7)
            for i in T.Parallel(40):
                if X[i] % 2 == 0:
                    v = X[i] * 10
                if X[i] % 2 != 0:
                    v = i
                Y[i] = v

    x = np.random.default_rng(13).integers(-9, 9, 40, np.int32)
    expected = np.where(x % 2 == 0, x * 10, np.arange(40))
    np.testing.assert_array_equal(run(kernel, backend, x), expected)


def test_c13_reading_it_unwritten_is_reported() -> None:
    @T.prim_func
    def kernel(X: T.Tensor((8,), "int32"), Y: T.Tensor((8,), "int32")):
        with T.Kernel(1):
            v = T.alloc_var("int32", init=7)
            for i in T.Parallel(8):
                if X[i] % 2 == 0:
                    v = X[i] * 10
                Y[i] = v

    report = tiledsl.compile(kernel, out_idx=-1).check(np.arange(8, dtype=np.int32))
    assert [finding.code for finding in report.errors] == ["E5011"]
    assert "i = 1" in str(report)


def test_c13_an_allocation_is_undefined_again_in_each_iteration() -> None:
    @T.prim_func
    def kernel(Y: T.Tensor((4,), "int32")):
        with T.Kernel(1):
            for k in T.serial(4):
                t = T.alloc_shared((4,), "int32")
                if k == 0:
                    T.fill(t, 5)
                Y[k] = t[k]

    report = tiledsl.compile(kernel, out_idx=-1).check()
    assert [finding.code for finding in report.errors] == ["E5011"]
    assert "k = 1" in str(report)
    assert "k = 0" not in str(report)


@every_backend
def test_c15_order_and_number_of_evaluations(backend: str) -> None:
    """Right sides in order, bounds of a loop once, a condition before every trip."""

    @T.prim_func
    def kernel(X: T.Tensor((1,), "int32"), Y: T.Tensor((5,), "int32")):
        with T.Kernel(1):
            n = T.alloc_shared((2,), "int32")
            T.clear(n)
            T.clear(Y)
            a, b = (
                T.atomic_add(n[0], 1, return_prev=True),
                T.atomic_add(n[0], X[0], return_prev=True),
            )
            Y[0] = a * 10 + b
            for _ in T.serial(T.atomic_add(n[1], 3, return_prev=True) + 2):
                Y[1] += 1
            while T.atomic_add(n[1], 1, return_prev=True) < 6:
                Y[2] += 1
            Y[3] = n[1]
            Y[4] = n[0]

    expected = [1, 2, 3, 7, 5]
    got = run(kernel, backend, np.array([4], np.int32))
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("form", ["and", "or", "ternary"])
def test_c15_operands_that_may_be_skipped_have_no_effects(form: str) -> None:
    @T.prim_func
    def kernel(X: T.Tensor((4,), "int32")):
        with T.Kernel(1):
            if form == "and":
                X[1] = X[0] > 0 and T.atomic_add(X[2], 1, return_prev=True) > 0
            elif form == "or":
                X[1] = X[0] > 0 or T.atomic_add(X[2], 1, return_prev=True) > 0
            else:
                X[1] = T.atomic_add(X[2], 1, return_prev=True) if X[0] > 0 else 5

    with pytest.raises(KernelError, match="E0134"):
        tiledsl.compile(kernel)


@every_backend
def test_c23_writes_through_a_view_of_another_dtype(backend: str) -> None:
    """In one T.Parallel, an iteration reads what it wrote through the other name."""

    @T.prim_func
    def kernel(X: T.Tensor((40,), "int32"), Y: T.Tensor((2, 40), "int32")):
        with T.Kernel(1):
            words = T.alloc_shared((40,), "int32")
            T.copy(X, words)
            raw = T.view(words, (40, 4), "uint8")
            for i in T.Parallel(40):
                Y[0, i] = words[i]
                raw[i, 1] = 200
                Y[1, i] = words[i]

    x = np.random.default_rng(23).integers(-(2**31), 2**31, 40).astype(np.int32)
    changed = x.copy()
    changed.view(np.uint8).reshape(40, 4)[:, 1] = 200
    np.testing.assert_array_equal(run(kernel, backend, x), [x, changed])
