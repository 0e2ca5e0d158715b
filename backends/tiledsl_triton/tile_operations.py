"""Rewrites copy, fill and reduce to ``Parallel``; gives every gemm plain operands.

    copy A[i, 0:n] -> t[0:n]      for p in Parallel(n): t[p] = A[i, p]
    reduce sum s along 1 into r   fill r = 0; for i, j in Parallel: r[i] += s[i, j]
    gemm(A[k:k+64, :], ...)       copy A[k:k+64, :] -> fresh; gemm(fresh, ...)

What follows meets only elements and gemms of block-local buffers at constant positions.
"""

from __future__ import annotations

from dataclasses import replace

from tiledsl.ir.dtypes import INDEX, DType
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Apply,
    At,
    Buffer,
    Cast,
    Const,
    Copy,
    Expr,
    Fill,
    Function,
    Gemm,
    If,
    Let,
    Load,
    Node,
    Parallel,
    Range,
    Reduce,
    Region,
    Select,
    Statement,
    Store,
    Var,
    index,
    whole,
)
from tiledsl.ir.ops import identity
from tiledsl.ir.visitor import transform
from tiledsl_triton.naming import Names


def expand_tile_operations(function: Function, names: Names) -> Function:
    """The function without Copy, Fill and Reduce, and with plain gemm operands."""

    def change(node: Node) -> Node | tuple[Node, ...]:
        if isinstance(node, Copy):
            return expand_copy(node, names)
        if isinstance(node, Fill):
            return _expand_fill(node, names)
        if isinstance(node, Reduce):
            return _expand_reduce(node, names)
        if isinstance(node, Gemm):
            return _expand_gemm(node, names)
        return node

    return transform(function, change)


def constant(expr: Expr) -> int | None:
    """The value of an integer constant."""
    return int(expr.value) if isinstance(expr, Const) else None


def add(a: Expr, b: Expr) -> Expr:
    """The sum of two index expressions, folded where both are constant."""
    left, right = constant(a), constant(b)
    if left == 0:
        return b
    if right == 0:
        return a
    if left is not None and right is not None:
        return index(left + right)
    return Apply("add", (a, b))


def both(conditions: list[Expr]) -> Expr:
    """The conjunction of at least one condition."""
    result = conditions[0]
    for condition in conditions[1:]:
        result = Apply("and", (result, condition))
    return result


def _space(shape: tuple[Expr, ...], regions: tuple[Region, ...]) -> tuple[Expr, ...]:
    """The shape, with run-time extents replaced by the static ends of local buffers."""
    result = list(shape)
    for region in regions:
        if region.buffer.scope == "global":
            continue
        ranges = [
            (extent, dim)
            for extent, dim in zip(region.buffer.shape, region.dims, strict=True)
            if isinstance(dim, Range)
        ]
        for axis, (extent, _) in enumerate(ranges):
            if constant(result[axis]) is None and constant(extent) is not None:
                result[axis] = extent
    return tuple(result)


def _elements(
    region: Region, variables: tuple[Var, ...], clips: list[bool]
) -> tuple[tuple[Expr, ...], tuple[bool, ...], list[Expr]]:
    """Indices of the region's element, which of them are proved, tests of its extents."""
    indices: list[Expr] = []
    proved: list[bool] = []
    tests: list[Expr] = []
    points = iter(zip(variables, clips, strict=True))
    for dim in region.dims:
        if isinstance(dim, At):
            indices.append(dim.index)
            proved.append(dim.proved)
            continue
        variable, clipped = next(points)
        indices.append(add(dim.start, variable))
        proved.append(dim.proved)
        if clipped:
            tests.append(Apply("lt", (variable, dim.extent)))
    return tuple(indices), tuple(proved), tests


def _clips(region: Region, space: tuple[Expr, ...]) -> list[bool]:
    """For each axis of the space, whether it may exceed the region's range."""
    clips = []
    for extent, size in zip(region.shape, space, strict=True):
        have, want = constant(extent), constant(size)
        exceeds = want > have if have is not None and want is not None else True
        clips.append(extent != size and exceeds)
    return clips


def convert(value: Expr, dtype: DType) -> Expr:
    """A value of one storage dtype as another one."""
    return value if value.dtype == dtype else Cast(value, dtype)


