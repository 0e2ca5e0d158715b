"""Reducers (rule L70): tiles that collect contributions and are read at the end."""

from __future__ import annotations

from typing import Final

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.arithmetic import binary
from tiledsl.frontend.buffers import BufferRef, Element, RegionRef, store
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.operands import check_tile_statement
from tiledsl.frontend.values import ScalarLike, apply
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Allocate, Buffer, Const, Fill, whole
from tiledsl.ir.ops import REDUCTIONS, identity
from tiledsl.language.allocation import static_shape
from tiledsl.language.copy import copy
from tiledsl.language.dtypes import dtype as dtype_of
from tiledsl.language.fill import fill

_REDUCTIONS: Final = {
    "sum": "sum",
    "max": "max",
    "min": "min",
    "bitand": "and",
    "bitor": "or",
    "bitxor": "xor",
}


class Reducer(BufferRef):
    """A tile that is contributed to in any order, and read once it is finalized."""

    __slots__ = ("reduction",)

    def __init__(self, buffer: Buffer, reduction: str) -> None:
        super().__init__(buffer, named=False)
        self.reduction = reduction

    def take_name(self, name: str) -> None:
        unfinished = Builder.active().unfinished
        unfinished.discard(self._buffer.name)
        super().take_name(name)
        unfinished.add(self._buffer.name)

    def __getitem__(self, key: object) -> Element | RegionRef:
        found = super().__getitem__(key)
        if isinstance(found, Element):
            return ReducerElement(found, self.reduction)
        return found


class ReducerElement(Element):
    """One element of a reducer."""

    __slots__ = ("reduction",)

    def __init__(self, element: Element, reduction: str) -> None:
        super().__init__(element.buffer, element.indices)
        self.reduction = reduction


def alloc_reducer(
    shape: object,
    dtype: object = "float32",
    op: str = "sum",
    replication: str | None = None,
) -> Reducer:
    """A reducer of static shape; ``op`` is sum, max, min, bitand, bitor or bitxor.

    ``T.reducer_init`` starts it, ``T.reducer_update`` contributes to an element, and
    ``T.finalize_reducer`` ends it; a read before that is E0218.  In the older form, with
    ``replication`` (a hint), ``T.fill`` starts it and reduction statements contribute.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def largest(X):
    ...     m, n = T.const("m, n")
    ...     X: T.Tensor((m, n), "float32")
    ...     Y = T.empty((m,), "float32")
    ...     with T.Kernel(1):
    ...         r = T.alloc_reducer((m,), "float32", op="max")
    ...         T.reducer_init(r)
    ...         for i, j in T.Parallel(m, n):
    ...             T.reducer_update(r[i], T.abs(X[i, j]))
    ...         T.finalize_reducer(r, Y)
    ...     return Y
    >>> largest(np.array([[1, -2], [3, 0]], np.float32))
    array([2., 3.], dtype=float32)
    """
    builder = check_tile_statement("alloc_reducer")
    kind = dtype_of(dtype)
    bitwise = str(op).startswith("bit")
    if op not in _REDUCTIONS or (kind.is_float if bitwise else kind == "bool"):
        raise KernelError(
            "E0215",
            "there is no such reducer",
            span=here(),
            expected=f"op one of {', '.join(_REDUCTIONS)}; bit operations on integers "
            "and bools, the others on numbers",
            got=f"{brief(op)} on {kind}",
        )
    sizes = static_shape("alloc_reducer", shape)
    name = builder.unique("reducer")
    buffer = Buffer(name, sizes, DType(kind), "fragment", span=here())
    builder.emit(Allocate(buffer, span=here()))
    builder.unfinished.add(name)
    return Reducer(buffer, _REDUCTIONS[op])


def reducer_init(reducer: Reducer, value: ScalarLike | None = None) -> None:
    """Starts a reducer from the identity of its operation, or from ``value``."""
    own = _reducer(reducer, "reducer_init")
    if value is not None:
        fill(own, value)
        return
    dtype = own.dtype
    start = Const(identity(own.reduction, dtype), dtype, span=here())
    check_tile_statement("reducer_init").emit(Fill(whole(own.ir), start, span=here()))


def reducer_update(element: Element, value: ScalarLike) -> None:
    """Contributes ``value`` to one element of a reducer; every contribution counts once."""
    if not isinstance(element, ReducerElement):
        raise KernelError(
            "E0206",
            "T.reducer_update takes an element of a reducer",
            span=here(),
            expected="r[i] of r = T.alloc_reducer(...)",
            got=brief(element),
        )
    op = REDUCTIONS[element.reduction]
    combined = apply(lambda a, b: binary(op, a, b), element, value)
    store(element.buffer, element.indices, combined, update=(op, value))


def finalize_reducer(
    reducer: Reducer, dst: BufferRef | RegionRef | None = None
) -> None:
    """Ends the collection: the reducer may be read, and is copied to ``dst``."""
    own = _reducer(reducer, "finalize_reducer")
    Builder.active().unfinished.discard(own.ir.name)
    if dst is not None:
        copy(own, dst)


def _reducer(x: object, operation: str) -> Reducer:
    if isinstance(x, Reducer):
        return x
    raise KernelError(
        "E0206",
        f"T.{operation} takes a reducer",
        span=here(),
        expected="what T.alloc_reducer(...) gave",
        got=brief(x),
    )
