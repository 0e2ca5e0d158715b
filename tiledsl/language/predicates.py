"""``T.any_of`` and ``T.all_of`` (rule L71)."""

from __future__ import annotations

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.buffers import BufferRef, RegionRef
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.operands import (
    check_tile_statement,
    place,
    static_extent,
    unit_dropped,
)
from tiledsl.frontend.values import (
    ScalarLike,
    Value,
    as_condition,
    logical_and,
    logical_or,
    snapshot,
    wrap,
)
from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.nodes import (
    Allocate,
    At,
    Buffer,
    Expr,
    Load,
    Reduce,
    Region,
    Scope,
    whole,
)

Condition = ScalarLike | BufferRef | RegionRef


def any_of(*conditions: Condition) -> Value:
    """Whether any element of a buffer or slice, or any of several scalars, is not 0.

    E0208: a run-time extent.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def has_any(MASK):
    ...     n = T.const("n")
    ...     MASK: T.Tensor((n,), "bool")
    ...     Y = T.empty((1,), "bool")
    ...     with T.Kernel(1):
    ...         Y[0] = T.any_of(MASK)
    ...     return Y
    >>> has_any(np.array([False, True]))
    array([ True])
    """
    return _combined("any_of", "or", conditions)


def all_of(*conditions: Condition) -> Value:
    """Whether all elements of a buffer or slice, or all of several scalars, are not 0."""
    return _combined("all_of", "and", conditions)


def _combined(
    operation: str, reduction: str, conditions: tuple[Condition, ...]
) -> Value:
    if not conditions:
        raise KernelError(
            "E0209", f"T.{operation} takes at least one argument", span=here()
        )
    first = conditions[0]
    if len(conditions) == 1 and isinstance(first, BufferRef | RegionRef):
        return _of_elements(operation, reduction, first)
    join = logical_or if reduction == "or" else logical_and
    result = wrap(as_condition(first))
    for condition in conditions[1:]:
        result = join(result, condition)
    return result


def _of_elements(operation: str, reduction: str, x: BufferRef | RegionRef) -> Value:
    """Reduces one dimension after the other, the last into a scalar."""
    builder = check_tile_statement(operation)
    region = unit_dropped(place(x, operation, "the argument").region)
    if any(static_extent(extent) is None for extent in region.shape):
        raise KernelError(
            "E0208",
            f"T.{operation} needs static extents inside a kernel",
            span=here(),
            hint="copy to a static tile first",
        )
    points = tuple(dim.index for dim in region.dims if isinstance(dim, At))
    if not region.shape:
        return wrap(as_condition(wrap(Load(region.buffer, points, span=here()))))
    while region.shape:
        axis = len(region.shape) - 1
        target = _scratch(builder, operation, region.shape[:axis])
        builder.emit(Reduce(reduction, region, target, axis, span=here()))
        region = target
    return snapshot(wrap(Load(region.buffer, (), span=here())), operation)


def _scratch(builder: Builder, operation: str, shape: tuple[Expr, ...]) -> Region:
    """A new tile of bools, a scalar if it has no dimension."""
    scope: Scope = "fragment" if shape else "local"
    buffer = Buffer(builder.unique(operation), shape, BOOL, scope, span=here())
    builder.emit(Allocate(buffer, span=here()))
    return whole(buffer)
