"""``T.sort`` and ``T.topk`` (rule L117): positions by one statement, then their values."""

from __future__ import annotations

from dataclasses import replace

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.buffers import BufferRef, RegionRef
from tiledsl.frontend.builder import Builder, here
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
    unit_dropped,
)
from tiledsl.frontend.scalars import scalar
from tiledsl.ir.dtypes import INDEX, INT32, DType
from tiledsl.ir.nodes import (
    Allocate,
    Buffer,
    Cast,
    Copy,
    Expr,
    Load,
    Parallel,
    Range,
    Region,
    Sort,
    Store,
    Var,
    index,
    whole,
)

Tile = BufferRef | RegionRef


def sort(
    src: Tile,
    values: Tile | None,
    indices: Tile | None = None,
    dim: int = -1,
    descending: bool = False,
) -> None:
    """The elements of ``src`` in order along ``dim``, and where in ``src`` they were.

    NaN is last either way, -0 is before +0, equal elements keep their order.
    ``values`` (converted as in a store; may be ``src`` itself) and ``indices`` (int32)
    have src's shape, extents of 1 aside; either may be None.

    E0214: ``dim`` is not one of src.  E0201: other shapes.  E0215: indices are not int32.
    E0207: operands overlap.  E0208: run-time extents.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def ordered(X):
    ...     n = T.const("n")
    ...     X: T.Tensor((n,), "int32")
    ...     Y = T.empty((n,), "int32")
    ...     with T.Kernel(1):
    ...         T.sort(X, Y)
    ...     return Y
    >>> ordered(np.array([3, 1, 2], np.int32))
    array([1, 2, 3], dtype=int32)
    """
    _ordered("sort", src, values, indices, None, dim, bool(descending))


def topk(
    src: Tile,
    values: Tile | None,
    indices: Tile | None,
    k: int,
    dim: int = -1,
    largest: bool = True,
) -> None:
    """The ``k`` largest (or smallest) elements of ``src`` along ``dim``, the best first.

    The first ``k`` of ``T.sort``, ``descending`` if ``largest``: of equal elements the one
    of the smaller index comes first, and NaN is only taken where nothing else is left.
    ``values`` and ``indices`` have extent ``k`` along ``dim``.  E0214: ``k`` is not a
    static number from 0 to the extent of ``dim``; otherwise as ``sort``.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def best(X):
    ...     m, n = T.const("m, n")
    ...     X: T.Tensor((m, n), "float32")
    ...     I = T.empty((m, 2), "int32")
    ...     with T.Kernel(1):
    ...         T.topk(X, None, I, 2)
    ...     return I
    >>> best(np.array([[0.5, 3, 3], [2, 1, 0]], np.float32)).tolist()
    [[1, 2], [0, 1]]
    """
    _ordered("topk", src, values, indices, k, dim, bool(largest))


def _ordered(
    operation: str,
    src: Tile,
    values: Tile | None,
    indices: Tile | None,
    k: int | None,
    dim: int,
    descending: bool,
) -> None:
    builder = check_tile_statement(operation)
    source = place(src, operation, "src")
    left, axis = _line(operation, source, dim)
    count = _count(operation, left, axis, k)
    shape = (*left.shape[:axis], index(count), *left.shape[axis + 1 :])
    targets = {
        role: _target(operation, role, place(x, operation, role), shape, axis)
        for role, x in (("values", values), ("indices", indices))
        if x is not None
    }
    if not targets:
        raise KernelError(
            "E0209", f"T.{operation} has neither values nor indices", span=here()
        )
    found, chosen = targets.get("values"), targets.get("indices")
    _check_overlaps(operation, source.region, left, found, chosen)
    if count == 0:
        return
    if chosen is None:
        chosen = _tile(builder, "order", shape, INT32)
    elif chosen.buffer.dtype != INT32:
        raise KernelError(
            "E0215",
            f"T.{operation} gives indices as int32",
            span=here(),
            expected="int32",
            got=f"{chosen.buffer.name}: {chosen.buffer.dtype}",
        )
    if found is not None and found.buffer.name == left.buffer.name:
        # sorting in place: the elements are fetched from where they were
        before = _tile(builder, "unsorted", left.shape, left.buffer.dtype)
        builder.emit(Copy(left, before, left.shape, span=here()))
        left = before
    builder.emit(Sort(left, chosen, axis, descending, span=here()))
    if found is not None:
        _fetch(builder, left, chosen, found, axis)


