"""Values that the threads of a warp give each other (rule L82).

A warp is 32 consecutive threads, x fastest.  Those that take part are the threads that
reach the statement.
"""

from __future__ import annotations

from collections.abc import Callable

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.scalars import Scalar
from tiledsl.frontend.threads.axis import WARP, ThreadAxis, thread_axis
from tiledsl.frontend.threads.statements import Combine, Exchange, emit
from tiledsl.frontend.values import (
    ScalarLike,
    Value,
    as_condition,
    as_index,
    as_value,
    converted,
    select,
    snapshot,
    wrap,
)
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Apply, Expr, Select, Var, index

_FULL = 0xFFFFFFFF


def get_lane_idx(warp_size: int | None = None) -> Value:
    """The position of this thread in its warp."""
    axis = thread_axis(Builder.active(), "get_lane_idx")
    return snapshot(wrap(_mod(axis.number, _size("get_lane_idx", warp_size))), "lane")


def get_warp_idx(warp_size: int | None = None) -> Value:
    """The number of this thread's warp in its block."""
    axis = thread_axis(Builder.active(), "get_warp_idx")
    return snapshot(wrap(_div(axis.number, _size("get_warp_idx", warp_size))), "warp")


def get_warp_idx_sync(warp_size: int | None = None) -> Value:
    """As ``get_warp_idx``."""
    return get_warp_idx(warp_size)


def get_warp_group_idx(
    warp_size: int | None = None, warps_per_group: int | None = None
) -> Value:
    """The number of this thread's group of warps, four unless ``warps_per_group``."""
    warps = 4 if warps_per_group is None else warps_per_group
    size = _size("get_warp_group_idx", warp_size)
    return get_warp_idx(size * _size("get_warp_group_idx", warps))


def shuffle_elect(thread_extent: int) -> Value:
    """Whether this thread is the first of its ``thread_extent`` ones; 0: of the block."""
    axis = thread_axis(Builder.active(), "shuffle_elect")
    extent = thread_extent or axis.count
    number = wrap(_mod(axis.number, _size("shuffle_elect", extent)))
    return snapshot(number == 0, "elected")


def shfl_sync(
    value: ScalarLike, srcLane: ScalarLike, width: int = WARP, mask: ScalarLike = _FULL
) -> Value:
    """``value`` of the thread at lane ``srcLane`` modulo ``width``.

    The warp is cut into groups of ``width`` lanes, a power of two up to 32.  A lane that
    takes no part gives an undefined value.  ``mask`` must cover the threads that do.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def last_of_warp(X):
    ...     X: T.Tensor((64,), "int32")
    ...     Y = T.empty((64,), "int32")
    ...     with T.Kernel(1, threads=64):
    ...         tx = T.get_thread_binding()
    ...         Y[tx] = T.shfl_sync(X[tx], 31)
    ...     return Y
    >>> last_of_warp(np.arange(64, dtype=np.int32))[[0, 31, 32, 63]]
    array([31, 31, 63, 63], dtype=int32)
    """

    def source(lane: Expr, group: Expr) -> Expr:
        return _add(group, _mod(as_index(srcLane), width))

    return _shuffle("shfl_sync", value, width, source)


def shfl_xor(
    value: ScalarLike, delta: ScalarLike, width: int = WARP, mask: ScalarLike = _FULL
) -> Value:
    """``value`` of the thread whose lane differs in the bits of ``delta``."""

    def source(lane: Expr, group: Expr) -> Expr:
        other = Apply("xor", (lane, as_index(delta)), span=here())
        # a group reads from itself and from earlier ones only
        return _choose(_below(other, _add(group, index(width))), other, lane)

    return _shuffle("shfl_xor", value, width, source)


def shfl_up(
    value: ScalarLike, delta: ScalarLike, width: int = WARP, mask: ScalarLike = _FULL
) -> Value:
    """``value`` of the lane ``delta`` below; the thread's own if there is none."""

    def source(lane: Expr, group: Expr) -> Expr:
        other = Apply("sub", (lane, as_index(delta)), span=here())
        return _choose(_below(other, group), lane, other)

    return _shuffle("shfl_up", value, width, source)


def shfl_down(
    value: ScalarLike, delta: ScalarLike, width: int = WARP, mask: ScalarLike = _FULL
) -> Value:
    """``value`` of the lane ``delta`` above; the thread's own if there is none."""

    def source(lane: Expr, group: Expr) -> Expr:
        other = _add(lane, as_index(delta))
        return _choose(_below(other, _add(group, index(width))), other, lane)

    return _shuffle("shfl_down", value, width, source)


def tvm_warp_shuffle(
    mask: ScalarLike,
    value: ScalarLike,
    warp_id: ScalarLike,
    width: int = WARP,
    warp_size: int = WARP,
) -> Value:
    """As ``shfl_sync(value, warp_id, width)``, in the order of arguments of TVM."""
    return shfl_sync(value, warp_id, width)


def warp_reduce_sum(value: ScalarLike) -> Value:
    """The sum over the warp, in every thread of it; carried as ``T.reduce_sum`` does."""
    return _reduced("warp_reduce_sum", "sum", value)


