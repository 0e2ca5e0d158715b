"""Conversions between dtypes, rounded once from the exact value (rule L35)."""

from __future__ import annotations

import math

from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.dtypes import FLOAT32, DType
from tiledsl.ir.nodes import Cast
from tiledsl_triton.operations import Operations
from tiledsl_triton.values import Value, literal, storage_literal, triton_type

_E8M0 = "float8_e8m0fnu"
_FP8 = ("float8_e4m3fn", "float8_e5m2")


def convert(operations: Operations, value: Value, cast: Cast) -> str:
    """The text of ``cast`` applied to ``value``."""
    source, target = value.dtype, cast.dtype
    _check_rounding(source, target, cast)
    if source == target:
        return value.typed
    if triton_type(source) == triton_type(target) and _E8M0 not in (source, target):
        return value.typed
    if source == _E8M0:
        wide = Value(operations.call("from_e8m0", value.typed), FLOAT32, value.axes)
        return convert(operations, wide, cast)
    if target == "bool":
        return _to_bool(value)
    if source.is_float and not target.is_float:
        return _to_integer(operations, value, target)
    if target.is_float:
        return _float(operations, value, cast)
    return _plain(value.typed, target)


def _to_bool(value: Value) -> str:
    text, zero = value.typed, "0"
    if value.dtype.is_float:
        zero = "0.0"
        if value.dtype.bits < 32:
            text = f"tl.cast({text}, tl.float32)"
    return f"{Value(text, value.dtype).atom} != {zero}"


def _plain(text: str, target: DType) -> str:
    return f"tl.cast({text}, tl.{triton_type(target)})"


def _check_rounding(source: DType, target: DType, cast: Cast) -> None:
    narrows = source.is_float and target.is_float and target.bits < source.bits
    narrows |= source.is_float and target.is_float and target.bits < 32
    wraps = target in _FP8 and not cast.saturate and source != target
    if (narrows and cast.rounding != "rn") or wraps:
        kind = f"rounding {cast.rounding!r}" if cast.rounding != "rn" else "sat=False"
        raise UnsupportedByTarget(
            "E2030",
            f"conversion of {source} to {target} with {kind}",
            span=cast.span,
            hint="compile this kernel for another backend",
        )


def _to_integer(operations: Operations, value: Value, target: DType) -> str:
    text = value.typed
    if value.dtype.bits < 32:
        text = f"tl.cast({text}, tl.float32)"
    low, high = float(target.minimum), float(int(target.maximum) + 1)
    # a fraction between -1 and 0 still converts to an unsigned 0
    if not target.is_signed:
        low = math.nextafter(-1.0, 0.0) if value.dtype == "float64" else -1 + 2.0**-24
    bounds = [
        storage_literal(v, target).typed for v in (target.minimum, target.maximum)
    ]
    limits = [literal(limit, value.dtype.evaluation).text for limit in (low, high)]
    return operations.call("to_integer", text, *limits, *bounds)


def _float(operations: Operations, value: Value, cast: Cast) -> str:
    """Number to float.  float32 stands between where the source or target is narrow."""
    source, target, text = value.dtype, cast.dtype, value.typed
    if target in ("float32", "float64"):
        return _plain(text, target)
    if source.bits > 32 or (source.is_integer and source.bits == 32):
        if source in ("int64", "uint64", "index"):
            raise UnsupportedByTarget(
                "E2030",
                f"conversion of {source} to {target} with one rounding",
                span=cast.span,
                hint="convert to float32 first, or use another backend",
            )
        wide = text if source == "float64" else f"tl.cast({text}, tl.float64)"
        text = operations.call("sticky_float32", wide)
    elif source != "float32":
        text = f"tl.cast({text}, tl.float32)"
    if target == _E8M0:
        return operations.call("to_e8m0", text)
    if target in _FP8:
        text = operations.call("clamp_finite", text, repr(float(target.maximum)))
    return _plain(text, target)
