"""Measuring and checking on generated inputs (rule L109)."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from tiledsl.diagnostics import ArgumentError, CheckError
from tiledsl.runtime.kernel import JITKernel
from tiledsl.runtime.profiler import TensorSupplyType, do_bench

Make = Callable[..., JITKernel]

SCALE = """
    func scale[m](X: float32[m, 8], f: float32, Y: float32[m, 8]) -> (Y)
      launch (bx: m) threads 32
        parallel (i: 8)
          Y[bx, i] = X[bx, i] * f
"""
SIZES = {"m": 5, "f": 3}


@pytest.fixture
def scale(kernel_of: Make) -> JITKernel:
    return kernel_of(SCALE, backend="numpy")


def test_do_bench_measures() -> None:
    calls = []

    def work() -> None:
        calls.append(1)
        time.sleep(0.002)

    milliseconds = do_bench(work, warmup=4, rep=20)
    assert isinstance(milliseconds, float)
    assert 2 <= milliseconds < 20
    assert len(calls) >= 4
    low, high = do_bench(work, warmup=0, rep=20, quantiles=[0.0, 1.0])  # type: ignore[misc]
    assert 2 <= low <= high
    with pytest.raises(ArgumentError, match=r"return_mode"):
        do_bench(work, return_mode="mode")


def test_the_kernel_itself(scale: JITKernel) -> None:
    assert scale.get_profiler().func is scale


def test_latency_is_kept(scale: JITKernel) -> None:
    profiler = scale.get_profiler()
    sizes = {"warmup": 0, "rep": 1, "dynamic_symbolic_constraints": SIZES}
    measured = profiler.do_bench(**sizes)
    assert scale.latency == measured > 0  # type: ignore[operator]
    assert scale.ref_latency is None
    reference = profiler.do_bench(lambda x, f: x * f, **sizes)
    assert scale.ref_latency == reference
    assert scale.latency == measured


def test_inputs_follow_the_supply_type(scale: JITKernel) -> None:
    def first(supply: TensorSupplyType) -> np.ndarray:
        array, factor = scale.get_profiler(supply).inputs(SIZES)
        assert factor == 3
        assert isinstance(array, np.ndarray)
        assert (array.shape, array.dtype) == ((5, 8), np.float32)
        return array

    assert not first(TensorSupplyType.Zero).any()
    assert (first(TensorSupplyType.One) == 1).all()
    whole = first(TensorSupplyType.Integer)
    assert (whole == np.round(whole)).all()
    uniform = first(TensorSupplyType.Uniform)
    assert -1 <= uniform.min() < 0 < uniform.max() <= 1
    normal = first(TensorSupplyType.Normal)
    assert np.array_equal(normal, first(TensorSupplyType.Auto))
    assert len(np.unique(normal)) > 30


def test_a_missing_size_is_named(scale: JITKernel) -> None:
    with pytest.raises(ArgumentError, match=r"E1017.*'X'.*a value for m"):
        scale.get_profiler().run_once()


def test_assert_allclose(scale: JITKernel) -> None:
    check = scale.get_profiler().assert_allclose
    sizes = {"dynamic_symbolic_constraints": SIZES}
    check(lambda x, f: x * f, rtol=0, atol=1e-6, **sizes)
    with pytest.raises(
        CheckError, match=r"E5091 .*of 40 elements differ.*first at \(0, 0\)"
    ):
        check(lambda x, f: x * f + 1, rtol=1e-3, atol=1e-3, **sizes)

    def one_wrong(x: np.ndarray, f: float) -> np.ndarray:
        result = x * f
        result[2, 3] = np.nan
        return result

    with pytest.raises(CheckError, match=r"1 of 40 elements.*first at \(2, 3\)"):
        check(one_wrong, **sizes)
    check(one_wrong, max_mismatched_ratio=0.03, **sizes)
    with pytest.raises(CheckError, match=r"shape"):
        check(lambda x, f: (x * f)[:, :4], **sizes)
    with pytest.raises(CheckError, match=r"1 results"):
        check(lambda x, f: (x, x), **sizes)


def test_infinities_and_nans_must_agree(scale: JITKernel) -> None:
    x = np.array([[np.inf, -np.inf, np.nan, 0, 0, 0, 0, 0]], np.float32)
    check = scale.get_profiler().assert_allclose
    check(lambda x, f: x * f, input_tensors=[x, 1.0])
    with pytest.raises(CheckError, match=r"2 of 8"):
        check(lambda x, f: -x, input_tensors=[x, 1.0])


def test_manual_and_consistency_checks(scale: JITKernel) -> None:
    profiler = scale.get_profiler()
    seen = []
    profiler.manual_assert_close(
        lambda x, f: x * f,
        manual_check_prog=lambda got, want: seen.append((got, want)),
        dynamic_symbolic_constraints=SIZES,
    )
    ((got, want),) = seen
    assert np.allclose(got[0], want[0])
    profiler.assert_consistent(3, dynamic_symbolic_constraints=SIZES)


def test_inconsistent_kernels_are_found(kernel_of: Make) -> None:
    # nothing writes Y, so that it holds whatever its memory held
    kernel = kernel_of(SCALE.replace("Y[bx, i] = X[bx, i] * f", "X[bx, i] = f"))
    outcomes = iter(np.float32([1, 2]))
    profiler = kernel.get_profiler()
    profiler._kernel = lambda *args, **named: np.full(3, next(outcomes))
    with pytest.raises(CheckError, match=r"E5090"):
        profiler.assert_consistent(2, dynamic_symbolic_constraints=SIZES)


def test_scalars_of_every_kind_are_supplied(kernel_of: Make) -> None:
    kernel = kernel_of(
        """
        func choose[m](X: float32[m], f: float32, b: bool, Y: float32[m]) -> (Y)
          launch (bx: 1) threads 1
            parallel (i: m)
              Y[i] = select(b, X[i] * f, 0.0)
        """,
        backend="numpy",
    )
    profiler = kernel.get_profiler(TensorSupplyType.One)
    result = profiler.run_once(dynamic_symbolic_constraints={"m": 3, "f": 0.5})
    assert result.tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    "dtype", ["float32", "bfloat16", "float8_e5m2", "int8", "bool"]
)
def test_inputs_may_be_tensors(kernel_of: Make, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    kernel = kernel_of(
        f"""
        func copy[m](X: {dtype}[m, 3], Y: {dtype}[m, 3]) -> (Y)
          launch (bx: m) threads 1
            copy X[bx, 0 +: 3] -> Y[bx, 0 +: 3] shape (3)
        """,
        backend="numpy",
    )
    profiler = kernel.get_profiler(arrays="torch")
    sizes = {"dynamic_symbolic_constraints": {"m": 4}}
    (tensor,) = profiler.inputs({"m": 4})
    assert tensor.dtype == getattr(torch, dtype)
    profiler.assert_allclose(lambda x: x.clone(), rtol=0, atol=0, **sizes)
