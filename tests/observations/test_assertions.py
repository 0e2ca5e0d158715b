"""``T.device_assert`` and ``assert`` on run-time values, on every backend (rule L72)."""

from __future__ import annotations

import linecache
import pickle
from collections.abc import Callable

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import CheckError, KernelError, UnsupportedByTarget

BACKENDS = ["numpy", "llvm", "triton"]
Made = Callable[..., object]


def kernel(backend: str, asserts: bool = True) -> Made:
    @tiledsl.jit(backend=backend, asserts=asserts)
    def halved(X):
        n = T.dynamic("n")
        X: T.Tensor((n,), "float32")
        Y = T.empty((n,), "float32")
        with T.Kernel(T.ceildiv(n, 8)) as b:
            for k in T.serial(2):
                for i in T.Parallel(8):
                    value = X[b * 8 + i]
                    if k > 0:
                        assert value >= 0, "negative"
                    Y[b * 8 + i] = value / 2
            T.device_assert(b < 2, "two blocks")
        return Y

    return halved


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_holds_says_nothing(backend: str) -> None:
    x = np.arange(16, dtype=np.float32)
    np.testing.assert_array_equal(kernel(backend)(x), x / 2)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_failure_in_one_block_of_many(backend: str) -> None:
    x = np.arange(16, dtype=np.float32)
    x[11] = x[13] = -1
    with pytest.raises(CheckError, match=r"E5022 halved: .*negative") as caught:
        kernel(backend)(x)
    error = caught.value
    assert error.span is not None and error.span.file == __file__
    line = linecache.getline(__file__, error.span.line)
    assert 'assert value >= 0, "negative"' in line
    assert error.report is not None
    (found,) = error.report.errors
    places = [(sample.block, sample.loops) for sample in found.samples]
    assert sorted(places) == [
        ((1,), (("k", 1), ("i", 3))),
        ((1,), (("k", 1), ("i", 5))),
    ]
    assert found.count == 2
    assert "block (1,), k = 1, i = 3" in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("backend", BACKENDS)
def test_counts_are_exact_and_samples_few(backend: str) -> None:
    x = np.full(800, -1, np.float32)
    with pytest.raises(CheckError) as caught:
        kernel(backend)(x)
    report = caught.value.report
    assert report is not None
    counts = {found.message: found.count for found in report.errors}
    assert counts == {
        "an assertion fails: negative": 800,
        "an assertion fails: two blocks": 98,
    }
    assert all(len(found.samples) == 3 for found in report.errors)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_launch_runs_to_its_end(backend: str) -> None:
    @tiledsl.jit(backend=backend, asserts=True)
    def written(X):
        X: T.Tensor((64,), "float32")
        with T.Kernel(8) as b:
            T.device_assert(b != 0)
            for i in T.Parallel(8):
                X[b * 8 + i] = 1.0

    x = np.zeros(64, np.float32)
    with pytest.raises(CheckError):
        written(x)
    np.testing.assert_array_equal(x, np.ones(64, np.float32))


@pytest.mark.parametrize("backend", ["llvm", "triton"])
def test_compiled_code_leaves_them_out_unless_asked(backend: str) -> None:
    x = np.full(800, -1, np.float32)
    np.testing.assert_array_equal(kernel(backend, asserts=False)(x), x / 2)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_checked_call_reports_them(backend: str) -> None:
    x = np.full(8, -1, np.float32)
    report = kernel(backend, asserts=False).check(x)
    (found,) = report.errors
    assert (found.code, found.count) == ("E5022", 8)


@pytest.mark.parametrize("backend", BACKENDS)
def test_about_dims_outside_a_launch(backend: str) -> None:
    @tiledsl.jit(backend=backend, asserts=True)
    def copied(X, limit: T.int32):
        n = T.dynamic("n")
        X: T.Tensor((n,), "float32")
        Y = T.empty((n,), "float32")
        assert n <= limit, "short"
        if n > 4:
            assert n % 2 == 0, "even"
        with T.Kernel(n) as b:
            Y[b] = X[b]
        return Y

    for size in (3, 4, 6):
        x = np.ones(size, np.float32)
        np.testing.assert_array_equal(copied(x, 6), x)
    for size, text in ((5, "even"), (8, "short")):
        with pytest.raises(CheckError, match=f"E5022 .*{text}"):
            copied(np.ones(size, np.float32), 6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_condition_that_is_never_true(backend: str) -> None:
    @tiledsl.jit(backend=backend, asserts=True)
    def kernel(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float32")
        with T.Kernel(4) as b:
            Y[b] = X[b]
            if X[b] > 2:
                T.device_assert(False, "not here")
        return Y

    x = np.arange(3, -1, -1).astype(np.float32)
    with pytest.raises(CheckError, match="not here") as caught:
        kernel(x)
    assert "block (0,)" in str(caught.value)


@pytest.mark.parametrize("backend", BACKENDS)
def test_in_thread_code_and_while_loops(backend: str) -> None:
    @tiledsl.jit(backend=backend, asserts=True)
    def kernel(X):
        X: T.Tensor((32,), "int32")
        Y = T.empty((32,), "int32")
        with T.Kernel(1, threads=32):
            tx = T.get_thread_binding()
            count = T.alloc_var("int32", init=0)
            while count < X[tx]:
                count = count + 1
                T.device_assert(count < 5, "small")
            Y[tx] = count
        return Y

    x = np.arange(32, dtype=np.int32) % 4
    np.testing.assert_array_equal(kernel(x), x)
    x[7] = 6
    with pytest.raises(CheckError, match="small") as caught:
        kernel(x)
    report = caught.value.report
    assert report is not None and report.errors[0].count == 2
    assert {sample.loops[-1][1] for sample in report.errors[0].samples} == {7}


def test_static_conditions_are_decided_while_tracing() -> None:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float32")
        with T.Kernel(1):
            assert X.shape[0] == 5, "static"
            T.copy(X, Y)
        return Y

    with pytest.raises(AssertionError, match="static"):
        kernel(np.ones(4, np.float32))


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("T.device_assert(n > 1, 5)", "E0209"),
        ("T.assume(n > 1, None)", "E0209"),
        ("assert n > 1, 5", "E0209"),
        ("T.device_assert('n')", "E0310"),
        ("T.device_assert(X)", "E0310"),
        ("T.assume(X[0] > 1)", "E0413"),
        ("T.assume(T.exp(n * 1.0) > 1)", "E0210"),
        ("T.print(n)", "E0210"),
    ],
)
def test_mistakes_outside_a_launch(statement: str, code: str) -> None:
    source = f"""
import tiledsl, tiledsl.language as T
@T.prim_func
def kernel(X: T.Tensor((T.dynamic("n"),), "float32")):
    n = X.shape[0]
    {statement}
    with T.Kernel(1):
        X[0] = 1.0
"""
    name = f"<mistake {statement}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    scope: dict[str, object] = {}
    exec(compile(source, name, "exec"), scope)
    with pytest.raises(KernelError, match=code) as caught:
        _ = scope["kernel"].function  # type: ignore[attr-defined]
    assert caught.value.span is not None and caught.value.span.line == 6


def test_a_whole_tensor_loop_has_no_assertions() -> None:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float32")
        for i in T.Parallel(4):
            T.device_assert(X[i] > 0)
            Y[i] = X[i]
        return Y

    with pytest.raises(UnsupportedByTarget, match=r"T\.Kernel"):
        kernel(np.ones(4, np.float32))
