"""Torch tensors, described and allocated; torch is used only if the caller uses it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

import numpy as np

from tiledsl.diagnostics import ArgumentError
from tiledsl.ir.dtypes import ALL_DTYPES, DType

if TYPE_CHECKING:
    import torch

# dtype, its name, shape, strides, address, device, place, writable, owner, host view
TensorFacts = tuple[
    DType | None,
    str,
    tuple[int, ...],
    tuple[int, ...],
    int,
    str,
    str,
    bool,
    object,
    np.ndarray | None,
]

_NAMES: dict[str, DType] = {
    f"torch.{dtype}": dtype
    for dtype in ALL_DTYPES
    if dtype not in ("index", "tfloat32") and not dtype.is_packed
}
_NAMES["torch.float4_e2m1fn_x2"] = DType("float4_e2m1fn")


def describe(parameter: str, tensor: torch.Tensor) -> TensorFacts:
    """The facts of a tensor.  Raises ArgumentError for one without plain memory."""
    _refuse(parameter, tensor)
    dtype = _NAMES.get(str(tensor.dtype))
    kind = tensor.device.type
    return (
        dtype,
        str(tensor.dtype),
        tuple(tensor.shape),
        tuple(tensor.stride()),
        tensor.data_ptr(),
        device_kind(kind),
        str(tensor.device),
        not tensor.requires_grad,
        tensor,
        host_view(tensor, dtype) if kind == "cpu" and dtype is not None else None,
    )


def from_dlpack(value: object) -> torch.Tensor | None:
    """The value as a tensor over its own memory, if torch is in use and can view it."""
    library = sys.modules.get("torch")
    if library is None or not hasattr(value, "__dlpack__"):
        return None
    try:
        return cast("torch.Tensor", library.from_dlpack(value))
    except Exception:  # foreign methods may raise anything
        return None


def quick_key(value: object) -> tuple[object, ...] | None:
    """What the checks of a plain tensor depend on; None for any other object.

    Tensors with equal keys have equal facts, save for their address.
    """
    library = sys.modules.get("torch")
    if library is None or value.__class__ is not library.Tensor:
        return None
    tensor = cast("torch.Tensor", value)
    if tensor.layout != library.strided or tensor.is_neg() or tensor.is_conj():
        return None
    key = (tensor.dtype, tensor.shape, tensor.stride(), tensor.device)
    return (*key, tensor.requires_grad)


def host_view(tensor: torch.Tensor, dtype: DType) -> np.ndarray:
    """The memory of a CPU tensor as a NumPy array."""
    plain = tensor.detach() if tensor.requires_grad else tensor
    try:
        array: np.ndarray = plain.numpy()
    except TypeError:  # bfloat16 and the 8-bit floats have no NumPy twin in torch
        torch = sys.modules["torch"]
        bits = torch.int8 if dtype.bytes == 1 else torch.int16
        array = plain.view(bits).numpy().view(dtype.as_numpy())
    return array


def viewed(
    tensor: torch.Tensor, dtype: DType, view: np.dtype[np.generic] | None
) -> np.ndarray:
    """The memory of a CPU tensor as a NumPy array, perhaps read as another dtype."""
    host = host_view(tensor, dtype)
    return host if view is None else host.view(view)


def device_kind(kind: str) -> str:
    """The kind of device memory: torch calls AMD's devices ``cuda`` too."""
    torch = sys.modules["torch"]
    if kind == "cuda" and getattr(torch.version, "hip", None):
        return "hip"
    return kind


def from_numpy(array: np.ndarray, dtype: DType) -> torch.Tensor:
    """A CPU tensor over the memory of an array; imports torch."""
    import torch  # the caller asked for tensors

    kind = cast("torch.dtype", dtype.as_torch())
    plain = array.view(f"i{dtype.bytes}") if dtype.bytes < 4 else array
    return torch.from_numpy(plain).view(kind)


def empty(
    shape: tuple[int, ...], strides: tuple[int, ...] | None, dtype: DType, place: str
) -> torch.Tensor:
    """A new tensor, its content undefined."""
    torch = sys.modules["torch"]
    kind = dtype.as_torch()
    if strides is None:
        return torch.empty(shape, dtype=kind, device=place)
    return torch.empty_strided(shape, strides, dtype=kind, device=place)


def _refuse(parameter: str, tensor: torch.Tensor) -> None:
    torch = sys.modules["torch"]
    problem = hint = None
    if tensor.layout != torch.strided:
        problem, hint = f"a tensor of layout {tensor.layout}", ".to_dense()"
    elif tensor.is_quantized:
        problem, hint = "a quantized tensor", ".dequantize()"
    elif tensor.device.type == "meta" or "Fake" in type(tensor).__name__:
        problem = "a tensor without data (meta or fake)"
    elif tensor.is_conj():
        problem, hint = "a lazily conjugated view", ".resolve_conj()"
    elif tensor.is_neg():
        problem, hint = "a lazily negated view", ".resolve_neg()"
    if problem:
        raise ArgumentError(
            "E1019",
            f"argument '{parameter}'",
            expected="a dense tensor with memory of its own",
            got=problem,
            hint=f"pass {parameter}{hint}" if hint else None,
        )
