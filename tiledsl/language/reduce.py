"""``T.reduce_sum`` and the other reductions (rule L68)."""

from __future__ import annotations

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.buffers import BufferRef, RegionRef, VarRef
from tiledsl.frontend.builder import here
from tiledsl.frontend.operands import (
    Place,
    check_tile_statement,
    equal,
    on_whole_tensors,
    overlap,
    place,
    shown,
    static_extent,
    unit_dropped,
)
from tiledsl.frontend.values import Value
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Range, Reduce, Region

Tile = BufferRef | RegionRef
Target = BufferRef | RegionRef | Value | VarRef


def reduce_sum(
    src: Tile, out: Target, dim: int = -1, clear: bool = True, *, batch: int = 1
) -> None:
    """``out = sum(src along dim)``, added to out's content if not ``clear``.

    ``out`` has src's shape without ``dim``; extents of 1 are ignored on both sides.  Each
    element is converted to out's evaluation dtype, carried there and rounded once.
    ``batch`` is a hint.

    E0214: the shapes disagree, or ``dim`` is not one of src.  E0215: dtypes that the
    operation is not defined on.  E0207: src and out overlap.  E0208: run-time extents.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def row_sums(X):
    ...     m, n = T.const("m, n")
    ...     X: T.Tensor((m, n), "int32")
    ...     S = T.empty((m,), "int32")
    ...     with T.Kernel(1):
    ...         s = T.alloc_fragment((m,), "int32")
    ...         T.reduce_sum(X, s, dim=1)
    ...         T.copy(s, S)
    ...     return S
    >>> row_sums(np.array([[1, 2, 3], [4, 5, 6]], np.int32))
    array([ 6, 15], dtype=int32)
    """
    _reduce("sum", src, out, dim, clear)


def reduce_max(
    src: Tile,
    out: Target,
    dim: int = -1,
    clear: bool = True,
    nan_propagate: bool = False,
    *,
    batch: int = 1,
) -> None:
    """``out = max(src along dim)``, also with out's content if not ``clear``.

    NaN is ignored unless ``nan_propagate``.  Shapes and errors as ``reduce_sum``.
    """
    _reduce("max", src, out, dim, clear, nan_propagate)


def reduce_min(
    src: Tile,
    out: Target,
    dim: int = -1,
    clear: bool = True,
    nan_propagate: bool = False,
    *,
    batch: int = 1,
) -> None:
    """``out = min(src along dim)``; otherwise as ``reduce_max``."""
    _reduce("min", src, out, dim, clear, nan_propagate)


def reduce_abssum(
    src: Tile, out: Target, dim: int = -1, clear: bool = True, *, batch: int = 1
) -> None:
    """``out = sum(|src| along dim)``; otherwise as ``reduce_sum``."""
    _reduce("abssum", src, out, dim, clear)


def reduce_absmax(
    src: Tile,
    out: Target,
    dim: int = -1,
    clear: bool = True,
    nan_propagate: bool = False,
    *,
    batch: int = 1,
) -> None:
    """``out = max(|src| along dim)``; otherwise as ``reduce_max``."""
    _reduce("absmax", src, out, dim, clear, nan_propagate)


def reduce_bitand(
    src: Tile, out: Target, dim: int = -1, clear: bool = True, *, batch: int = 1
) -> None:
    """``out = src[0] & src[1] & ...`` along dim, on integers and bools."""
    _reduce("and", src, out, dim, clear)


def reduce_bitor(
    src: Tile, out: Target, dim: int = -1, clear: bool = True, *, batch: int = 1
) -> None:
    """``out = src[0] | src[1] | ...`` along dim, on integers and bools."""
    _reduce("or", src, out, dim, clear)


def reduce_bitxor(
    src: Tile, out: Target, dim: int = -1, clear: bool = True, *, batch: int = 1
) -> None:
    """``out = src[0] ^ src[1] ^ ...`` along dim, on integers and bools."""
    _reduce("xor", src, out, dim, clear)


def _reduce(
    reduction: str,
    src: Tile,
    out: Target,
    dim: int,
    clear: bool,
    nan_propagate: bool = False,
) -> None:
    operation = _spelling(reduction)
    builder = check_tile_statement(operation)
    source, target = place(src, operation, "src"), place(out, operation, "out")
    rank = len(source.extents)
    valid = isinstance(dim, int) and not isinstance(dim, bool) and -rank <= dim < rank
    if source.form == "point" or not valid:
        raise KernelError(
            "E0214",
            f"T.{operation}: dim is not a dimension of {source.buffer.name}",
            span=here(),
            expected=f"{-rank} to {rank - 1}",
            got=brief(dim),
        )
    _check_dtypes(operation, reduction, source.buffer.dtype, target.buffer.dtype)
    kept = dim % rank
    left = unit_dropped(source.region, keep=kept)
    right = unit_dropped(target.region)
    axis = sum(isinstance(part, Range) for part in left.dims[:kept])
    _check_shapes(operation, source, target, left, right, axis)
    if overlap(left, right) and static_extent(left.shape[axis]) != 1:
        raise KernelError("E0207", f"T.{operation}: src and out overlap", span=here())
    builder.emit(
        Reduce(
            reduction, left, right, axis, bool(clear), bool(nan_propagate), span=here()
        )
    )


def _spelling(reduction: str) -> str:
    bits = "bit" if reduction in ("and", "or", "xor") else ""
    return f"reduce_{bits}{reduction}"


def _check_shapes(
    operation: str, source: Place, target: Place, left: Region, right: Region, axis: int
) -> None:
    for extent in (*left.shape, *right.shape):
        if static_extent(extent) is None and not on_whole_tensors():
            raise KernelError(
                "E0208",
                f"T.{operation} needs static extents inside a kernel",
                span=here(),
                got=f"{source.buffer.name}{shown(source.extents)}",
                hint="copy to a static tile first",
            )
    remaining = left.shape[:axis] + left.shape[axis + 1 :]
    same = len(remaining) == len(right.shape) and all(
        equal(a, b) for a, b in zip(remaining, right.shape, strict=True)
    )
    if not same:
        raise KernelError(
            "E0214",
            f"T.{operation}: out does not have src's shape without the reduced dimension",
            span=here(),
            expected=f"{shown(remaining)}, extents of 1 aside",
            got=f"{target.buffer.name}{shown(target.extents)} for "
            f"{source.buffer.name}{shown(source.extents)}",
        )


def _check_dtypes(operation: str, reduction: str, source: DType, target: DType) -> None:
    bitwise = reduction in ("and", "or", "xor")
    wrong = [
        dtype
        for dtype in (source, target)
        if (dtype.is_float if bitwise else dtype == "bool")
    ]
    if wrong:
        raise KernelError(
            "E0215",
            f"T.{operation} is not defined on {wrong[0]}",
            span=here(),
            expected="integers or bools" if bitwise else "numbers",
            got=f"{source} -> {target}",
        )
