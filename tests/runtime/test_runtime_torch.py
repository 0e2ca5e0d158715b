"""Torch tensors as arguments and results; mixed kinds (rules L98, L102, C28)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tiledsl.diagnostics import ArgumentError, CheckError
from tiledsl.runtime.kernel import JITKernel

torch = pytest.importorskip("torch")

Make = Callable[..., JITKernel]


@pytest.fixture
def double(kernel_of: Make) -> JITKernel:
    return kernel_of(
        """
        func double[n](X: float32[n], Z: float32[n], Y: float32[n]) -> (Y)
          launch (bx: 1) threads 1
            parallel (i: n)
              Y[i] = X[i] + X[i]
              Z[i] = X[i]
        """,
        backend="numpy",
    )


def test_tensors_in_tensors_out(double: JITKernel) -> None:
    x, z = torch.arange(4.0), torch.zeros(4)
    y = double(x, z)
    assert isinstance(y, torch.Tensor)
    assert y.tolist() == [0, 2, 4, 6]
    assert z.tolist() == x.tolist()


def test_the_first_array_decides_the_kind(double: JITKernel) -> None:
    tensor, array = torch.arange(3.0), np.arange(3, dtype=np.float32)
    assert isinstance(double(tensor, array.copy()), torch.Tensor)
    assert isinstance(double(array, tensor.clone()), np.ndarray)


@pytest.mark.parametrize(
    "dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "float16"]
)
def test_narrow_floats_keep_their_bits(kernel_of: Make, dtype: str) -> None:
    kernel = kernel_of(
        f"""
        func copy[m, n](X: {dtype}[m, n], Y: {dtype}[m, n]) -> (Y)
          launch (bx: m) threads 1
            copy X[bx, 0 +: n] -> Y[bx, 0 +: n] shape (n)
        """,
        backend="numpy",
    )
    kind = getattr(torch, dtype)
    x = torch.tensor([[1.0, -0.25, 3.0], [0.0, 2.0, -0.0]]).to(kind)
    y = kernel(x)
    assert y.dtype == kind
    assert torch.equal(x.view(torch.uint8), y.view(torch.uint8))


def test_non_contiguous_and_empty_tensors(kernel_of: Make) -> None:
    kernel = kernel_of(
        """
        func pick[m, n, s, t](X: bfloat16[m, n] strides(s, t), Y: bfloat16[m, n]) -> (Y)
          launch (bx: m) threads 1
            copy X[bx, 0 +: n] -> Y[bx, 0 +: n] shape (n)
        """,
        backend="numpy",
    )
    x = torch.arange(12.0).reshape(3, 4).bfloat16()
    assert torch.equal(kernel(x.T), x.T)
    assert torch.equal(kernel(x[:, 1:3]), x[:, 1:3])
    assert kernel(x[:0]).shape == (0, 4)


REFUSED = [
    ("sparse", lambda: torch.zeros(4).to_sparse(), "sparse"),
    ("meta", lambda: torch.zeros(4, device="meta"), "without data"),
    ("negated", lambda: torch._neg_view(torch.zeros(4)), "negated"),
    (
        "quantized",
        lambda: torch.quantize_per_tensor(torch.zeros(4), 0.1, 0, torch.qint8),
        "quantized",
    ),
    ("conjugated", lambda: torch.zeros(4, dtype=torch.complex64).conj(), "conjugated"),
    ("complex", lambda: torch.zeros(4, dtype=torch.complex64), "torch.complex64"),
    ("double", lambda: torch.zeros(4, dtype=torch.float64), "got torch.float64"),
    ("strided", lambda: torch.zeros(8)[::2], "contiguous"),
]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(
    ("make", "text"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
@pytest.mark.filterwarnings("ignore")
def test_refused_tensors(
    double: JITKernel, make: Callable[[], object], text: str, place: int
) -> None:
    args: list[object] = [torch.zeros(4), torch.zeros(4)]
    args[place] = make()
    with pytest.raises(ArgumentError, match=f"argument '{'XZ'[place]}'") as caught:
        double(*args)
    assert text in str(caught.value)


def test_a_tensor_that_requires_grad_may_only_be_read(double: JITKernel) -> None:
    needs = torch.arange(3.0, requires_grad=True)
    assert double(needs, torch.zeros(3)).tolist() == [0, 2, 4]
    with pytest.raises(ArgumentError, match=r"E1011 argument 'Z'.*requires grad"):
        double(torch.zeros(3), needs)


def test_a_tensor_shares_memory_with_an_array(double: JITKernel) -> None:
    array = np.zeros(4, np.float32)
    with pytest.raises(ArgumentError, match=r"E1012 arguments 'Z' and 'X'"):
        double(torch.from_numpy(array), array)


def test_bool_tensors_and_dtype_hints(kernel_of: Make, double: JITKernel) -> None:
    kernel = kernel_of(
        """
        func choose[n](P: bool[n], Y: int32[n]) -> (Y)
          launch (bx: 1) threads 1
            parallel (i: n)
              Y[i] = select(P[i], 10:int32, 20:int32)
        """,
        backend="numpy",
    )
    assert kernel(torch.tensor([True, False])).tolist() == [10, 20]
    assert kernel(torch.tensor([2, 0], dtype=torch.uint8)).tolist() == [10, 20]
    with pytest.raises(ArgumentError, match=r"X.to\(torch.float32\)"):
        double(torch.zeros(3, dtype=torch.int32), torch.zeros(3))


def test_dlpack_objects_that_only_torch_can_view(kernel_of: Make) -> None:
    kernel = kernel_of(
        """
        func copy[n](X: bfloat16[n], Y: bfloat16[n]) -> (Y)
          launch (bx: 1) threads 1
            copy X[0 +: n] -> Y[0 +: n] shape (n)
        """,
        backend="numpy",
    )
    tensor = torch.tensor([1.0, -2.0]).bfloat16()

    class Foreign:
        def __dlpack__(self, **options: object) -> object:
            return tensor.__dlpack__()

        def __dlpack_device__(self) -> object:
            return tensor.__dlpack_device__()

    assert torch.equal(kernel(Foreign()), tensor)


def test_results_are_compared_whatever_their_kind(kernel_of: Make) -> None:
    kernel = kernel_of(
        """
        func copy[n](X: bfloat16[n], Y: bfloat16[n]) -> (Y)
          launch (bx: 1) threads 1
            copy X[0 +: n] -> Y[0 +: n] shape (n)
        """,
        backend="numpy",
    )
    tensor = torch.tensor([1.0, -2.0, float("nan")]).bfloat16()
    check = kernel.get_profiler().assert_allclose
    check(lambda x: x, rtol=0, atol=0, input_tensors=[tensor])
    with pytest.raises(CheckError, match=r"1 of 3"):
        check(lambda x: x.abs().float(), input_tensors=[tensor])
