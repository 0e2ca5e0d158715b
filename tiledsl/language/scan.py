"""``T.cumsum`` and ``T.cummax`` (rule L69): lines side by side, each in order."""

from __future__ import annotations

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.buffers import BufferRef, RegionRef
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.conversion import convert
from tiledsl.frontend.operands import (
    as_range,
    check_tile_statement,
    equal,
    on_whole_tensors,
    overlap,
    place,
    same_elements,
    shown,
    static_extent,
    subscripts,
)
from tiledsl.frontend.scalars import scalar
from tiledsl.ir.dtypes import INDEX, DType
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    Block,
    Buffer,
    Const,
    Expr,
    For,
    Load,
    Parallel,
    Region,
    Store,
    Var,
    index,
)
from tiledsl.ir.ops import REDUCTIONS, identity

Tile = BufferRef | RegionRef


def cumsum(
    src: Tile, dst: Tile | None = None, dim: int = 0, reverse: bool = False
) -> None:
    """``dst[k] = src[0] + ... + src[k]`` along ``dim``, from the end if ``reverse``.

    ``dst`` None means in place.  Sums are carried in dst's evaluation dtype.  E0201: the
    shapes differ; E0214: ``dim`` is not one of src; E0215: bools; E0207: a partial
    overlap; E0208: run-time extents.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def remaining(X):
    ...     n = T.const("n")
    ...     X: T.Tensor((n,), "int32")
    ...     Y = T.empty((n,), "int32")
    ...     with T.Kernel(1):
    ...         T.cumsum(X, Y, dim=0, reverse=True)
    ...     return Y
    >>> remaining(np.array([1, 2, 3], np.int32))
    array([6, 5, 3], dtype=int32)
    """
    _scan("cumsum", "sum", src, dst, dim, reverse)


def cummax(
    src: Tile, dst: Tile | None = None, dim: int = 0, reverse: bool = False
) -> None:
    """``dst[k] = max(src[0], ..., src[k])`` along ``dim``; NaN is ignored.

    Otherwise as ``cumsum``.
    """
    _scan("cummax", "max", src, dst, dim, reverse)


def _scan(
    operation: str, reduction: str, src: Tile, dst: Tile | None, dim: int, reverse: bool
) -> None:
    builder = check_tile_statement(operation)
    source = place(src, operation, "src")
    target = source if dst is None else place(dst, operation, "dst")
    left, right = _ranges(source.region), _ranges(target.region)
    _check(operation, left, right, dim)
    _check_dtypes(operation, left.buffer.dtype, right.buffer.dtype)
    axis = dim % len(left.dims)
    variables = tuple(Var(builder.unique("s"), INDEX, span=here()) for _ in left.dims)
    body = _line(builder, reduction, left, right, variables, axis, bool(reverse))
    others = [number for number in range(len(variables)) if number != axis]
    if not others and on_whole_tensors():
        lane = Var(builder.unique("s"), INDEX, span=here())
        builder.emit(Parallel((lane,), (index(1),), body, span=here()))
        return
    if not others:
        for statement in body:
            builder.emit(statement)
        return
    lanes = tuple(variables[number] for number in others)
    extents = tuple(left.shape[number] for number in others)
    builder.emit(Parallel(lanes, extents, body, span=here()))


def _ranges(region: Region) -> Region:
    dims = tuple(as_range(dim) for dim in region.dims)
    return Region(region.buffer, dims, region.fill, span=region.span)


def _line(
    builder: Builder,
    reduction: str,
    left: Region,
    right: Region,
    variables: tuple[Var, ...],
    axis: int,
    reverse: bool,
) -> Block:
    """One line: a carry that visits the elements in order."""
    span = here()
    dtype = right.buffer.dtype.evaluation
    carry = Buffer(builder.unique("carry"), (), dtype, "local", span=span)
    start = Const(identity(reduction, dtype), dtype, span=span)
    extent = left.shape[axis]
    step: Expr = variables[axis]
    if reverse:
        known = static_extent(extent)
        last: Expr = Apply("sub", (extent, index(1)), span=span)
        if known is not None:
            last = index(known - 1)
        step = Apply("sub", (last, variables[axis]), span=span)
    point = (*variables[:axis], step, *variables[axis + 1 :])
    element = scalar(Load(left.buffer, subscripts(left, point), span=span))
    term = convert(element, dtype, implicit=True)
    total = Apply(REDUCTIONS[reduction], (Load(carry, (), span=span), term), span=span)
    result = convert(
        scalar(Load(carry, (), span=span)), right.buffer.dtype, implicit=True
    )
    body: Block = (
        Store(carry, (), total, span=span),
        Store(right.buffer, subscripts(right, point), result, span=span),
    )
    loop = For(variables[axis], index(0), extent, index(1), body, span=span)
    return (Allocate(carry, span=span), Store(carry, (), start, span=span), loop)


def _check(operation: str, left: Region, right: Region, dim: int) -> None:
    rank = len(left.dims)
    if not isinstance(dim, int) or isinstance(dim, bool) or not -rank <= dim < rank:
        raise KernelError(
            "E0214",
            f"T.{operation}: dim is not a dimension of {left.buffer.name}",
            span=here(),
            expected=f"{-rank} to {rank - 1}",
            got=brief(dim),
        )
    run_time = any(static_extent(part) is None for part in (*left.shape, *right.shape))
    if run_time and not on_whole_tensors():
        raise KernelError(
            "E0208",
            f"T.{operation} needs static extents inside a kernel",
            span=here(),
            hint="copy to a static tile first",
        )
    if rank != len(right.dims) or not all(map(equal, left.shape, right.shape)):
        raise KernelError(
            "E0201",
            f"T.{operation}: the operands have different shapes",
            span=here(),
            got=f"{left.buffer.name}{shown(left.shape)} and "
            f"{right.buffer.name}{shown(right.shape)}",
        )
    if overlap(left, right) is not False and not same_elements(left, right):
        raise KernelError("E0207", f"T.{operation}: src and dst overlap", span=here())


def _check_dtypes(operation: str, source: DType, target: DType) -> None:
    if "bool" in (source, target):
        raise KernelError(
            "E0215",
            f"T.{operation} is not defined on bool",
            span=here(),
            expected="numbers",
            got=f"{source} -> {target}",
        )
