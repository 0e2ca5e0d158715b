"""Pointers to elements, where a place will do (rules L73, L106)."""

from __future__ import annotations

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.buffers import BufferRef, Element, RegionRef, VarRef
from tiledsl.frontend.builder import here
from tiledsl.ir.nodes import At

Place = BufferRef | RegionRef | Element | VarRef


def access_ptr(
    base: Place, access_type: str = "r", *extents: object, **hints: object
) -> Element | VarRef:
    """The place of the first element of ``base``, as ``T.atomic_add`` takes it.

    How the memory is going to be accessed, and how much of it, is a hint.  E0206: no
    buffer, slice or element.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def count(X):
    ...     X: T.Tensor((4,), "int32")
    ...     with T.Kernel(8) as block:
    ...         T.atomic_add(T.access_ptr(X[block % 4], "rw"), 1)
    >>> x = np.zeros(4, np.int32)
    >>> count(x)
    >>> x
    array([2, 2, 2, 2], dtype=int32)
    """
    if isinstance(base, Element | VarRef):
        return base
    if isinstance(base, BufferRef):
        return base.access_ptr()
    if isinstance(base, RegionRef):
        dims = base.ir.dims
        starts = tuple(dim.index if isinstance(dim, At) else dim.start for dim in dims)
        return Element(base.ir.buffer, starts)
    raise KernelError(
        "E0206",
        "a pointer is one to an element of a buffer",
        span=here(),
        expected="an element buf[i, j], a slice or a buffer",
        got=brief(base),
    )


def address_of(element: Place) -> Element | VarRef:
    """The place of an element; as ``access_ptr``."""
    return access_ptr(element)


def annotate_restrict_buffers(*buffers: BufferRef) -> None:
    """Says that arguments may share memory; no two arguments here ever do (rule L106).

    Calls refuse arguments that overlap if one of them is written (E1012), annotated or
    not.  E0206: not a buffer.
    """
    for buffer in buffers:
        if not isinstance(buffer, BufferRef):
            raise KernelError(
                "E0206",
                "T.annotate_restrict_buffers takes tensors",
                span=here(),
                got=brief(buffer),
            )
