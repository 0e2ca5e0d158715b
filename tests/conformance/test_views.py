"""Views are aliases on every backend (language rule L46)."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.analysis.reading import read_function
from tiledsl.diagnostics import KernelError, UnsupportedByTarget
from tiledsl.ir.parser import parse_function
from tiledsl.ir.printer import print_function
from tiledsl.ir.verifier import problems
from tiledsl.testing import runnable_backends
from tiledsl.testing.scalar_evaluator import evaluate

BACKENDS = runnable_backends()
every_backend = pytest.mark.parametrize("backend", BACKENDS)


def run(kernel, backend: str, *arrays: np.ndarray, dims: tuple[int, ...] = ()) -> None:
    """Runs on a backend and by the independent evaluator; both must agree."""
    twins = [array.copy() for array in arrays]
    assert read_function(print_function(kernel.function)) == kernel.function
    tiledsl.compile(kernel, backend=backend)(*arrays)
    evaluate(kernel.function, twins, dims)
    for array, twin in zip(arrays, twins, strict=True):
        np.testing.assert_array_equal(array, twin)


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(-8, 8, shape).astype(np.float32)


@every_backend
def test_tensors_under_other_shapes(backend: str) -> None:
    """A convolution's way of writing its output: a view made inside the launch."""

    @T.prim_func
    def kernel(X: T.Tensor((3, 4, 5), "float32"), Y: T.Tensor((60,), "float32")):
        rows = T.reshape(X, [12, 5])
        with T.Kernel(3) as block:
            out = T.Tensor((12, 5), "float32", Y.data)
            tile = T.alloc_shared((4, 5), "float32")
            T.copy(rows[block * 4, 0], tile)
            for i, j in T.Parallel(4, 5):
                tile[i, j] = tile[i, j] + X[block, i, j]
            T.copy(tile, out[block * 4, 0])

    x, y = floats(3, 4, 5), np.zeros(60, np.float32)
    run(kernel, backend, x, y)
    np.testing.assert_array_equal(y, 2 * x.ravel())


@every_backend
def test_run_time_extents(backend: str) -> None:
    m, n = T.dynamic("m, n")

    @T.prim_func
    def kernel(X: T.Tensor((m, 2 * n), "float32"), Y: T.Tensor((m * n, 2), "float32")):
        pairs = T.view(X, (n * m, 2))
        with T.Kernel(T.ceildiv(m * n, 8)) as block:
            for i, j in T.Parallel(8, 2):
                Y[block * 8 + i, j] = pairs[block * 8 + i, j] * 3.0

    x, y = floats(3, 14), np.zeros((21, 2), np.float32)
    run(kernel, backend, x, y, dims=(3, 7))
    np.testing.assert_array_equal(y.ravel(), 3 * x.ravel())


@every_backend
@pytest.mark.parametrize(
    ("narrow", "wide"),
    [("uint8", "uint32"), ("float16", "int64"), ("int16", "float32")],
)
def test_elements_of_other_widths(backend: str, narrow: str, wide: str) -> None:
    """Bytes put together by one view and taken apart by the other."""
    parts = np.dtype(wide).itemsize // np.dtype(narrow).itemsize

    @T.prim_func
    def kernel(
        N: T.Tensor((8, parts), narrow),
        W: T.Tensor((8,), wide),
        L: T.Tensor((8,), wide),
        M: T.Tensor((8 * parts,), narrow),
    ):
        joined = T.view(N, (8,), wide)
        with T.Kernel(2) as block:
            tile = T.alloc_shared((4, parts), narrow)
            words = T.view(tile, (4,), wide)
            for i in T.Parallel(4):
                W[block * 4 + i] = joined[block * 4 + i]
            T.copy(N[block * 4, 0], tile)
            for i in T.Parallel(4):
                L[block * 4 + i] = words[i]
                words[i] = joined[7 - (block * 4 + i)]
            for i, j in T.Parallel(4, parts):
                M[(block * 4 + i) * parts + j] = tile[i, j]

    data = np.random.default_rng(1).integers(0, 100, 8 * parts)
    n = data.astype(narrow).reshape(8, parts)
    w, low = np.zeros((2, 8), wide)
    m = np.zeros(8 * parts, narrow)
    run(kernel, backend, n, w, low, m)
    np.testing.assert_array_equal(w, n.view(wide)[:, 0])
    np.testing.assert_array_equal(low, w)
    np.testing.assert_array_equal(m.reshape(8, parts), n[::-1])