def expand_copy(copy: Copy, names: Names) -> Statement:
    """One iteration per point; run-time extents become tests where a tile is bounded."""
    space = _space(copy.shape, (copy.target, copy.source))
    variables = tuple(Var(names.fresh(f"p{axis}"), INDEX) for axis in range(len(space)))
    indices, proved, outside = _elements(
        copy.source, variables, _clips(copy.source, space)
    )
    source = copy.source.buffer
    fill = copy.source.fill
    value: Expr = Load(source, indices, fill, proved, span=copy.span)
    if outside:
        zero = fill or Const(0.0 if source.dtype.is_float else 0, source.dtype)
        value = Select(both(outside), value, zero, span=copy.span)
    value = convert(value, copy.target.buffer.dtype)
    indices, proved, tests = _elements(
        copy.target, variables, _clips(copy.target, space)
    )
    for variable, extent, size in zip(variables, copy.shape, space, strict=True):
        if extent != size:
            tests.append(Apply("lt", (variable, extent)))
    store = Store(copy.target.buffer, indices, value, proved, span=copy.span)
    return _over(variables, space, store, tests)


def _over(
    variables: tuple[Var, ...],
    space: tuple[Expr, ...],
    statement: Statement,
    tests: list[Expr],
) -> Statement:
    """The statement for every point of the space at which the tests hold."""
    span = statement.span
    body = If(both(tests), (statement,), span=span) if tests else statement
    return Parallel(variables, space, (body,), span=span) if variables else body


def _expand_fill(fill: Fill, names: Names) -> tuple[Statement, ...]:
    region, span = fill.target, fill.span
    space = _space(region.shape, (region,))
    variables = tuple(Var(names.fresh(f"p{axis}"), INDEX) for axis in range(len(space)))
    indices, proved, tests = _elements(region, variables, _clips(region, space))
    before: tuple[Statement, ...] = ()
    value = fill.value
    if not isinstance(value, Const):
        once = Var(names.fresh("value"), value.dtype)
        before, value = (Let(once, value, span=span),), once
    store = Store(region.buffer, indices, value, proved, span=span)
    return (*before, _over(variables, space, store, tests))


def _magnitude(value: Expr, reduction: str) -> tuple[Expr, str]:
    if reduction in ("abssum", "absmax"):
        return Apply("abs", (value,)), reduction[3:]
    return value, reduction


def _expand_reduce(reduce: Reduce, names: Names) -> tuple[Statement, ...]:
    source, target, span = reduce.source, reduce.target, reduce.span
    space = _space(source.shape, (source,))
    carried = target.buffer.dtype.evaluation
    variables = tuple(Var(names.fresh(f"r{axis}"), INDEX) for axis in range(len(space)))
    indices, proved, tests = _elements(source, variables, _clips(source, space))
    value = Load(source.buffer, indices, source.fill, proved, span=span)
    element, reduction = _magnitude(convert(value, carried), reduce.reduction)
    if reduce.nan_propagate and reduction in ("max", "min") and carried.is_float:
        reduction += "_nan"
    kept = variables[: reduce.axis] + variables[reduce.axis + 1 :]
    clips = [False] * len(kept)
    indices, proved, _ = _elements(target, kept, clips)
    update = Accumulate(reduction, target.buffer, indices, element, proved, span=span)
    combine = _over(variables, space, update, tests)
    if not reduce.clear:
        return (combine,)
    start = Const(identity(reduce.reduction, target.buffer.dtype), target.buffer.dtype)
    return (*_expand_fill(Fill(target, start, span=span), names), combine)


def _is_plain(region: Region) -> bool:
    """Whether a gemm can use the region's tile where it stands."""
    if region.buffer.scope == "global" or region.buffer.rank != 2:
        return False
    for dim, extent in zip(region.dims, region.buffer.static_shape, strict=True):
        if not isinstance(dim, Range):
            return False
        start, size = constant(dim.start), constant(dim.extent)
        if start is None or size is None or start < 0 or start + size > extent:
            return False
    return True


def _expand_gemm(gemm: Gemm, names: Names) -> tuple[Statement, ...]:
    before: list[Statement] = []
    after: list[Statement] = []

    def plain(region: Region, hint: str) -> Region:
        if _is_plain(region):
            return region
        tile = Buffer(names.fresh(hint), region.shape, region.buffer.dtype, "fragment")
        before.append(Allocate(tile, span=gemm.span))
        before.append(
            expand_copy(Copy(region, whole(tile), region.shape, span=gemm.span), names)
        )
        return whole(tile)

    a, b, c = plain(gemm.a, "a"), plain(gemm.b, "b"), plain(gemm.c, "c")
    if c is not gemm.c:
        back = Copy(c, gemm.c, c.shape, span=gemm.span)
        after.append(expand_copy(back, names))
    return (*before, replace(gemm, a=a, b=b, c=c), *after)