def warp_reduce_max(value: ScalarLike) -> Value:
    """The largest value in the warp; NaN is ignored."""
    return _reduced("warp_reduce_max", "max", value)


def warp_reduce_min(value: ScalarLike) -> Value:
    """The smallest value in the warp; NaN is ignored."""
    return _reduced("warp_reduce_min", "min", value)


def warp_reduce_bitand(value: ScalarLike) -> Value:
    """The bits set in every value of the warp."""
    return _reduced("warp_reduce_bitand", "and", value)


def warp_reduce_bitor(value: ScalarLike) -> Value:
    """The bits set in some value of the warp."""
    return _reduced("warp_reduce_bitor", "or", value)


def any_sync(predicate: ScalarLike, mask: ScalarLike = _FULL) -> Value:
    """1 if the predicate holds in some thread of the warp, else 0."""
    return converted(_vote("any_sync", "or", predicate), DType("int32"))


def all_sync(predicate: ScalarLike, mask: ScalarLike = _FULL) -> Value:
    """1 if the predicate holds in every thread of the warp that takes part, else 0."""
    return converted(_vote("all_sync", "and", predicate), DType("int32"))


def ballot(predicate: ScalarLike) -> Value:
    """A uint64 whose bit k says whether the predicate holds at lane k."""
    axis = thread_axis(Builder.active(), "ballot")
    holds = wrap(as_condition(predicate))
    one, none = converted(1, DType("uint64")), converted(0, DType("uint64"))
    bit = one << wrap(_mod(axis.number, WARP))
    return _combined(axis, "or", select(holds, bit, none), "ballot")


def ballot_sync(predicate: ScalarLike, mask: ScalarLike = _FULL) -> Value:
    """As ``ballot``."""
    return ballot(predicate)


def activemask() -> Value:
    """A uint64 whose bit k says whether lane k takes part."""
    return ballot(True)


# --------------------------------------------------------------------- meaning


def _shuffle(
    function: str,
    value: ScalarLike,
    width: int,
    source: Callable[[Expr, Expr], Expr],
) -> Value:
    """``source`` gives a thread's number from its own and that of its group's first."""
    builder = Builder.active()
    axis = thread_axis(builder, function)
    if width not in (1, 2, 4, 8, 16, 32):
        raise KernelError(
            "E0209",
            f"the width of T.{function} is not a power of two up to 32",
            span=here(),
            got=brief(width),
        )
    given = as_value(value)
    number = axis.number
    group = Apply("sub", (number, _mod(number, width)), span=here())
    at = source(number, group)
    var = Var(builder.unique("received"), given.expr.dtype, span=here())
    emit(builder, Exchange(var, given.expr, at, span=here()))
    return Value(Scalar(var, given.dtype))


def _reduced(function: str, reduction: str, value: ScalarLike) -> Value:
    axis = thread_axis(Builder.active(), function)
    given = as_value(value)
    if reduction in ("and", "or") and given.dtype.is_float:
        raise KernelError(
            "E0215",
            f"T.{function} works on integers and bools",
            span=here(),
            got=str(given.dtype),
        )
    if reduction not in ("and", "or") and given.dtype.kind == "bool":
        given = converted(given, DType("int32"))
    return _combined(axis, reduction, given, function)


def _vote(function: str, reduction: str, predicate: ScalarLike) -> Value:
    axis = thread_axis(Builder.active(), function)
    return _combined(axis, reduction, wrap(as_condition(predicate)), function)


def _combined(axis: ThreadAxis, reduction: str, value: Value, name: str) -> Value:
    """The reduction over the warp: warps by lanes."""
    builder = Builder.active()
    data = value.scalar
    expr = data.expr
    if data.is_index:
        expr = converted(value, DType("int64")).expr
    var = Var(builder.unique(name), expr.dtype, span=here())
    warps = -(-axis.count // WARP)
    place = (_div(axis.number, WARP), _mod(axis.number, WARP))
    statement = Combine(var, reduction, expr, (warps, WARP), 1, place, span=here())
    emit(builder, statement)
    return Value(Scalar(var, data.dtype))


def _size(function: str, warp_size: int | None) -> int:
    size = WARP if warp_size is None else warp_size
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise KernelError(
            "E0209",
            f"the warp size of T.{function} is a positive static int",
            span=here(),
            got=brief(warp_size),
        )
    return size


def _add(a: Expr, b: Expr) -> Expr:
    return Apply("add", (a, b), span=here())


def _div(a: Expr, divisor: int) -> Expr:
    return Apply("floordiv", (a, index(divisor)), span=here())


def _mod(a: Expr, divisor: int) -> Expr:
    return Apply("floormod", (a, index(divisor)), span=here())


def _below(a: Expr, b: Expr) -> Expr:
    return Apply("lt", (a, b), span=here())


def _choose(condition: Expr, then: Expr, otherwise: Expr) -> Expr:
    return Select(condition, then, otherwise, span=here())
