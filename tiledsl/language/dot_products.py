"""``T.dp4a`` (rule L76): four products of 8-bit integers added to a 32-bit one."""

from __future__ import annotations

from typing import Final

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.arithmetic import binary
from tiledsl.frontend.buffers import BufferRef, Element, RegionRef, VarRef, store
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.operands import as_range, static_extent
from tiledsl.frontend.values import Operators, Value, apply, as_index, converted
from tiledsl.ir.dtypes import INT32, DType
from tiledsl.ir.nodes import Apply, Expr, index

_LANES: Final = 4
_BYTES: Final = ("int8", "uint8")
_WORDS: Final = {"int32": "int8", "uint32": "uint8"}

Operand = Operators | BufferRef | RegionRef
Target = Element | VarRef | BufferRef


def dp4a(A: Operand, B: Operand, C: Target) -> None:
    """``C += A[0] * B[0] + ... + A[3] * B[3]``, modulo 2^32.

    ``A`` and ``B``: four consecutive elements of int8 or uint8, as the element they start
    at, a buffer or a slice; or one int32 (uint32) that packs four int8 (uint8), the first
    in its low byte.  ``C``: an int32 element or variable, or a buffer, whose first element
    is meant.  E0205: other dtypes; E0206: other operands.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def dot(X, Y):
    ...     X: T.Tensor((4,), "int8")
    ...     Y: T.Tensor((4,), "int8")
    ...     Z = T.empty((1,), "int32")
    ...     with T.Kernel(1):
    ...         Z[0] = 0
    ...         T.dp4a(X[0], Y[0], Z[0])
    ...     return Z
    >>> dot(np.array([1, 2, 3, 4], np.int8), np.array([1, -1, 1, -1], np.int8))
    array([-2], dtype=int32)
    """
    target = _target(C)
    left, right = _lanes(A, "A"), _lanes(B, "B")
    total: Value | None = None
    for a, b in zip(left, right, strict=True):
        product = converted(a, INT32) * converted(b, INT32)
        total = product if total is None else total + product
    if total is not None:
        result = apply(lambda x, y: binary("add", x, y), target, total)
        store(target.buffer, target.indices, result, update=("+", total))


def _target(x: object) -> Element | VarRef:
    if isinstance(x, BufferRef):
        x = Element(x.ir, (index(0),) * x.ir.rank)
    if not isinstance(x, Element | VarRef):
        raise KernelError(
            "E0206",
            "C of T.dp4a is no place",
            span=here(),
            expected="an int32 element such as acc[i], or a variable",
            got=brief(x),
        )
    if x.dtype != INT32:
        raise _dtype_error("C", x.dtype, "int32")
    return x


def _lanes(x: object, role: str) -> list[Value]:
    """The four numbers of an operand."""
    if isinstance(x, BufferRef):
        x = Element(x.ir, (index(0),) * x.ir.rank)
    elif isinstance(x, RegionRef):
        x = _start(x, role)
    if isinstance(x, Element) and x.dtype in _BYTES:
        Builder.active().reads.forget(x)
        *before, last = x.indices
        return [
            Element(x.buffer, (*before, _moved(last, lane))) for lane in range(_LANES)
        ]
    if isinstance(x, Operators):
        word = x.read()
        if word.dtype not in _WORDS or word.scalar.is_index:
            raise _dtype_error(role, word.dtype, "int8, uint8, int32 or uint32")
        part = DType(_WORDS[word.dtype])
        return [converted(word >> (8 * lane), part) for lane in range(_LANES)]
    raise KernelError(
        "E0206",
        f"{role} of T.dp4a is not an operand",
        span=here(),
        expected="an element that four int8 elements start at, or an int32",
        got=brief(x),
    )


def _start(x: RegionRef, role: str) -> Element:
    """The first element of a slice of four along the last dimension."""
    dims = [as_range(dim) for dim in x.ir.dims]
    sizes = [static_extent(dim.extent) for dim in dims]
    if sizes != [1] * (len(sizes) - 1) + [_LANES]:
        raise KernelError(
            "E0201",
            f"{role} of T.dp4a is not four consecutive elements",
            span=here(),
            got=str(x),
        )
    return Element(x.ir.buffer, tuple(dim.start for dim in dims))


def _moved(at: Expr, lane: int) -> Expr:
    return Apply("add", (at, as_index(lane)), span=here()) if lane else at


def _dtype_error(role: str, dtype: DType, expected: str) -> KernelError:
    return KernelError(
        "E0205",
        f"T.dp4a does not take this dtype as {role}",
        span=here(),
        expected=expected,
        got=str(dtype),
    )
