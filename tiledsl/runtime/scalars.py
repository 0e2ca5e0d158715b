"""Scalar arguments: what is accepted, and its value in the parameter's dtype (L100)."""

from __future__ import annotations

import math
import sys

import numpy as np

from tiledsl.diagnostics import ArgumentError
from tiledsl.ir.dtypes import FLOAT64, DType

Number = int | float | bool


def convert_scalar(parameter: str, value: object, dtype: DType) -> Number:
    """The number that a kernel sees.  Raises ArgumentError for a wrong type or range."""
    plain = _plain(parameter, value, dtype)
    if dtype.kind == "bool":
        if isinstance(plain, bool):
            return plain
    elif dtype.is_integer:
        if isinstance(plain, int) and not isinstance(plain, bool):
            return _in_range(parameter, plain, dtype)
    elif isinstance(plain, int | float) and not isinstance(plain, bool):
        return _rounded(parameter, plain, dtype)
    raise _wrong_type(parameter, value, dtype)


def _plain(parameter: str, value: object, dtype: DType) -> object:
    """A Python number, from a NumPy scalar or a 0-d array of any library."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        if value.ndim:
            raise _wrong_type(parameter, value, dtype)
        return value.item()
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        if value.dim() or value.device.type == "meta":
            raise _wrong_type(parameter, value, dtype)
        return value.item()
    return value


def _in_range(parameter: str, value: int, dtype: DType) -> int:
    if dtype.minimum <= value <= dtype.maximum:
        return value
    text = (
        str(value)
        if abs(value) < 1 << 128
        else f"an integer of {value.bit_length()} bits"
    )
    raise ArgumentError(
        "E1015",
        f"argument '{parameter}'",
        expected=f"{dtype} from {dtype.minimum} to {dtype.maximum}",
        got=text,
    )


def _rounded(parameter: str, value: int | float, dtype: DType) -> float:
    try:
        exact = float(value)
    except OverflowError:
        exact = math.inf
    if dtype == FLOAT64 and math.isfinite(exact):
        return exact
    with np.errstate(all="ignore"):
        result = float(_narrowed(exact, dtype))
    if math.isfinite(value if isinstance(value, float) else 0.0) and not math.isfinite(
        result
    ):
        raise ArgumentError(
            "E1015",
            f"argument '{parameter}'",
            expected=f"{dtype} of magnitude at most {dtype.maximum}",
            got=f"{value:.6g}" if isinstance(value, float) else "a larger integer",
        )
    return result


def _narrowed(value: float, dtype: DType) -> np.generic:
    """``value`` rounded once: through float32 with odd rounding where NumPy has no way."""
    carrier = dtype.as_numpy()
    if dtype in ("float16", "float32", "tfloat32", "float64"):
        return carrier.type(value)
    near = np.float32(value)
    if float(near) != value and math.isfinite(float(near)):
        bits = int(near.view(np.uint32))
        if not bits & 1:  # step to the odd neighbor on the side of the exact value
            away = (abs(value) > abs(float(near))) * 2 - 1
            near = np.uint32(bits + away).view(np.float32)
    return carrier.type(near)


def _wrong_type(parameter: str, value: object, dtype: DType) -> ArgumentError:
    got = type(value).__name__
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):  # a torch.Size is one too; a class has none
        got += f" of shape {tuple(shape)}"
    hint = None
    if isinstance(value, float | np.floating) and dtype.is_integer:
        hint = f"pass int({parameter}) if that is what you mean"
    elif shape and isinstance(shape, tuple):
        hint = f"pass {parameter}.item(), or a 0-d array"
    return ArgumentError(
        "E1014",
        f"argument '{parameter}'",
        expected=f"a scalar of dtype {dtype}",
        got=got,
        hint=hint,
    )
