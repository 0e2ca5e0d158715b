"""A builder for Triton's interpreter that is exact, checked, and needs no torch.

Triton's own builder computes bfloat16 on bit patterns, truncates where it should round,
orders zeros as NumPy happens to, and follows any pointer.  The class made here repairs
what generated kernels use; Triton's modules are changed only inside ``patched``.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from typing import Any, Protocol

import ml_dtypes
import numpy as np


class Spans(Protocol):
    """Judges addresses."""

    def check(self, addresses: np.ndarray, size: int, access: str) -> None: ...


_NARROW = {
    "bf16": ml_dtypes.bfloat16,
    "fp8e4nv": ml_dtypes.float8_e4m3fn,
    "fp8e5": ml_dtypes.float8_e5m2,
}


def _floats(data: np.ndarray, dtype: object) -> np.ndarray:
    """Narrow floats as float32, other data as it is."""
    carrier = _NARROW.get(str(dtype))
    if carrier is None:
        return data
    return np.ascontiguousarray(data).view(carrier).astype(np.float32)


def _stored(data: np.ndarray, dtype: object, plain: np.dtype[Any]) -> np.ndarray:
    """Values in the representation of a Triton dtype, rounded to nearest even."""
    carrier = _NARROW.get(str(dtype))
    if carrier is None:
        return np.asarray(data).astype(plain)
    narrow = np.asarray(data).astype(np.float32).astype(carrier)
    return narrow.view(plain)


def _ordered(choose: Callable[..., np.ndarray], zero: float) -> Callable[..., Any]:
    """A minimum or maximum with -0 < +0."""

    def choice(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        result = choose(a, b)
        if result.dtype.kind != "f":
            return result
        either = (a == 0) & (b == 0)
        signed = np.signbit(a) | np.signbit(b)
        other = np.signbit(a) & np.signbit(b)
        negative = signed if zero < 0 else other
        zeros = np.where(negative, result.dtype.type(-0.0), result.dtype.type(0.0))
        return np.where(either, zeros, result)

    return choice


_fmin, _fmax = _ordered(np.fmin, -1.0), _ordered(np.fmax, 1.0)
_minimum, _maximum = _ordered(np.minimum, -1.0), _ordered(np.maximum, 1.0)


def _reduced(data: np.ndarray, axis: int | None, kind: str) -> np.ndarray:
    """Max or min along an axis: NaN ignored, -0 < +0."""
    if axis is None:
        data, axis = data.reshape(-1), 0
    if data.dtype.kind != "f":
        choose = np.maximum if kind == "max" else np.minimum
        return choose.reduce(data, axis=axis)
    choose = np.fmax if kind == "max" else np.fmin
    result = choose.reduce(data, axis=axis)
    zeros = np.where(data == 0, np.copysign(1.0, data), 0.0)
    if kind == "max":
        sign = np.where((zeros > 0).any(axis=axis), 1.0, -1.0)
    else:
        sign = np.where((zeros < 0).any(axis=axis), -1.0, 1.0)
    signed = np.copysign(np.zeros_like(result), sign.astype(result.dtype))
    return np.where(result == 0, signed, result)


def _fused_one(x: float, y: float, z: float) -> float:
    if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(z)):
        return x * y + z
    exact = Fraction(x) * Fraction(y) + Fraction(z)
    if exact == 0:
        return x * y + z
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


_fused_float64 = np.frompyfunc(_fused_one, 3, 1)


def _fused(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """X * y + z, rounded once."""
    if z.dtype == np.float64:
        return np.asarray(_fused_float64(x, y, z)).astype(np.float64)
    # the product is exact in float64; the sum, rounded to odd, survives a second rounding
    product = x.astype(np.float64) * y
    total = product + z
    share = total - product
    lost = (product - (total - share)) + (z - share)
    even = np.ascontiguousarray(total).view(np.int64)
    toward = np.where((lost > 0) == (total > 0), 1, -1)
    inexact = (lost != 0) & np.isfinite(total) & (even & 1 == 0)
    odd = np.where(inexact, even + toward, even).view(np.float64)
    return odd.astype(np.float32)


_REDUCTIONS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "product_of": lambda data, axis: np.multiply.reduce(data, axis=axis),
    "all_bits_of": lambda data, axis: np.bitwise_and.reduce(data, axis=axis),
    "any_bits_of": lambda data, axis: np.bitwise_or.reduce(data, axis=axis),
    "odd_bits_of": lambda data, axis: np.bitwise_xor.reduce(data, axis=axis),
    "_elementwise_max": lambda data, axis: _reduced(data, axis, "max"),
    "_elementwise_min": lambda data, axis: _reduced(data, axis, "min"),
}


@cache
def _builder_class() -> type:
    """The repaired builder; made when Triton's interpreter is first needed."""
    import triton.language as triton_language
    from triton.runtime import interpreter

    handle, plain = interpreter.TensorHandle, interpreter._get_np_dtype

    class Builder(interpreter.InterpreterBuilder):  # type: ignore[misc]
        spans: Spans | None = None

        def _check(self, pointers: Any, mask: Any, access: str) -> None:
            if self.spans is not None:
                element = pointers.get_element_ty()
                size = max(1, element.primitive_bitwidth // 8)
                wanted = np.broadcast_to(mask.data, pointers.data.shape)
                self.spans.check(pointers.data[wanted], size, access)

        def create_masked_load(
            self, ptrs: Any, mask: Any, other: Any, *rest: Any
        ) -> Any:
            self._check(ptrs, mask, "load")
            element = ptrs.get_element_ty()
            shape, carrier = ptrs.data.shape, np.dtype(plain(element))
            # what a masked lane reads is undefined; make that visible
            data = np.full(carrier.itemsize, 0xFF, np.uint8).view(carrier)
            if other is not None:
                data = other.data
            spread = handle(np.ascontiguousarray(np.broadcast_to(data, shape)), element)
            wanted = np.ascontiguousarray(np.broadcast_to(mask.data, shape))
            return super().create_masked_load(
                ptrs, handle(wanted, mask.dtype), spread, *rest
            )

        def create_masked_store(
            self, ptrs: Any, value: Any, mask: Any, *rest: Any
        ) -> Any:
            self._check(ptrs, mask, "store")
            shape = ptrs.data.shape
            wanted = np.ascontiguousarray(np.broadcast_to(mask.data, shape))
            return super().create_masked_store(
                ptrs, value, handle(wanted, mask.dtype), *rest
            )

        def _convert(self, src: Any, target: Any) -> Any:
            wide = _floats(src.data, src.dtype.scalar)
            data = _stored(wide, target.scalar, np.dtype(plain(target.scalar)))
            return handle(data, target.scalar)

        def cast_impl(self, src: Any, dst_type: Any) -> Any:
            return self._convert(src, dst_type)

        def create_fp_to_fp(self, src: Any, dst_type: Any, rounding_mode: Any) -> Any:
            return self._convert(src, dst_type)

        def create_dot(self, a: Any, b: Any, d: Any, *rest: Any) -> Any:
            x, y = (_floats(t.data, t.dtype.scalar) for t in (a, b))
            carrier = d.data.dtype
            product = np.matmul(x.astype(carrier), y.astype(carrier))
            return handle((product + d.data).astype(carrier), d.dtype.scalar)

        def binary_op(self, lhs: Any, rhs: Any, op: Any) -> Any:
            result = super().binary_op(lhs, rhs, op)
            if result.data.dtype == np.bool_:
                # comparisons keep the operands' dtype, and a later splat believes it
                return handle(result.data, triton_language.int1)
            return result

        def create_minnumf(self, lhs: Any, rhs: Any) -> Any:
            return self.binary_op(lhs, rhs, _fmin)

        def create_maxnumf(self, lhs: Any, rhs: Any) -> Any:
            return self.binary_op(lhs, rhs, _fmax)

        def create_minimumf(self, lhs: Any, rhs: Any) -> Any:
            return self.binary_op(lhs, rhs, _minimum)

        def create_maximumf(self, lhs: Any, rhs: Any) -> Any:
            return self.binary_op(lhs, rhs, _maximum)

        def create_fma(self, x: Any, y: Any, z: Any) -> Any:
            data = _fused(x.data, y.data, z.data)
            return handle(data, z.dtype.scalar)

    return Builder


@cache
def _builder() -> tuple[Any, Any]:
    """The one builder, which rewritten functions keep, and its semantic."""
    from triton.language.semantic import TritonSemantic

    builder = _builder_class()()
    return builder, TritonSemantic(builder)


def _patched_reduce(reduce_class: type) -> Callable[..., Any]:
    original = reduce_class.apply_impl  # type: ignore[attr-defined]

    def apply_impl(self: Any, values: Any) -> Any:
        name = getattr(self.combine_fn, "__name__", "")
        fast = _REDUCTIONS.get(name)
        one = values[0] if isinstance(values, tuple) else values
        if fast is None or self.keep_dims:
            return original(self, values)
        return self.to_tensor(fast(one.handle.data, self.axis), one.dtype)

    return apply_impl


_Saved = list[tuple[Any, dict[str, Any]]]


def _snapshot() -> _Saved:
    """The attributes of everything that interpretation changes."""
    import triton.language as tl
    from triton.runtime import interpreter

    places: list[Any] = [tl, tl.core, tl.math, tl.standard, interpreter]
    places += [c for c in vars(tl.core).values() if isinstance(c, type)]
    places += [
        interpreter.ReduceOps,
        interpreter.ScanOps,
        interpreter.InterpretedFunction,
    ]
    return [(place, dict(vars(place))) for place in places]


def _restore(saved: _Saved) -> None:
    for place, before in saved:
        for name, value in list(vars(place).items()):
            if name not in before:
                delattr(place, name)
            elif before[name] is not value:
                setattr(place, name, before[name])


@cache
def _function_class() -> type:
    from triton.runtime import interpreter

    class Function(interpreter.InterpretedFunction):  # type: ignore[misc]
        """A function that runs inside ``patched`` only, so calls need not patch again."""

        rewritten_fn: dict[Any, Any] = {}  # noqa: RUF012 - shared on purpose, as in the base

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return self.rewrite()(*args, **kwargs)

    return Function


def interpreted(function: Any) -> Any:
    """A jitted function as one that the interpreter runs."""
    return _function_class()(function.fn)


@cache
def _standard_functions() -> dict[str, Any]:
    """Triton's library functions written in Triton (sum, max, ...), to interpret."""
    import triton.language as tl
    from triton.runtime.jit import JITFunction

    found = vars(tl.standard).items()
    return {name: interpreted(f) for name, f in found if isinstance(f, JITFunction)}


@contextmanager
def patched(spans: Spans) -> Iterator[Any]:
    """Inside, ``triton.language`` computes on NumPy arrays; yields the builder."""
    import triton.language as tl
    from triton.runtime import interpreter

    standard = _standard_functions()
    saved = _snapshot()
    builder, semantic = _builder()
    builder.spans = spans
    try:
        interpreter.interpreter_builder = builder
        interpreter.interpreter_semantic = semantic
        interpreter.ReduceOps.apply_impl = _patched_reduce(interpreter.ReduceOps)
        modules = types.SimpleNamespace(__globals__={"tl": tl, "core": tl.core})
        interpreter._patch_lang(modules)
        for module in (tl, tl.standard):
            for name, function in standard.items():
                if hasattr(module, name):
                    setattr(module, name, function)
        for name, value in list(vars(interpreter).items()):
            # rewritten library functions look these up in their own module
            if not hasattr(tl.standard, name):
                setattr(tl.standard, name, value)
        tl.core.tensor.__index__ = lambda self: int(self.handle.data.reshape(-1)[0])
        yield builder
    finally:
        _restore(saved)
