"""What users see: reports of kernels in Python, checked calls, the library."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.testing import Workload, discover_kernels


@tiledsl.jit
def shifted(X, block=8, shift=3):
    N = T.dynamic("N")
    X: T.Tensor((N,), "float32")
    Y = T.empty((N,), "float32")
    with T.Kernel(T.ceildiv(N, block)) as b:
        s = T.alloc_shared((block,), "float32")
        T.copy(X[b * block], s)
        for _k in T.serial(1):
            for i in T.Parallel(block):
                s[i] = s[i] + X[b * block + i - shift]
        T.copy(s, Y[b * block])
    return Y


def test_a_report_shows_the_place_and_samples() -> None:
    x = np.arange(20, dtype=np.float32)
    report = shifted.compile(x).check(x)
    (error,) = report.errors
    assert (error.code, error.kind, error.count) == ("E5010", "wild", 3)
    assert (error.buffer, error.extents) == ("X", (20,))
    assert [sample.index for sample in error.samples] == [(-3,), (-2,), (-1,)]
    assert [dict(sample.loops)["_k"] for sample in error.samples] == [0, 0, 0]
    assert {sample.block for sample in error.samples} == {(0,)}
    assert Path(error.span.file) == Path(__file__)
    text = str(report)
    line = "                s[i] = s[i] + X[b * block + i - shift]"
    assert text.startswith("shifted: 1 error, 3 notes\nerror E5010: ")
    assert line in text
    caret = text.splitlines()[3]
    under = text.splitlines()[4]
    start = caret.index("X[b")
    assert under[start] == "^"
    assert "note: block (0,), _k = 0, i = 1: X[-2]" in text


def test_checked_calls_raise_the_report() -> None:
    x = np.arange(20, dtype=np.float32)
    with pytest.raises(tiledsl.CheckError, match=r"E5030.*shifted") as caught:
        shifted(x, checked=True)
    report = caught.value.report
    assert report is not None
    assert [found.code for found in report.errors] == ["E5010"]
    assert "X[-3]" in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).code == "E5030"
    sound = shifted(x, shift=0, checked=True)
    np.testing.assert_array_equal(sound, 2 * x)


def test_strict_calls_and_kernels_that_are_always_checked() -> None:
    x = np.arange(20, dtype=np.float32)
    with pytest.raises(tiledsl.CheckError, match="overhangs"):
        shifted(x, shift=0, checked="strict")
    always = tiledsl.jit(checked=True)(shifted.python)
    with pytest.raises(tiledsl.CheckError, match="E5010"):
        always(x)
    np.testing.assert_array_equal(always(x, shift=0), 2 * x)
    assert always(x, checked=False).shape == (20,)


def test_eager_functions_are_checked_directly() -> None:
    x = np.arange(20, dtype=np.float32)
    assert [found.code for found in shifted.check(x).errors] == ["E5010"]
    assert shifted.check(x, shift=0).ok
    assert not shifted.check(x, shift=0, strict=True).ok

    @tiledsl.jit
    def lazy(n):
        @T.prim_func
        def main(X: T.Tensor((n,), "float32")):
            with T.Kernel(n) as b:
                X[b] = X[b + 1]

        return main

    with pytest.raises(tiledsl.ArgumentError, match=r"E0617.*lazy\(...\).check"):
        lazy.check(x)
    # the last block reads outside, and every block reads what its neighbor writes
    codes = [found.code for found in lazy(20).check(x).errors]
    assert sorted(set(codes)) == ["E5010", "E5012", "E5021"]


def test_lets_and_scalars_in_index_position() -> None:
    @tiledsl.jit
    def strided(X, step: T.int32):
        N = T.const("N")
        X: T.Tensor((N,), "float32")
        Y = T.empty((4,), "float32")
        with T.Kernel(4) as b:
            place = T.alloc_var("int32", init=0)
            place = T.cast(b, "int32") * step
            Y[b] = X[place] if 0 <= place < N else 0.0
        return Y

    x = np.ones(8, np.float32)
    kernel = strided.compile(x, 2)
    assert kernel.check(x, 2).ok
    (error,) = kernel.check(x, 2**31 - 1).errors
    assert error.code == "E5017"


_WORKLOADS = [
    pytest.param(entry.kernel, work, id=f"{entry.name}-{work.name}")
    for entry in discover_kernels()
    for work in entry.of_size("small")
]


@pytest.mark.parametrize(("kernel", "work"), _WORKLOADS)
def test_the_library_has_no_errors(kernel: tiledsl.JitFunction, work: Workload) -> None:
    call = work.call(work.make_inputs(np.random.default_rng(5)))
    compiled = kernel.compile(*call.arguments, **call.options)
    inputs = len(compiled.params) - len(compiled.out_idx)
    report = compiled.check(*call.arguments[:inputs])
    assert report.ok, str(report)