def _line(operation: str, source: Place, dim: int) -> tuple[Region, int]:
    """The source, and which of its ranges ``dim`` is."""
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
    if any(static_extent(extent) is None for extent in source.extents):
        raise KernelError(
            "E0208",
            f"T.{operation} needs static extents inside a kernel",
            span=here(),
            got=f"{source.buffer.name}{shown(source.extents)}",
            hint="copy to a static tile first; a fill of infinity sorts last",
        )
    region = unit_dropped(source.region, keep=dim % rank)
    return region, sum(isinstance(part, Range) for part in region.dims[: dim % rank])


def _count(operation: str, source: Region, axis: int, k: int | None) -> int:
    extent = static_extent(source.shape[axis]) or 0
    if k is None:
        return extent
    if isinstance(k, bool) or not isinstance(k, int) or not 0 <= k <= extent:
        raise KernelError(
            "E0214",
            f"T.{operation}: k is not a number of elements of {source.buffer.name}",
            span=here(),
            expected=f"a static number from 0 to {extent}",
            got=brief(k),
        )
    return k


def _target(
    operation: str, role: str, target: Place, shape: tuple[Expr, ...], axis: int
) -> Region:
    """The target with a range for each extent of ``shape``, extents of 1 aside."""
    region = _with_axis(target.region, shape, axis)
    same = len(region.shape) == len(shape) and all(
        equal(a, b) is True for a, b in zip(region.shape, shape, strict=True)
    )
    if not same:
        raise KernelError(
            "E0201",
            f"T.{operation}: {role} do not have the shape of the result",
            span=here(),
            expected=f"{shown(shape)}, extents of 1 aside",
            got=f"{target.buffer.name}{shown(target.extents)}",
        )
    return region


def _with_axis(region: Region, shape: tuple[Expr, ...], axis: int) -> Region:
    """Units dropped; if the sorted axis is one of them, the right one is kept."""
    dropped = unit_dropped(region)
    if static_extent(shape[axis]) != 1 or len(dropped.shape) == len(shape):
        return dropped
    ranges = 0
    for number, dim in enumerate(region.dims):
        unit = static_extent(as_range(dim).extent) == 1
        if unit and ranges == axis:
            return unit_dropped(region, keep=number)
        ranges += isinstance(dropped.dims[number], Range)
    return dropped


def _check_overlaps(
    operation: str,
    source: Region,
    line: Region,
    values: Region | None,
    indices: Region | None,
) -> None:
    in_place = values is not None and _covers(values, line)
    pairs = (
        ("src", "indices", source, indices),
        ("values", "indices", values, indices),
        ("src", "values", source, None if in_place else values),
    )
    for one, other, a, b in pairs:
        if a is not None and b is not None and overlap(a, b) is not False:
            raise KernelError(
                "E0207", f"T.{operation}: {one} and {other} overlap", span=here()
            )


def _covers(values: Region, source: Region) -> bool:
    """Whether the elements are written exactly where they were read."""
    return values.buffer.name == source.buffer.name and all(
        equal(as_range(a).start, as_range(b).start)
        and equal(as_range(a).extent, as_range(b).extent)
        for a, b in zip(values.dims, source.dims, strict=True)
    )


def _tile(builder: Builder, hint: str, shape: tuple[Expr, ...], dtype: DType) -> Region:
    """A new tile."""
    buffer = Buffer(builder.unique(hint), shape, dtype, "fragment", span=here())
    builder.emit(Allocate(buffer, span=here()))
    return replace(whole(buffer), span=here())


def _fetch(
    builder: Builder, source: Region, order: Region, target: Region, axis: int
) -> None:
    """``target[..., k, ...] = source[..., order[..., k, ...], ...]``."""
    span = here()
    at = tuple(Var(builder.unique("k"), INDEX, span=span) for _ in target.shape)
    position = Load(order.buffer, subscripts(order, at), span=span)
    from_source: tuple[Expr, ...] = (
        *at[:axis],
        Cast(position, INDEX, span=span),
        *at[axis + 1 :],
    )
    fill = source.fill
    element = Load(source.buffer, subscripts(source, from_source), fill, span=span)
    value = convert(scalar(element), target.buffer.dtype, implicit=True)
    store = Store(target.buffer, subscripts(target, at), value, span=span)
    builder.emit(Parallel(at, target.shape, (store,), span=span))
