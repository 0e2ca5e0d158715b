"""Arrays of the caller, whatever their library, described without copying them."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from tiledsl.diagnostics import ArgumentError
from tiledsl.ir.dtypes import DType, from_numpy
from tiledsl.runtime import torch_arrays

Kind = Literal["numpy", "torch"]
_DEFAULT: Final[dict[str, Kind]] = {"kind": "numpy"}


def prefer_kind(kind: Kind) -> None:
    """The kind of array that calls without array arguments and profilers make."""
    _DEFAULT["kind"] = kind


def default_kind() -> Kind:
    """The kind of array that is made where nothing says which."""
    return _DEFAULT["kind"]


def result_kind() -> Kind:
    """The kind of a call's results if no argument is an array."""
    return default_kind() if "torch" in sys.modules else "numpy"


@dataclass(frozen=True, slots=True)
class ArrayFacts:
    """What an array says about itself.  Strides are in elements.

    ``dtype`` is None if no tile dtype is carried so (``dtype_name`` tells which it is);
    ``place`` tells devices of one kind apart; ``host`` views host memory.
    """

    kind: Kind
    dtype: DType | None
    dtype_name: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    address: int
    device: str
    place: str
    writable: bool
    owner: object
    host: np.ndarray | None


def is_array(value: object) -> bool:
    """Whether ``value`` is an array of any library (rule L98); no class, no number."""
    if isinstance(value, type | np.generic):
        return False
    marks = ("__dlpack__", "__array_interface__", "__cuda_array_interface__")
    return any(hasattr(value, mark) for mark in marks)


def describe(parameter: str, value: object) -> ArrayFacts:
    """The facts of an argument.  Raises ArgumentError for what is not a plain array."""
    if isinstance(value, np.generic):
        raise not_an_array(parameter, value)
    if isinstance(value, np.ndarray):
        return _describe_numpy(parameter, value, value)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return ArrayFacts("torch", *torch_arrays.describe(parameter, value))
    if hasattr(value, "__cuda_array_interface__"):
        return _describe_cuda(parameter, value)
    if hasattr(value, "__array_interface__") or hasattr(value, "__dlpack__"):
        return _describe_foreign(parameter, value)
    raise not_an_array(parameter, value)


def not_an_array(parameter: str, value: object) -> ArgumentError:
    """The error for an argument that is no array at all."""
    return ArgumentError(
        "E1004",
        f"argument '{parameter}'",
        expected="an array",
        got=f"{type(value).__name__}",
        hint="pass a NumPy array, a torch tensor or a DLPack object; "
        "numpy.asarray makes one from a list",
    )


def _describe_numpy(parameter: str, array: np.ndarray, owner: object) -> ArrayFacts:
    _refuse_numpy(parameter, array)
    size = array.itemsize
    steps = zip(array.shape, array.strides, strict=True)
    if array.size and any(step % size for extent, step in steps if extent > 1):
        raise ArgumentError(
            "E1009",
            f"strides of argument '{parameter}'",
            expected=f"multiples of the element size, {size} bytes",
            got=f"{array.strides} bytes",
            hint=f"pass numpy.ascontiguousarray({parameter})",
        )
    return ArrayFacts(
        "numpy",
        from_numpy(array.dtype),
        str(array.dtype),
        array.shape,
        tuple(stride // size for stride in array.strides),
        address_of(array),
        "cpu",
        "cpu",
        array.flags.writeable,
        owner,
        array,
    )


def _refuse_numpy(parameter: str, array: np.ndarray) -> None:
    kind = type(array).__name__
    if isinstance(array, np.ma.MaskedArray | np.matrix):
        raise ArgumentError(
            "E1005",
            f"argument '{parameter}'",
            expected="a plain array",
            got=f"a {kind}",
            hint=f"pass numpy.asarray({parameter}), and the mask as an argument of its own",
        )
    if array.dtype.names is not None or array.dtype.hasobject:
        what = "an object array" if array.dtype.hasobject else "a structured array"
        raise ArgumentError(
            "E1005",
            f"argument '{parameter}'",
            expected="an array of numbers",
            got=f"{what} of dtype {array.dtype}",
        )
    if not array.dtype.isnative:
        raise ArgumentError(
            "E1005",
            f"argument '{parameter}'",
            expected="native byte order",
            got=f"the byte-swapped dtype {array.dtype.str}",
            hint=f"pass {parameter}.astype({parameter}.dtype.newbyteorder('='))",
        )


def _describe_foreign(parameter: str, value: object) -> ArrayFacts:
    """An array of another library, viewed by NumPy, or by torch if NumPy cannot."""
    try:
        if hasattr(value, "__array_interface__"):
            array = np.asarray(value)
        else:
            array = np.from_dlpack(value)  # type: ignore[arg-type]
    except Exception as error:  # whatever the object's methods raise is the reason
        tensor = torch_arrays.from_dlpack(value)
        if tensor is not None:
            return ArrayFacts("torch", *torch_arrays.describe(parameter, tensor))
        reason = (str(error).splitlines() or [""])[0]
        raise ArgumentError(
            "E1005",
            f"argument '{parameter}', of type {type(value).__name__},",
            expected="memory that NumPy or torch can view",
            got=f"{type(error).__name__}: {reason}",
        ) from None
    return _describe_numpy(parameter, array, value)


def _describe_cuda(parameter: str, value: object) -> ArrayFacts:
    """An object with the CUDA array interface, versions 2 and 3."""
    facts = value.__cuda_array_interface__  # type: ignore[attr-defined]
    address, read_only = facts["data"]
    dtype = np.dtype(facts["typestr"])
    shape = tuple(int(extent) for extent in facts["shape"])
    steps = facts.get("strides")
    if facts.get("mask") is not None or dtype.names is not None:
        raise ArgumentError(
            "E1005",
            f"argument '{parameter}'",
            expected="a plain array",
            got="a masked or structured array",
        )
    strides = (
        row_major(shape)
        if steps is None
        else tuple(int(step) // dtype.itemsize for step in steps)
    )
    return ArrayFacts(
        "numpy",
        from_numpy(dtype),
        str(dtype),
        shape,
        strides,
        int(address),
        "cuda",
        f"cuda:{getattr(getattr(value, 'device', None), 'id', 0)}",
        not read_only,
        value,
        None,
    )


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides, in elements, of a contiguous array of this shape."""
    strides: list[int] = []
    step = 1
    for extent in reversed(shape):
        strides.append(step)
        step *= max(extent, 1)
    return tuple(reversed(strides))


def _data_offset() -> int | None:
    """Where an ndarray object keeps its data pointer; None if not where expected.

    Reading it there takes a tenth of the time of ``array.ctypes.data``.
    """
    offset = object.__basicsize__
    if (
        not isinstance(sys.implementation.name, str)
        or sys.implementation.name != "cpython"
    ):
        return None
    for probe in (np.zeros(3), np.zeros((2, 2), np.int8)[1:], np.zeros(())):
        if ctypes.c_void_p.from_address(id(probe) + offset).value != probe.ctypes.data:
            return None
    return offset


_OFFSET: Final = _data_offset()
_POINTER_AT: Final = ctypes.c_void_p.from_address


def address_of(array: np.ndarray) -> int:
    """The address of element 0."""
    if _OFFSET is None:
        return int(array.ctypes.data)
    return _POINTER_AT(id(array) + _OFFSET).value or 0
