"""``T.copy`` (rules L57 to L63)."""

from __future__ import annotations

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.buffers import BufferRef, Element, RegionRef, VarRef, store
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.conversion import warn_truncation
from tiledsl.frontend.operands import (
    check_tile_statement,
    overlap,
    place,
    same_elements,
)
from tiledsl.frontend.pairing import pair
from tiledsl.frontend.values import Operators
from tiledsl.ir.nodes import Copy, Wait

Operand = BufferRef | RegionRef | Operators


def copy(
    src: Operand,
    dst: Operand,
    *,
    coalesced_width: int | None = None,
    disable_tma: bool = False,
    eviction_policy: object = None,
    prefer_instruction: object = None,
    annotations: object = None,
    loop_layout: object = None,
) -> None:
    """``dst[p] = src[p]`` for every point p of the two operands' common space.

    Operands are whole buffers (of equal shape), slices, or one point: the origin of a
    region with the other side's extents.  Extents of 1 are dropped, the others paired in
    order; the side with the inner scope gives the space.  Reads outside a buffer or slice
    give 0 or the safe value, writes there are skipped.  Elements convert as in a store.
    The keywords are hints.

    E0201: the shapes do not pair.  E0202: too few indices in a point.  E0204: the source
    is larger than the target.  E0207: the operands overlap.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def widened(X):
    ...     n = T.const("n")
    ...     X: T.Tensor((n,), "float16")
    ...     Y = T.empty((n,), "float32")
    ...     with T.Kernel(T.ceildiv(n, 4)) as bx:
    ...         tile = T.alloc_shared((4,), "float32")
    ...         T.copy(X[bx * 4], tile)  # zeros past the end of X
    ...         T.copy(tile, Y[bx * 4])  # nothing is written past the end of Y
    ...     return Y
    >>> widened(np.array([1, 2, 3, 4, 5.5], np.float16))
    array([1. , 2. , 3. , 4. , 5.5], dtype=float32)
    """
    if isinstance(src, VarRef | Element) and isinstance(dst, VarRef | Element):
        _assign(src, dst)
        return
    _copy_tile(src, dst, asynchronous=False)


def _copy_tile(src: Operand, dst: Operand, *, asynchronous: bool) -> None:
    builder = check_tile_statement("copy")
    source, target = place(src, "copy", "src"), place(dst, "copy", "dst")
    pairing = pair(source, target, "copy")
    if overlap(pairing.source, pairing.target) and not same_elements(
        pairing.source, pairing.target
    ):
        raise KernelError(
            "E0207",
            f"T.copy: source and target overlap in {source.buffer.name}",
            span=here(),
            hint="copy through another tile",
        )
    warn_truncation(source.buffer.dtype, target.buffer.dtype)
    regions = pairing.source, pairing.target
    builder.emit(Copy(*regions, pairing.shape, asynchronous, span=here()))


def _assign(src: Operators, dst: VarRef | Element) -> None:
    """Between points: the element assignment."""
    store(dst.buffer, dst.indices, src)


def async_copy(src: Operand, dst: Operand, **hints: object) -> None:
    """``copy``, after which nobody may use the target before the block waits.

    ``T.ptx_wait_group`` and barriers wait.  Waiting is implied where it is left out, but
    checked mode reports it (rule L63).
    """
    if isinstance(src, VarRef | Element) and isinstance(dst, VarRef | Element):
        _assign(src, dst)
        return
    _copy_tile(src, dst, asynchronous=True)


def ptx_wait_group(*arguments: object) -> None:
    """Waits for all asynchronous copies of the block (rule L63)."""
    builder = Builder.active()
    if builder.inside("launch") and not builder.inside("parallel"):
        builder.emit(Wait(span=here()))
