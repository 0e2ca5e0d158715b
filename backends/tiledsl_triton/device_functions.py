"""NumPy in the place of libdevice, for kernels that run in the interpreter.

Imports Triton.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import triton.language as tl
from triton.runtime.interpreter import TensorHandle

_NUMPY: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "exp2": np.exp2, "log": np.log, "log2": np.log2, "log10": np.log10,
    "log1p": np.log1p, "rsqrt": lambda x: 1.0 / np.sqrt(x), "sin": np.sin, "cos": np.cos,
    "tan": np.tan, "tanh": np.tanh, "erf": np.vectorize(math.erf, otypes=[np.float64]),
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2,
    "sinh": np.sinh, "cosh": np.cosh, "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh, "hypot": np.hypot, "pow": np.power, "fmod": np.fmod,
    "copysign": np.copysign, "nearbyint": np.rint,
}  # fmt: skip


class DeviceFunctions:
    """Has the functions of libdevice; computes in float64 and rounds once."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name == "nextafter":
            return lambda *args: _apply(np.nextafter, args, widen=False)
        if name == "ldexp":
            return _ldexp
        if name not in _NUMPY:
            raise AttributeError(name)
        return lambda *args: _apply(_NUMPY[name], args)


def _result(data: np.ndarray, like: Any) -> Any:
    dtype = like.dtype.scalar
    shape = np.asarray(data).shape
    kind = tl.block_type(dtype, list(shape)) if like.type.is_block() else dtype
    return tl.tensor(TensorHandle(np.asarray(data), dtype), kind)


def _apply(
    function: Callable[..., Any], args: tuple[Any, ...], *, widen: bool = True
) -> Any:
    arrays = [arg.handle.data for arg in args]
    carrier = arrays[0].dtype
    if widen:
        arrays = [array.astype(np.float64) for array in arrays]
    block = next((arg for arg in args if arg.type.is_block()), args[0])
    return _result(np.asarray(function(*arrays)).astype(carrier), block)


def _ldexp(x: Any, exponent: Any) -> Any:
    data = x.handle.data
    wide = np.ldexp(data.astype(np.float64), exponent.handle.data)
    return _result(wide.astype(data.dtype), x)