@every_backend
def test_writes_show_both_ways(backend: str) -> None:
    @T.prim_func
    def kernel(Y: T.Tensor((8,), "int32"), Z: T.Tensor((2, 4), "int32")):
        with T.Kernel(1):
            tile = T.alloc_fragment((2, 4), "int32")
            flat = T.reshape(tile, (8,))
            again = T.reshape(flat, (4, 2))
            T.fill(tile, 1)
            before = tile[1, 0]  # read before the view is written
            for i in T.Parallel(8):
                flat[i] = flat[i] + i
            tile[0, 3] = before * 50
            again[3, 1] += tile[0, 3]
            for i in T.Parallel(4):
                T.atomic_add(again[i, 0], 1000)
            T.copy(flat, Y)
            T.copy(tile, Z)

    y, z = np.zeros(8, np.int32), np.zeros((2, 4), np.int32)
    run(kernel, backend, y, z)
    want = [1001, 2, 1003, 50, 1005, 6, 1007, 58]
    np.testing.assert_array_equal(y, want)
    np.testing.assert_array_equal(z.ravel(), want)


@every_backend
def test_tile_operations_on_views(backend: str) -> None:
    """A tile that is only copied and then read through views; products of views."""

    @T.prim_func
    def kernel(
        A: T.Tensor((16, 16), "float32"),
        B: T.Tensor((256,), "float32"),
        C: T.Tensor((16, 16), "float32"),
        S: T.Tensor((16, 4), "float32"),
    ):
        with T.Kernel(1):
            a = T.alloc_shared((256,), "float32")
            b = T.alloc_shared((16, 16), "float32")
            c = T.alloc_fragment((256,), "float32")
            T.copy(A, T.reshape(a, (16, 16)))
            T.copy(B, T.reshape(b, (256,)))
            T.clear(c)
            T.gemm(T.reshape(a, (16, 16)), b, T.reshape(c, (16, 16)))
            T.copy(T.reshape(c, (16, 16)), C)
            sums = T.alloc_fragment((16, 4), "float32")
            T.reduce_sum(T.reshape(c, (16, 4, 4)), sums, dim=-1)
            T.copy(sums, S)

    a, b = floats(16, 16), floats(256)[::-1].copy()
    c, s = np.zeros((16, 16), np.float32), np.zeros((16, 4), np.float32)
    run(kernel, backend, a, b, c, s)
    np.testing.assert_array_equal(c, a @ b.reshape(16, 16))
    np.testing.assert_array_equal(s, c.reshape(16, 4, 4).sum(2))


