"""Atomic updates of elements and tiles (rules L73 to L75)."""

from __future__ import annotations

from typing import Final, cast

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.atomic_tiles import update_tile
from tiledsl.frontend.atomic_updates import emit_atomic
from tiledsl.frontend.buffers import BufferRef, Element, RegionRef, VarRef, counted
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.conversion import convert
from tiledsl.frontend.values import ScalarLike, Value, as_index, operand, wrap
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Expr, Var
from tiledsl.ir.ops import ATOMICS, MEMORY_ORDERS, SCALAR_OPS
from tiledsl.language.pointers import access_ptr

Place = Element | VarRef | BufferRef | RegionRef
Source = ScalarLike | BufferRef | RegionRef

# memory orders by their numbers in C11's header
_NUMBERED: Final = dict(enumerate(MEMORY_ORDERS))


def atomic_add(
    dst: Place,
    value: Source,
    memory_order: str | int | None = None,
    return_prev: bool = False,
    use_tma: bool = False,
) -> Value | None:
    """``dst += value``, indivisibly, whichever blocks and iterations do so at once.

    ``dst`` is an element and ``value`` a scalar; or ``dst`` is a buffer, a slice, or the
    point where a tile starts, and ``value`` a tile or a scalar, with extents as those of
    ``T.copy``.  The value is converted to dst's dtype, and the sum rounded at each update;
    the order of updates is unspecified.  Outside its buffer an element is not updated.
    ``return_prev`` (elements only): the element as it was before.  ``memory_order`` is
    relaxed unless given; ``use_tma`` is a hint.

    E0206: dst is no place.  E0209: an unknown memory order, or return_prev for a tile.
    E0221: the dtype has no atomic updates.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def histogram(IDS, H):
    ...     n = T.const("n")
    ...     IDS: T.Tensor((n,), "int32")
    ...     H: T.Tensor((4,), "int32")
    ...     with T.Kernel(T.ceildiv(n, 2)) as block:
    ...         for i in T.Parallel(2):
    ...             if block * 2 + i < n:
    ...                 T.atomic_add(H[IDS[block * 2 + i]], 1)
    >>> counts = np.zeros(4, np.int32)
    >>> histogram(np.array([3, 1, 3, 0], np.int32), counts)
    >>> counts
    array([1, 1, 0, 2], dtype=int32)
    """
    return _update("atomic_add", "add", dst, value, memory_order, return_prev)


def atomic_max(
    dst: Place,
    value: Source,
    memory_order: str | int | None = None,
    return_prev: bool = False,
) -> Value | None:
    """``dst = max(dst, value)``, indivisibly; otherwise as ``atomic_add``."""
    return _update("atomic_max", "max", dst, value, memory_order, return_prev)


def atomic_min(
    dst: Place,
    value: Source,
    memory_order: str | int | None = None,
    return_prev: bool = False,
) -> Value | None:
    """``dst = min(dst, value)``, indivisibly; otherwise as ``atomic_add``."""
    return _update("atomic_min", "min", dst, value, memory_order, return_prev)


def atomic_or(
    dst: Place,
    value: Source,
    memory_order: str | int | None = None,
    return_prev: bool = False,
) -> Value | None:
    """``dst |= value``, indivisibly; otherwise as ``atomic_add``."""
    return _update("atomic_or", "or", dst, value, memory_order, return_prev)


def atomic_load(src: Place, memory_order: str | int | None = None) -> Value:
    """An element, read indivisibly."""
    place = _element("atomic_load", src)
    return wrap(cast(Var, _emit("atomic_load", "load", place, None, memory_order)))


def atomic_store(
    dst: Place, value: ScalarLike, memory_order: str | int | None = None
) -> None:
    """Writes an element indivisibly, with conversion."""
    place = _element("atomic_store", dst)
    _emit("atomic_store", "exchange", place, value, memory_order)


def atomic_addx2(
    dst: Place,
    value: Source,
    memory_order: str | int | None = None,
    return_prev: bool = False,
) -> tuple[Value, ...] | None:
    """``atomic_add`` of two consecutive elements along the last dimension."""
    return _several("atomic_addx2", 2, dst, value, memory_order, return_prev)


def atomic_addx4(
    dst: Place,
    value: Source,
    memory_order: str | int | None = None,
    return_prev: bool = False,
) -> tuple[Value, ...] | None:
    """``atomic_add`` of four consecutive elements along the last dimension."""
    return _several("atomic_addx4", 4, dst, value, memory_order, return_prev)


