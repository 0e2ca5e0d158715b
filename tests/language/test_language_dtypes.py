"""dtype objects and what is accepted in their place (rule L27)."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.ir.dtypes import ALL_DTYPES


@pytest.mark.parametrize("name", [d for d in ALL_DTYPES if d != "index"])
def test_a_dtype_equals_its_name(name: str) -> None:
    dtype = getattr(T, name)
    assert dtype == name and T.dtype(name) == dtype and T.dtype(dtype) == name
    assert max(dtype.bits, 8) == dtype.bytes * 8


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (np.float16, "float16"),
        (np.dtype("int64"), "int64"),
        (ml_dtypes.bfloat16, "bfloat16"),
        (np.dtype(ml_dtypes.float8_e4m3fn), "float8_e4m3fn"),
        (bool, "bool"),
        (int, "int32"),
        (float, "float32"),
        ("half", "float16"),
        ("float8_e4m3", "float8_e4m3fn"),
        (np.bool_, "bool"),
    ],
)
def test_what_means_a_dtype(spec: object, expected: str) -> None:
    assert T.dtype(spec) == expected
    assert T.Tensor((4,), spec).dtype == expected


def test_torch_dtypes() -> None:
    torch = pytest.importorskip("torch")
    assert T.dtype(torch.bfloat16) == "bfloat16"
    assert T.dtype(torch.float8_e4m3fn) == "float8_e4m3fn"
    assert T.float16.as_torch() is torch.float16
    assert T.fp8.determine_torch_fp8_type("e5m2") is torch.float8_e5m2


@pytest.mark.parametrize(
    "bad", ["float31", None, 3, np.complex64, "index", ">f4", object]
)
def test_what_does_not(builder, bad: object) -> None:
    with pytest.raises(KernelError, match="E0301") as caught:
        T.dtype(bad)
    assert caught.value.span == builder.span
    assert "bfloat16" in (caught.value.expected or "")


def test_aliases() -> None:
    pairs = {"int": "int32", "uint": "uint32", "long": "int64", "short": "int16",
             "half": "float16", "float": "float32", "double": "float64"}  # fmt: skip
    for alias, name in pairs.items():
        assert getattr(T, alias) == name


def test_tensor_forms() -> None:
    for form in (
        T.Tensor((4, 8), "int8"),
        T.Tensor[(4, 8), "int8"],
        T.Tensor[[4, 8], "int8"],
    ):
        assert form.shape == (4, 8) and form.dtype == "int8" and form.strides is None
    assert T.Tensor(5).shape == (5,) and T.Tensor(5).dtype == "float32"
    assert T.Tensor((), "int32").shape == ()
    assert T.Tensor[4, 8].shape == (4, 8)
    strided = T.StridedTensor((4, 8), (T.dynamic("ld"), -1), "float16")
    assert strided.strides[1] == -1


@pytest.mark.parametrize("shape", [(-1,), (1.5,), (True,), ("n",), None, (None,)])
def test_shapes_are_checked(builder, shape: object) -> None:
    with pytest.raises(KernelError, match="E0320"):
        T.Tensor(shape, "int8")


def test_dims() -> None:
    m, n = T.dynamic("m, n")
    assert m.name == "m" and n.dtype == "int32"
    assert T.dynamic("k", "int64").dtype == "int64"
    assert T.symbolic("a b")[1].name == "b"
    for bad in ("", "1x", 3, "m n-k"):
        with pytest.raises(KernelError, match="E0321"):
            T.dynamic(bad)
    with pytest.raises(KernelError, match="E0321"):
        T.dynamic("m", "float32")