@every_backend
@pytest.mark.parametrize("columns", [32, 128, 512])
def test_long_rows(backend: str, columns: int) -> None:
    """Rows of a tile may lie apart in memory, but not under a view."""

    @T.prim_func
    def kernel(X: T.Tensor((3, columns), "int32"), Y: T.Tensor((6,), "int32")):
        with T.Kernel(1):
            tile = T.alloc_shared((3, columns), "int32")
            halves = T.reshape(tile, (6, columns // 2))
            most = T.alloc_fragment((6,), "int32")
            T.copy(X, tile)
            T.reduce_absmax(halves, most, dim=1)
            T.copy(most, Y)

    x = np.random.default_rng(3).integers(-99, 99, (3, columns), np.int32)
    y = np.zeros(6, np.int32)
    run(kernel, backend, x, y)
    np.testing.assert_array_equal(y, np.abs(x).reshape(6, -1).max(1))


@every_backend
def test_an_output_written_through_a_view(backend: str) -> None:
    @tiledsl.jit(backend=backend)
    def kernel(X):
        n = T.const("n")
        X: T.Tensor((n, 3), "float32")
        Y = T.empty((n, 3), "float32")
        with T.Kernel(n) as block:
            flat = T.view(Y, (3 * n,))
            for i in T.Parallel(3):
                flat[block * 3 + i] = X[block, i] + 1.0
        return Y

    x = floats(5, 3)
    np.testing.assert_array_equal(kernel(x), x + 1)


@every_backend
def test_workspaces_have_views(backend: str) -> None:
    """Launches of one function meet in a workspace, under two shapes."""

    @T.prim_func
    def kernel(X: T.Tensor((4, 8), "float32"), Y: T.Tensor((8,), "float32")):
        part = T.alloc_global((4, 8), "float32")
        flat = T.reshape(part, (32,))
        with T.Kernel(4) as block:
            for i in T.Parallel(8):
                flat[block * 8 + i] = X[block, i]
        with T.Kernel(2) as block:
            for i in T.Parallel(4):
                total = T.alloc_var("float32")
                for k in T.serial(4):
                    total += part[k, block * 4 + i]
                Y[block * 4 + i] = total

    x, y = floats(4, 8), np.zeros(8, np.float32)
    run(kernel, backend, x, y)
    np.testing.assert_array_equal(y, x.sum(0))


@every_backend
def test_threads_see_each_other_through_views(backend: str) -> None:
    @T.prim_func
    def kernel(Y: T.Tensor((32,), "int32")):
        with T.Kernel(1, threads=32):
            tx = T.get_thread_binding()
            tile = T.alloc_shared((4, 8), "int32")
            flat = T.reshape(tile, (32,))
            tile[tx % 4, tx // 4] = tx
            T.sync_threads()
            Y[tx] = flat[tx]

    y = np.zeros(32, np.int32)
    tiledsl.compile(kernel, backend=backend)(y)
    np.testing.assert_array_equal(y, np.arange(32).reshape(8, 4).T.ravel())


@every_backend
def test_packed_elements_under_other_shapes(backend: str) -> None:
    @T.prim_func
    def kernel(X: T.Tensor((4, 8), "int4"), Y: T.Tensor((2, 32), "int8")):
        flat = T.reshape(X, (32,))
        with T.Kernel(1):
            tile = T.alloc_shared((4, 8), "int4")
            again = T.reshape(tile, (32,))
            T.copy(X, tile)
            for i in T.Parallel(32):
                Y[0, i] = flat[i]
                Y[1, i] = again[i]

    x = np.random.default_rng(2).integers(-8, 8, (4, 8)).astype(np.int8)
    y = np.zeros((2, 32), np.int8)
    tiledsl.compile(kernel, backend=backend)(tiledsl.pack(x.astype("int4")), y)
    np.testing.assert_array_equal(y, [x.ravel()] * 2)


def test_the_sanitizer_follows_views() -> None:
    @T.prim_func
    def undefined(Y: T.Tensor((4,), "float32")):
        with T.Kernel(1):
            tile = T.alloc_shared((2, 2), "float32")
            flat = T.reshape(tile, (4,))
            tile[0, 1] = 1.0
            Y[1] = flat[1]
            Y[2] = flat[2]

    report = tiledsl.compile(undefined).check(np.zeros(4, np.float32))
    assert [found.code for found in report.errors] == ["E5011"]
    assert report.errors[0].samples[0].index == (2,)

    @T.prim_func
    def race(X: T.Tensor((4,), "float32"), Y: T.Tensor((2, 2), "float32")):
        flat = T.reshape(Y, (4,))
        with T.Kernel(2) as block:
            Y[0, block] = 1.0
            X[block] = flat[1 - block]

    report = tiledsl.compile(race).check(
        np.zeros(4, np.float32), np.zeros((2, 2), np.float32)
    )
    assert "E5012" in {found.code for found in report.errors}


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda x, v: T.reshape(x, (5, 3)), "E0323"),
        (lambda x, v: T.view(x, dtype="float16"), "E0323"),
        (lambda x, v: T.view(x, (64,), "bool"), "E0323"),
        (lambda x, v: T.reshape(v, (4,)), "E0323"),
        (lambda x, v: T.reshape(x[0:2, 0:4], (8,)), "E0206"),
        (lambda x, v: T.view(3), "E0206"),
        (lambda x, v: T.reshape(x, (16.0,)), "E0320"),
        (lambda x, v: T.Tensor((16,), "float33", x), "E0301"),
        (lambda x, v: T.copy(T.reshape(x, (16,))[0:4], x[0, 0:4]), "E0207"),
    ],
)
def test_what_is_refused(make, code: str) -> None:
    @T.prim_func
    def kernel(X: T.Tensor((4, 4), "float32"), V: T.StridedTensor((4,), (2,), "int8")):
        with T.Kernel(1):
            make(X, V)

    with pytest.raises(KernelError, match=code) as caught:
        kernel.function  # noqa: B018
    assert caught.value.span is not None


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda x: T.reshape(T.alloc_local((4,), "float32"), (2, 2)), "alloc_local"),
        (lambda x: T.view(x, (32,), "int4"), "int32 elements as int4"),
    ],
)
def test_what_is_not_available(make, what: str) -> None:
    @T.prim_func
    def kernel(X: T.Tensor((4,), "int32")):
        with T.Kernel(1):
            make(X)

    with pytest.raises(UnsupportedByTarget, match=what):
        kernel.function  # noqa: B018


VIEWS = """tiledsl.ir 1
func f(X: float32[4], S: int8[4] strides(2))
  launch (b: 1) threads 1
    alloc shared t: int32[4]
    alloc local p: int32[4]
    alloc {view}
"""


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        ("shared v: int32[5] of t", "different sizes"),
        ("shared v: int32[4] of X", "cannot be a view"),
        ("local v: int32[4] of p", "cannot be a view"),
        ("shared v: bool[16] of t", "has not the bits"),
        ("shared v: int32[4] of b", "no buffer"),
        ("shared v: int32[4] of nothing", "no buffer"),
    ],
)
def test_the_verifier_checks_views(view: str, problem: str) -> None:
    with pytest.raises(KernelError, match=problem):
        parse_function(VIEWS.format(view=view))


def test_a_correct_view_verifies() -> None:
    function = parse_function(VIEWS.format(view="shared v: uint8[2, 8] of t"))
    assert not problems(function)
