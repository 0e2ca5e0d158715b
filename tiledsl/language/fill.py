"""``T.fill`` and ``T.clear`` (rule L64)."""

from __future__ import annotations

from tiledsl.frontend.buffers import BufferRef, Element, RegionRef, VarRef, store
from tiledsl.frontend.builder import here
from tiledsl.frontend.conversion import convert
from tiledsl.frontend.operands import check_tile_statement, on_whole_tensors, place
from tiledsl.frontend.snapshots import refuse_reads
from tiledsl.frontend.values import Operators, ScalarLike, operand
from tiledsl.ir.nodes import Fill


def fill(buffer: BufferRef | RegionRef | Operators, value: ScalarLike) -> None:
    """Sets every element to ``value``, evaluated once and converted as in a store.

    ``buffer`` is a buffer, a slice, a point or an ``alloc_var``.

    >>> import tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def lowest():
    ...     Y = T.empty((2,), "bfloat16")
    ...     with T.Kernel(1):
    ...         T.fill(Y, -T.infinity("bfloat16"))
    ...     return Y
    >>> lowest()
    array([-inf, -inf], dtype=bfloat16)
    """
    if isinstance(buffer, VarRef | Element):
        store(buffer.buffer, buffer.indices, value)
        return
    target = place(buffer, "fill", "the target")
    builder = check_tile_statement("fill")
    stored = convert(operand(value), target.buffer.dtype, implicit=True)
    if on_whole_tensors():
        refuse_reads([stored])
    builder.emit(Fill(target.region, stored, span=here()))


def clear(buffer: BufferRef | RegionRef | Operators) -> None:
    """Sets every element to 0."""
    fill(buffer, 0)
