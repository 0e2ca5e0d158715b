"""Conversions between dtypes, rounded once from the exact value (rule L35)."""

from __future__ import annotations

from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.dtypes import FLOAT32, DType
from tiledsl.ir.nodes import Cast
from tiledsl_triton.operations import Operations
from tiledsl_triton.values import Value, literal, storage_literal, triton_type

_E8M0 = "float8_e8m0fnu"
_FP8 = ("float8_e4m3fn", "float8_e5m2")
# the largest float32 that still rounds to a finite value; what lies beyond: NaN, infinity
_OVERFLOW = {
    "float8_e4m3fn": ("464.0", "0x7F"),
    "float8_e5m2": ("61439.99609375", "0x7C"),
}


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
    """Refuses directed roundings to powers of two, and together with overflow."""
    narrows = source.is_float and target.is_float and _narrower(target, source)
    directed = narrows and cast.rounding != "rn"
    unsaturated = target in _FP8 and not cast.saturate and source != target
    if directed and (target == _E8M0 or unsaturated):
        raise UnsupportedByTarget(
            "E2030",
            f"conversion of {source} to {target}, rounding {cast.rounding!r}"
            + (", saturate False" if unsaturated else ""),
            span=cast.span,
            hint="compile this kernel for another backend",
        )


def _narrower(target: DType, source: DType) -> bool:
    """Whether some value of the source is none of the target."""
    return target.bits < source.bits or (target.bits < 32 and target != source)


def _to_integer(operations: Operations, value: Value, target: DType) -> str:
    text = value.typed
    if value.dtype.bits < 32:
        text = f"tl.cast({text}, tl.float32)"
    low, high = float(target.minimum), float(int(target.maximum) + 1)
    bounds = [
        storage_literal(v, target).typed for v in (target.minimum, target.maximum)
    ]
    limits = [literal(limit, value.dtype.evaluation).text for limit in (low, high)]
    return operations.call("to_integer", text, *limits, *bounds)


def _float(operations: Operations, value: Value, cast: Cast) -> str:
    """Number to float.  float32 stands between where the source or target is narrow."""
    source, target, text = value.dtype, cast.dtype, value.typed
    directed = cast.rounding != "rn" and source.is_float and _narrower(target, source)
    if target.bits >= 32:
        if directed:
            return _directed(operations, text, cast)
        return _plain(text, target)
    if source.bits > 32 or (source.is_integer and source.bits == 32):
        wide = text if source == "float64" else f"tl.cast({text}, tl.float64)"
        if source.is_integer and source.bits == 64:
            wide = operations.call("sticky_float64", text)
        text = operations.call("sticky_float32", wide)
    elif source != "float32":
        text = f"tl.cast({text}, tl.float32)"
    if target == _E8M0:
        return operations.call("to_e8m0", text)
    if target in _FP8 and not cast.saturate:
        limit, code = _OVERFLOW[target]
        largest, narrow = repr(float(target.maximum)), f"tl.{triton_type(target)}"
        return operations.call("overflow_to", text, limit, code, largest, narrow)
    if target in _FP8:
        text = operations.call("clamp_finite", text, repr(float(target.maximum)))
    if directed:
        return _directed(operations, text, cast)
    return _plain(text, target)


def _directed(operations: Operations, text: str, cast: Cast) -> str:
    mode = {"rz": "0", "rp": "1", "rm": "-1"}[cast.rounding]
    narrow, bits = f"tl.{triton_type(cast.dtype)}", f"tl.int{cast.dtype.bits}"
    return operations.call("round_toward", text, mode, narrow, bits)
