"""A builder for Triton's interpreter that is exact, checked, and needs no torch.

Triton's own builder computes bfloat16 on bit patterns, truncates where it should round,
orders zeros as NumPy happens to, and follows any pointer.  This one repairs what
generated kernels use.  Imports Triton.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import triton.language as tl
from triton.runtime import interpreter
from triton.runtime.interpreter import TensorHandle, _get_np_dtype

from tiledsl_triton.exact_arithmetic import (
    fmax,
    fmin,
    fused,
    maximum,
    minimum,
    stored,
    widened,
)


class Spans(Protocol):
    """Judges addresses."""

    def check(self, addresses: np.ndarray, size: int, access: str) -> None: ...


class RepairedBuilder(interpreter.InterpreterBuilder):  # type: ignore[misc]  # untyped base
    """Computes as a GPU does, and only on memory that ``spans`` allows."""

    spans: Spans | None = None

    def _check(self, pointers: Any, mask: Any, access: str) -> None:
        if self.spans is not None:
            element = pointers.get_element_ty()
            size = max(1, element.primitive_bitwidth // 8)
            wanted = np.broadcast_to(mask.data, pointers.data.shape)
            self.spans.check(pointers.data[wanted], size, access)

    def create_masked_load(self, ptrs: Any, mask: Any, other: Any, *rest: Any) -> Any:
        self._check(ptrs, mask, "load")
        element = ptrs.get_element_ty()
        shape, carrier = ptrs.data.shape, np.dtype(_get_np_dtype(element))
        # what a masked lane reads is undefined; make that visible
        poison = 0xFF if ptrs.data.size > 1 else 0  # a scalar fill of 0 arrives as None
        data = np.full(carrier.itemsize, poison, np.uint8).view(carrier)
        if other is not None:
            data = other.data
        spread = TensorHandle(
            np.ascontiguousarray(np.broadcast_to(data, shape)), element
        )
        wanted = np.ascontiguousarray(np.broadcast_to(mask.data, shape))
        return super().create_masked_load(
            ptrs, TensorHandle(wanted, mask.dtype), spread, *rest
        )

    def create_masked_store(self, ptrs: Any, value: Any, mask: Any, *rest: Any) -> Any:
        self._check(ptrs, mask, "store")
        shape = ptrs.data.shape
        wanted = np.ascontiguousarray(np.broadcast_to(mask.data, shape))
        return super().create_masked_store(
            ptrs, value, TensorHandle(wanted, mask.dtype), *rest
        )

    def create_atomic_rmw(
        self, op: Any, ptr: Any, val: Any, mask: Any, *rest: Any
    ) -> Any:
        self._check(ptr, mask, "update")
        places, values, wanted = _dense(ptr, val, mask)
        return super().create_atomic_rmw(op, places, values, wanted, *rest)

    def create_atomic_cas(self, ptr: Any, cmp: Any, val: Any, *rest: Any) -> Any:
        everywhere = TensorHandle(np.ones(ptr.data.shape, np.bool_), tl.int1)
        self._check(ptr, everywhere, "update")
        return super().create_atomic_cas(*_dense(ptr, cmp, val), *rest)

    def get_bf16(self, value: float) -> Any:
        bits = stored(np.array([value]), tl.bfloat16, np.dtype(np.uint16))
        return TensorHandle(bits, tl.bfloat16)

    def _convert(self, src: Any, target: Any) -> Any:
        wide = widened(src.data, src.dtype.scalar)
        data = stored(wide, target.scalar, np.dtype(_get_np_dtype(target.scalar)))
        return TensorHandle(data, target.scalar)

    def cast_impl(self, src: Any, dst_type: Any) -> Any:
        return self._convert(src, dst_type)

    def create_fp_to_fp(self, src: Any, dst_type: Any, rounding_mode: Any) -> Any:
        return self._convert(src, dst_type)

    def create_dot(self, a: Any, b: Any, d: Any, *rest: Any) -> Any:
        x, y = (widened(t.data, t.dtype.scalar) for t in (a, b))
        carrier = d.data.dtype
        product = np.matmul(x.astype(carrier), y.astype(carrier))
        return TensorHandle((product + d.data).astype(carrier), d.dtype.scalar)

    def binary_op(self, lhs: Any, rhs: Any, op: Any) -> Any:
        result = super().binary_op(lhs, rhs, op)
        if result.data.dtype == np.bool_:
            # comparisons keep the operands' dtype, and a later splat believes it
            return TensorHandle(result.data, tl.int1)
        return result

    def create_minnumf(self, lhs: Any, rhs: Any) -> Any:
        return self.binary_op(lhs, rhs, fmin)

    def create_maxnumf(self, lhs: Any, rhs: Any) -> Any:
        return self.binary_op(lhs, rhs, fmax)

    def create_minimumf(self, lhs: Any, rhs: Any) -> Any:
        return self.binary_op(lhs, rhs, minimum)

    def create_maximumf(self, lhs: Any, rhs: Any) -> Any:
        return self.binary_op(lhs, rhs, maximum)

    def create_fma(self, x: Any, y: Any, z: Any) -> Any:
        data = fused(x.data, y.data, z.data)
        return TensorHandle(data, z.dtype.scalar)


def _dense(*handles: Any) -> list[Any]:
    """The operands in one shape, each contiguous, as the interpreter's loops need them."""
    spread = np.broadcast_arrays(*(handle.data for handle in handles))
    return [
        TensorHandle(np.ascontiguousarray(data), handle.dtype)
        for data, handle in zip(spread, handles, strict=True)
    ]
