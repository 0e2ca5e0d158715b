"""Aliases of buffers: ``T.reshape`` and ``T.view`` (rule L46)."""

from __future__ import annotations

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.buffers import BufferRef
from tiledsl.frontend.builder import here
from tiledsl.frontend.symbols import extents
from tiledsl.frontend.values import as_index
from tiledsl.frontend.views import view_of
from tiledsl.ir.dtypes import DType
from tiledsl.language.dtypes import dtype as dtype_of


def reshape(src: BufferRef, shape: object) -> BufferRef:
    """The elements of a whole buffer, row-major, under another shape: an alias, no copy.

    E0323: the numbers of elements differ, or the buffer is not row-major.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def row_sums(X):
    ...     X: T.Tensor((6,), "float32")
    ...     Y = T.empty((2,), "float32")
    ...     with T.Kernel(1):
    ...         rows = T.alloc_fragment((2, 3), "float32")
    ...         T.copy(T.reshape(X, (2, 3)), rows)
    ...         T.reduce_sum(rows, Y, dim=1)
    ...     return Y
    >>> row_sums(np.arange(6, dtype=np.float32))
    array([ 3., 12.], dtype=float32)
    """
    return view(src, shape)


def view(src: BufferRef, shape: object = None, dtype: object = None) -> BufferRef:
    """The bytes of a whole buffer under another shape and dtype: an alias, no copy.

    Writes show both ways.  Elements of another width are little-endian parts, or
    sequences, of the buffer's.  Without ``shape`` or ``dtype`` it keeps the buffer's.
    E0206: no buffer.  E0323: the sizes differ, or the buffer is not row-major.
    """
    if not isinstance(src, BufferRef):
        raise KernelError(
            "E0206",
            "a view is one of a whole buffer",
            span=here(),
            expected="a tensor, or a tile of T.alloc_shared or T.alloc_fragment",
            got=brief(src),
        )
    kind = src.dtype if dtype is None else DType(dtype_of(dtype))
    if shape is None:
        return view_of(src, src.ir.shape, kind)
    sizes = tuple(as_index(size) for size in extents(shape, "a view's shape"))
    return view_of(src, sizes, kind)