def _update(
    operation: str,
    op: str,
    dst: Place,
    value: Source,
    memory_order: str | int | None,
    return_prev: bool,
) -> Value | None:
    tiles = (BufferRef, RegionRef)
    if isinstance(dst, tiles) or isinstance(value, tiles):
        _check_dtype(operation, op, dst)
        if _flag(operation, return_prev):
            raise _wrong_argument(operation, "return_prev", "an element as dst")
        update_tile(operation, op, dst, value, _order(operation, memory_order))
        return None
    place = _element(operation, dst)
    asked = _flag(operation, return_prev)
    before = _emit(operation, op, place, value, memory_order, previous=asked)
    return None if before is None else wrap(before)


def _several(
    operation: str,
    count: int,
    dst: Place,
    value: Source,
    memory_order: str | int | None,
    return_prev: bool,
) -> tuple[Value, ...] | None:
    """Each element is updated indivisibly, not all of them together."""
    targets = _consecutive(operation, dst, count)
    values = _consecutive(operation, value, count)
    asked = _flag(operation, return_prev)
    before = []
    for target, part in zip(targets, values, strict=True):
        before.append(
            _emit(operation, "add", target, part, memory_order, previous=asked)
        )
    return tuple(wrap(var) for var in before if var is not None) or None


def _consecutive(operation: str, first: object, count: int) -> list[Element]:
    """Elements from an element or the start of a slice on."""
    start = access_ptr(first) if isinstance(first, RegionRef) else first
    place = _element(operation, start)
    if not place.indices:
        raise KernelError(
            "E0206",
            f"T.{operation} takes {count} elements that follow each other",
            span=here(),
            expected="an element such as buf[i, j], or the slice that starts there",
            got=brief(place),
        )
    *rows, last = (wrap(index) for index in place.indices)
    lead = tuple(as_index(row) for row in rows)
    return [Element(place.buffer, (*lead, as_index(last + k))) for k in range(count)]


def _emit(
    operation: str,
    op: str,
    place: Element | VarRef,
    value: object,
    memory_order: str | int | None,
    *,
    previous: bool = False,
) -> Var | None:
    order = _order(operation, memory_order)
    _check_dtype(operation, op, place)
    stored: Expr | None = None
    if op != "load":
        stored = convert(operand(value), place.dtype, implicit=True)
    indices = counted(place.buffer, place.indices)
    builder = Builder.active()
    return emit_atomic(
        builder, op, place.buffer, indices, stored, previous=previous, order=order
    )


def _element(operation: str, place: object) -> Element | VarRef:
    """The place of one element; it is not read."""
    if isinstance(place, Element):
        Builder.active().reads.forget(place)
        return place
    if isinstance(place, VarRef):
        return place
    raise KernelError(
        "E0206",
        f"T.{operation} takes one element",
        span=here(),
        expected="an element such as buf[i, j]",
        got=brief(place),
        hint="loop over the elements in T.Parallel",
    )


def _order(operation: str, memory_order: object) -> str:
    if memory_order is None:
        return "relaxed"
    known = memory_order if isinstance(memory_order, str) else None
    if isinstance(memory_order, int) and not isinstance(memory_order, bool):
        known = _NUMBERED.get(memory_order)
    if known not in MEMORY_ORDERS:
        raise _wrong_argument(operation, "memory_order", ", ".join(MEMORY_ORDERS))
    return known


def _flag(operation: str, return_prev: object) -> bool:
    if isinstance(return_prev, bool):
        return return_prev
    raise _wrong_argument(operation, "return_prev", "True or False")


def _wrong_argument(operation: str, name: str, expected: str) -> KernelError:
    return KernelError(
        "E0209", f"the argument {name} of T.{operation}", span=here(), expected=expected
    )


def _check_dtype(operation: str, op: str, place: object) -> None:
    dtype = getattr(place, "dtype", None)
    if not isinstance(dtype, DType):
        return
    scalar = ATOMICS[op]
    narrow = dtype.is_packed or (dtype.is_float and dtype.bits < 16)
    if narrow or (scalar and not SCALAR_OPS[scalar].accepts(dtype.evaluation)):
        raise KernelError(
            "E0221",
            f"T.{operation} is not defined on {dtype}",
            span=here(),
            hint="collect in a wider dtype and convert in a second T.Kernel",
        )
