"""Reductions over the threads of a block or along a thread axis (rules L78, L83)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tiledsl.analysis.evaluate import evaluate as evaluated
from tiledsl.diagnostics import KernelError, UnsupportedByTarget
from tiledsl.frontend.buffers import Element, store
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.scalars import Scalar
from tiledsl.frontend.threads.axis import ThreadAxis, thread_axis
from tiledsl.frontend.threads.statements import Combine, emit
from tiledsl.frontend.values import (
    ScalarLike,
    Value,
    as_condition,
    as_value,
    converted,
    is_symbolic,
    select,
    wrap,
)
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Apply, Cast, Const, Expr, Node, Var, index
from tiledsl.ir.ops import identity

_SCOPE: Final = "reduce_scope"
_REDUCTIONS: Final = {
    "add": "sum", "mul": "mul", "max": "max", "min": "min",
    "and": "and", "or": "or", "xor": "xor",
}  # fmt: skip
_HINT: Final = (
    "use T.warp_reduce_sum, T.reduce_sum on a shared tile, or T.syncthreads_or"
)


def syncthreads_count(predicate: ScalarLike) -> Value:
    """A barrier that gives the number of threads in which the predicate holds."""
    return _of_block("syncthreads_count", "sum", predicate)


def syncthreads_and(predicate: ScalarLike) -> Value:
    """A barrier that gives 1 if the predicate holds in every thread, else 0."""
    return _of_block("syncthreads_and", "and", predicate)


def syncthreads_or(predicate: ScalarLike) -> Value:
    """A barrier that gives 1 if the predicate holds in some thread, else 0."""
    return _of_block("syncthreads_or", "or", predicate)


def _of_block(function: str, reduction: str, predicate: ScalarLike) -> Value:
    axis = thread_axis(Builder.active(), function)
    holds = converted(wrap(as_condition(predicate)), DType("int32"))
    return _combined(reduction, holds, (axis.count,), 0, (axis.number,))


def _combined(
    reduction: str,
    value: Value,
    shape: tuple[int, ...],
    along: int,
    place: tuple[Expr, ...],
) -> Value:
    builder = Builder.active()
    data = value.scalar
    var = Var(builder.unique("reduced"), data.expr.dtype, span=here())
    emit(builder, Combine(var, reduction, data.expr, shape, along, place, span=here()))
    return Value(Scalar(var, data.dtype))


# ------------------------------------- the form of TVM: attr, comm_reducer, allreduce


@dataclass(frozen=True, slots=True)
class Reducer:
    """``T.comm_reducer(f, [e])``: f combines two values, e is its identity."""

    combine: Callable[[Value, Value], object]
    start: object


@dataclass(frozen=True, slots=True)
class ReduceScope:
    """``with T.attr(reducer, "reduce_scope", ...):``"""

    reducer: Reducer

    def enter(self, builder: Builder) -> None:
        thread_axis(builder, "attr")
        launch = builder.innermost("launch")
        if launch is not None:
            launch.facts[_SCOPE] = self.reducer

    def exit(self) -> None:
        launch = Builder.active().innermost("launch")
        if launch is not None:
            launch.facts.pop(_SCOPE, None)


@dataclass(frozen=True, slots=True)
class AllReduce:
    """``T.tvm_thread_allreduce(...)``, carried out by ``T.evaluate``."""

    value: ScalarLike
    condition: ScalarLike
    result: Element
    axes: tuple[Var, ...]


def comm_reducer(
    combine: Callable[[Value, Value], object], start: Sequence[object]
) -> Reducer:
    """A commutative reduction: ``T.comm_reducer(lambda x, y: x + y, [0])``."""
    Builder.active()
    if not callable(combine) or not isinstance(start, list | tuple) or len(start) != 1:
        raise _unsupported("T.comm_reducer of this form")
    return Reducer(combine, start[0])


def attr(node: object, key: object, value: object) -> ReduceScope:
    """``with T.attr(T.comm_reducer(f, [e]), "reduce_scope", ...)``; nothing else."""
    Builder.active()
    if not isinstance(node, Reducer) or key != _SCOPE:
        raise _unsupported("T.attr of this form")
    return ReduceScope(node)


def tvm_thread_allreduce(
    count: object,
    value: ScalarLike,
    condition: ScalarLike,
    result: object,
    *axes: object,
    dtype: object = "handle",
) -> AllReduce:
    """Reduces ``value`` along thread axes into ``result``, in every thread."""
    axis = thread_axis(Builder.active(), "tvm_thread_allreduce")
    known = {var.name: var for var in axis.vars}
    named = [part.expr for part in axes if isinstance(part, Value)]
    found = [known[e.name] for e in named if isinstance(e, Var) and e.name in known]
    whole = len(found) == len(axes) and len(set(found)) == len(found) > 0
    if not isinstance(result, Element) or not whole:
        raise _unsupported("T.tvm_thread_allreduce of this form")
    return AllReduce(value, condition, result, tuple(found))


def evaluate(operation: object) -> None:
    """Carries out a ``T.tvm_thread_allreduce``; a scalar has no effect to carry out."""
    builder = Builder.active()
    if is_symbolic(operation) or isinstance(operation, int | float):
        as_value(operation)
        return
    launch = builder.innermost("launch")
    reducer = None if launch is None else launch.facts.get(_SCOPE)
    if not isinstance(operation, AllReduce) or not isinstance(reducer, Reducer):
        raise _unsupported("T.evaluate of this form")
    axis = thread_axis(builder, "evaluate")
    value = as_value(operation.value)
    reduction = _reduction(reducer, value)
    carried = value.expr.dtype
    neutral = Value(Scalar(Const(identity(reduction, carried), carried), value.dtype))
    if operation.condition is not True:
        value = select(operation.condition, value, neutral)
    reduced = {var.name for var in operation.axes}
    total = _combined(reduction, value, *_arranged(axis, reduced))
    store(operation.result.buffer, operation.result.indices, total)


def _arranged(
    axis: ThreadAxis, reduced: set[str]
) -> tuple[tuple[int, int], int, tuple[Expr, Expr]]:
    """The threads as a table: a row for each group that is reduced."""
    sizes, places = [1, 1], [index(0), index(0)]
    found: list[Expr] = list(places)
    for var, extent in axis.ordered:
        side = int(var.name in reduced)
        scaled = Apply("mul", (found[side], index(extent)), span=here())
        found[side] = Apply("add", (scaled, var), span=here())
        sizes[side] *= extent
    return (sizes[0], sizes[1]), 1, (found[0], found[1])


def _reduction(reducer: Reducer, like: Value) -> str:
    """The reduction that the function is, found by applying it to two names."""
    dtype = like.expr.dtype
    pair = [Value(Scalar(Var(name, dtype), like.dtype)) for name in ("x", "y")]
    made = reducer.combine(*pair)
    expr: Node = as_value(made).expr
    while isinstance(expr, Cast):
        expr = expr.value
    reduction = _REDUCTIONS.get(expr.op) if isinstance(expr, Apply) else None
    names = [getattr(part, "name", "") for part in getattr(expr, "args", ())]
    if reduction is None or sorted(names) != ["x", "y"]:
        raise _unsupported("T.comm_reducer of this function")
    start = evaluated(as_value(reducer.start, like.dtype).expr, {})
    neutral = identity(reduction, dtype)
    if start != neutral:
        raise KernelError(
            "E0209",
            "the start of T.comm_reducer is not the identity of its function",
            span=here(),
            expected=str(neutral),
            got="a run-time value" if start is None else str(start),
        )
    return reduction


def _unsupported(what: str) -> UnsupportedByTarget:
    return UnsupportedByTarget(
        "E2001", f"{what} has no meaning here", span=here(), hint=_HINT
    )
