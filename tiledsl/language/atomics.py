"""Atomic updates of block-local elements (rules L73 to L75).

Within a block an update is a reduction statement: every contribution counts once.
Updates of global elements from several blocks are not available yet.
"""

from __future__ import annotations

from typing import Final

from tiledsl.diagnostics import KernelError, UnsupportedByTarget, brief
from tiledsl.frontend.arithmetic import binary
from tiledsl.frontend.buffers import (
    BufferRef,
    Element,
    RegionRef,
    VarRef,
    counted,
    store,
)
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.conversion import convert
from tiledsl.frontend.threads.axis import in_thread_code
from tiledsl.frontend.values import ScalarLike, Value, apply, operand
from tiledsl.ir.nodes import Accumulate

Place = Element | VarRef
_REDUCTIONS: Final = {"add": "sum", "max": "max", "min": "min", "or": "or"}


def atomic_add(
    dst: Place,
    value: ScalarLike,
    memory_order: str | None = None,
    return_prev: bool = False,
    use_tma: bool = False,
) -> None:
    """``dst += value``, indivisibly; ``dst`` is an element of a block-local tile.

    E0206: dst is not an element.  UnsupportedByTarget: a global element, or
    ``return_prev``.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def histogram(IDS):
    ...     n = T.const("n")
    ...     IDS: T.Tensor((n,), "int32")
    ...     H = T.empty((4,), "int32")
    ...     with T.Kernel(1):
    ...         h = T.alloc_shared((4,), "int32")
    ...         T.clear(h)
    ...         for i in T.Parallel(n):
    ...             T.atomic_add(h[IDS[i]], 1)
    ...         T.copy(h, H)
    ...     return H
    >>> histogram(np.array([3, 1, 3, 0], np.int32))
    array([1, 1, 0, 2], dtype=int32)
    """
    _update("atomic_add", "add", dst, value, return_prev)


def atomic_max(
    dst: Place,
    value: ScalarLike,
    memory_order: str | None = None,
    return_prev: bool = False,
) -> None:
    """``dst = max(dst, value)``, indivisibly; otherwise as ``atomic_add``."""
    _update("atomic_max", "max", dst, value, return_prev)


def atomic_min(
    dst: Place,
    value: ScalarLike,
    memory_order: str | None = None,
    return_prev: bool = False,
) -> None:
    """``dst = min(dst, value)``, indivisibly; otherwise as ``atomic_add``."""
    _update("atomic_min", "min", dst, value, return_prev)


def atomic_or(
    dst: Place,
    value: ScalarLike,
    memory_order: str | None = None,
    return_prev: bool = False,
) -> None:
    """``dst |= value``, indivisibly; otherwise as ``atomic_add``."""
    _update("atomic_or", "or", dst, value, return_prev)


def atomic_load(src: Place, memory_order: str | None = None) -> Value:
    """The element of a block-local tile."""
    _check("atomic_load", src)
    return src.read()


def atomic_store(
    dst: Place, value: ScalarLike, memory_order: str | None = None
) -> None:
    """Writes an element of a block-local tile, with conversion."""
    _check("atomic_store", dst)
    store(dst.buffer, dst.indices, value)


def _update(
    operation: str, op: str, dst: Place, value: ScalarLike, return_prev: bool
) -> None:
    _check(operation, dst)
    if return_prev:
        raise _unavailable(operation, "with return_prev")
    if in_thread_code(Builder.active()):
        contribution = convert(
            operand(value), dst.buffer.dtype.evaluation, implicit=True
        )
        indices = counted(dst.buffer, dst.indices)
        reduction = _REDUCTIONS[op]
        update = Accumulate(reduction, dst.buffer, indices, contribution, span=here())
        Builder.active().emit(update)
        return
    combined = apply(lambda a, b: binary(op, a, b), dst, value)
    store(dst.buffer, dst.indices, combined, update=(op, value))


def _check(operation: str, place: object) -> None:
    if isinstance(place, BufferRef | RegionRef):
        raise _unavailable(operation, "on a tile")
    if not isinstance(place, Element | VarRef):
        raise KernelError(
            "E0206",
            f"T.{operation} takes one element",
            span=here(),
            expected="an element such as buf[i, j]",
            got=brief(place),
            hint="loop over the elements in T.Parallel",
        )
    if place.buffer.scope == "global":
        raise _unavailable(operation, "on a global tensor")


def _unavailable(operation: str, what: str) -> UnsupportedByTarget:
    return UnsupportedByTarget(
        "E2001",
        f"T.{operation} {what} is not available yet",
        span=here(),
        hint="collect in a block-local tile, write one partial result per block, and "
        "combine them in a second T.Kernel",
    )
