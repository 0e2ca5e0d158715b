"""``T.transpose`` (rule L65): an element loop, since a copy pairs dimensions in order."""

from __future__ import annotations

from dataclasses import replace

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.buffers import BufferRef, RegionRef
from tiledsl.frontend.builder import here
from tiledsl.frontend.conversion import convert
from tiledsl.frontend.operands import (
    Place,
    as_range,
    check_tile_statement,
    equal,
    overlap,
    place,
    shown,
    static_extent,
    subscripts,
)
from tiledsl.frontend.pairing import DEPTH
from tiledsl.frontend.scalars import scalar
from tiledsl.ir.dtypes import INDEX
from tiledsl.ir.nodes import (
    Apply,
    At,
    Expr,
    If,
    Load,
    Parallel,
    Region,
    Select,
    Statement,
    Store,
    Var,
    index,
)

Tile = BufferRef | RegionRef


def transpose(src: Tile, dst: Tile) -> None:
    """``dst[..., j, i] = src[..., i, j]`` on the last two dimensions.

    Elements outside a buffer or slice are read as 0 and not written; elements convert as
    in a store.  E0201: the shapes do not match; E0207: src and dst overlap.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def turned(X):
    ...     m, n = T.const("m, n")
    ...     X: T.Tensor((m, n), "int32")
    ...     Y = T.empty((n, m), "int32")
    ...     with T.Kernel(1):
    ...         T.transpose(X, Y)
    ...     return Y
    >>> turned(np.array([[1, 2, 3]], np.int32)).tolist()
    [[1], [2], [3]]
    """
    builder = check_tile_statement("transpose")
    source, target = place(src, "transpose", "src"), place(dst, "transpose", "dst")
    left, right = _with_matrix(source), _with_matrix(target)
    _check_shapes(source, target, left, right)
    if overlap(left, right) is not False and left.buffer == right.buffer:
        raise KernelError(
            "E0207",
            "T.transpose: src and dst overlap",
            span=here(),
            got=left.buffer.name,
        )
    # the loop runs over the target, so that every iteration writes its own element
    variables = tuple(Var(builder.unique("t"), INDEX, span=here()) for _ in right.shape)
    body = _body(left, right, variables)
    builder.emit(Parallel(variables, right.shape, body, span=here()))


def _with_matrix(operand: Place) -> Region:
    """The region with leading units as points and the last two dimensions as ranges."""
    dims = operand.region.dims
    if operand.form == "point" or len(dims) < 2:
        raise KernelError(
            "E0201",
            "T.transpose takes operands of rank 2 or more",
            span=here(),
            got=f"{operand.buffer.name}{shown(operand.extents)}",
        )
    leading = (
        At(as_range(dim).start, span=dim.span)
        if static_extent(as_range(dim).extent) == 1
        else dim
        for dim in dims[:-2]
    )
    return replace(
        operand.region, dims=(*leading, as_range(dims[-2]), as_range(dims[-1]))
    )


def _check_shapes(source: Place, target: Place, left: Region, right: Region) -> None:
    expected = (*left.shape[:-2], left.shape[-1], left.shape[-2])
    same = len(expected) == len(right.shape) and all(
        equal(a, b) is not False for a, b in zip(expected, right.shape, strict=True)
    )
    if not same:
        raise KernelError(
            "E0201",
            "T.transpose: the operands do not match",
            span=here(),
            expected=f"a target of shape {shown(expected)}",
            got=f"{source.buffer.name}{shown(source.extents)} and "
            f"{target.buffer.name}{shown(target.extents)}",
        )


def _body(
    left: Region, right: Region, variables: tuple[Var, ...]
) -> tuple[Statement, ...]:
    """``right[variables] = left[exchanged variables]``, guarded where sizes may differ."""
    span = here()
    exchanged = (*variables[:-2], variables[-1], variables[-2])
    visited = (*right.shape[:-2], right.shape[-1], right.shape[-2])
    read = subscripts(left, exchanged)
    guard = _inside(exchanged, left.shape, visited)
    target_is_inner = DEPTH[right.buffer.scope] > DEPTH[left.buffer.scope]
    if guard is not None and target_is_inner:
        # past the end of a slice nothing is read, as outside the buffer
        read = (Select(guard, read[0], index(-1), span=span), *read[1:])
    value = scalar(Load(left.buffer, read, span=span))
    stored = convert(value, right.buffer.dtype, implicit=True)
    store = Store(right.buffer, subscripts(right, variables), stored, span=span)
    if guard is None or target_is_inner:
        return (store,)
    return (If(guard, (store,), span=span),)


def _inside(
    point: tuple[Var, ...], extents: tuple[Expr, ...], visited: tuple[Expr, ...]
) -> Expr | None:
    """Whether ``point`` lies within ``extents``; None where that is certain."""
    tests = [
        Apply("lt", (variable, extent), span=here())
        for variable, extent, seen in zip(point, extents, visited, strict=True)
        if not equal(extent, seen)
    ]
    result: Expr | None = None
    for test in tests:
        result = test if result is None else Apply("and", (result, test), span=here())
    return result
