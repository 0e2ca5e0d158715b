"""Statements as Triton source: blocks, loops, branches and vectorized loops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Final

from tiledsl.diagnostics import InternalError
from tiledsl.ir.dtypes import BOOL, INDEX
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Apply,
    Atomic,
    Block,
    Expr,
    For,
    Gemm,
    If,
    Let,
    Load,
    Parallel,
    Statement,
    Store,
    Var,
    While,
)
from tiledsl.ir.ops import ATOMICS
from tiledsl_triton import atomics, memory, privates, tiles
from tiledsl_triton.expressions import Evaluator
from tiledsl_triton.lanes import Lanes, conjunction
from tiledsl_triton.lowering import Lowering
from tiledsl_triton.matrix import lower_gemm
from tiledsl_triton.pieces import Piece
from tiledsl_triton.placement import static_extents
from tiledsl_triton.reductions import accumulate, scalar_operation
from tiledsl_triton.subscripts import split
from tiledsl_triton.tile_operations import constant, convert
from tiledsl_triton.values import Value
from tiledsl_triton.vectorize import block_sizes, declare_outer_privates, open_lanes

UNROLL = 16  # longest loop that is unrolled


def lower_block(state: Lowering, lanes: Lanes, block: Block) -> None:
    """Emits the statements in order."""
    for statement in block:
        _lower(state, lanes, statement)


def _lower(state: Lowering, lanes: Lanes, statement: Statement) -> None:
    if not isinstance(statement, Allocate | Let):
        state.writer.comment(statement.span)
    handler = _HANDLERS.get(type(statement))
    if handler is None:
        kind = type(statement).__name__
        raise InternalError("E9002", f"no lowering for {kind}", span=statement.span)
    handler(state, lanes, statement)


def _allocate(state: Lowering, lanes: Lanes, statement: Allocate) -> None:
    buffer = statement.buffer
    if buffer.of is not None:
        memory.declare_view(state, buffer)
    elif lanes.rank:
        privates.declare_private(state, lanes, buffer)
    elif buffer.name in state.placement.scratch:
        memory.declare_scratch(state, buffer)
    else:
        tiles.declare_tile(state, buffer)


def _let(state: Lowering, lanes: Lanes, statement: Let) -> None:
    value = Evaluator(state, lanes)(statement.value)
    if value.literal is None:
        value = state.bind(statement.var.name, value)
    state.values[statement.var.name] = replace(value, dtype=statement.var.dtype)
    if memory.is_nonnegative(state, statement.value):
        state.nonnegative.add(statement.var.name)


def _store(state: Lowering, lanes: Lanes, statement: Store) -> None:
    evaluate = Evaluator(state, lanes)
    buffer, value = statement.buffer, evaluate(statement.value)
    if buffer.name in state.privates:
        private = state.privates[buffer.name]
        indices = statement.indices
        privates.write_private(state, lanes, private, indices, value, evaluate)
        return
    subscripts = tuple(split(at, lanes.facts) for at in statement.indices)
    if buffer.name in state.tiles:
        access = tiles.TileAccess(lanes, state.tiles[buffer.name], subscripts)
        tiles.write(state, access, value, evaluate)
        return
    place = memory.memory_of(state, buffer)
    address = memory.Address(state, lanes, place, subscripts, evaluate)
    memory.store(state, lanes, address, buffer, value, statement.proved)


def _accumulate(state: Lowering, lanes: Lanes, statement: Accumulate) -> None:
    if lanes.rank and statement.buffer.name not in state.privates:
        accumulate(state, lanes, statement)
        return
    buffer = statement.buffer
    old: Expr = Load(buffer, statement.indices, None, statement.proved)
    old = convert(old, buffer.dtype.evaluation)
    combined = Apply(scalar_operation(statement.reduction), (old, statement.value))
    value = convert(combined, buffer.dtype)
    proved, span = statement.proved, statement.span
    store = Store(buffer, statement.indices, value, proved, span=span)
    _store(state, lanes, store)


def _atomic(state: Lowering, lanes: Lanes, statement: Atomic) -> None:
    if statement.buffer.name not in state.privates:
        atomics.atomic(state, lanes, statement)
        return
    buffer, span = statement.buffer, statement.span
    var = statement.previous or Var(state.names.fresh("before"), buffer.dtype)
    place = (buffer, statement.indices)
    _let(state, lanes, Let(var, Load(*place, statement.fill, statement.proved)))
    if statement.value is None:
        return
    value, op = statement.value, ATOMICS[statement.op]
    if op:
        wide = buffer.dtype.evaluation
        parts = (convert(var, wide), convert(value, wide))
        value = convert(Apply(op, parts), buffer.dtype)
    _store(state, lanes, Store(*place, value, statement.proved, span=span))


def _if(state: Lowering, lanes: Lanes, statement: If) -> None:
    condition = Evaluator(state, lanes)(statement.condition)
    if condition.literal is not None:
        arm = statement.then if condition.literal else statement.otherwise
        lower_block(state, lanes, arm)
    elif condition.axes:
        inside = state.bind("inside", condition)
        lower_block(state, lanes.when(inside), statement.then)
        if statement.otherwise:
            outside = Value(f"~{inside.text}", BOOL, inside.axes)
            lower_block(state, lanes.when(outside), statement.otherwise)
    else:
        with state.writer.block(f"if {condition.text}:"):
            lower_block(state, lanes, statement.then)
        if statement.otherwise:
            with state.writer.block("else:"):
                lower_block(state, lanes, statement.otherwise)


def _range(kind: str, bounds: str, loop: For, lanes: Lanes) -> str:
    if kind == "pipelined" and not lanes.rank:
        stages = loop.stages if loop.stages >= 2 else loop.stages + 1
        return f"tl.range({bounds}, num_stages={stages})"
    return f"tl.static_range({bounds})" if kind == "unroll" else f"range({bounds})"


def _for(state: Lowering, lanes: Lanes, loop: For) -> None:
    if lanes.rank and loop.var.name in lanes.facts.varying:
        _for_each_lane(state, lanes, loop)
        return
    evaluate = Evaluator(state, lanes)
    start, stop, step = (evaluate(e) for e in (loop.start, loop.stop, loop.step))
    counter = state.names.fresh(loop.var.name)
    kind = loop.kind
    if step.literal is not None and step.literal > 0:
        bounds = f"{start.text}, {stop.text}"
        bounds += "" if step.literal == 1 else f", {step.text}"
        index = counter
        literals = (start.literal, stop.literal)
        if kind == "unroll" and (None in literals or _trips(*literals) > UNROLL):
            kind = "serial"
    else:
        first, by = state.bind("start", start), state.bind("step", step)
        trips = state.operations.call("trip_count", first.text, stop.typed, by.text)
        bounds = f"0, {trips}"
        index = f"{first.text} + tl.cast({counter}, tl.int64) * {by.text}"
        kind = "serial" if kind == "unroll" else kind
    header = _range(kind, bounds, loop, lanes)
    with state.writer.block(f"for {counter} in {header}:"):
        name = state.names.fresh(loop.var.name)
        if kind == "unroll":
            state.line(f"{name} = tl.full((), {index}, tl.int64)")
        else:
            state.line(f"{name} = tl.cast({index}, tl.int64)")
        state.values[loop.var.name] = Value(name, INDEX)
        if memory.is_nonnegative(state, loop.start) and (constant(loop.step) or 0) > 0:
            state.nonnegative.add(loop.var.name)
        lower_block(state, lanes, loop.body)


def _trips(start: float | None, stop: float | None) -> float:
    return (stop or 0) - (start or 0)


def _for_each_lane(state: Lowering, lanes: Lanes, loop: For) -> None:
    """A loop whose bounds differ between lanes: a while loop over a counter per lane."""
    evaluate = Evaluator(state, lanes)
    bounds = [evaluate(e) for e in (loop.start, loop.stop, loop.step)]
    start, stop, step = (state.bind("bound", value) for value in bounds)
    counter = state.names.fresh(loop.var.name)
    state.line(f"{counter} = tl.full({lanes.shape}, 0, tl.int64)")
    trips = state.operations.call("trip_count", start.text, stop.text, step.text)
    axes = start.axes | stop.axes | step.axes
    count = state.bind("trips", Value(trips, INDEX, axes))
    live = _live(state, lanes, Value(f"{counter} < {count.text}", BOOL, lanes.all_axes))
    with state.writer.block(f"while {_any(live)}:"):
        at = Value(f"{start.text} + {counter} * {step.text}", INDEX, lanes.all_axes)
        state.values[loop.var.name] = state.bind(loop.var.name, at)
        lower_block(state, lanes.when(live), loop.body)
        state.line(f"{counter} = {counter} + 1")
        state.line(f"{live.text} = {live.text} & ({counter} < {count.text})")


def _any(live: Value) -> str:
    return f"tl.max(tl.cast({live.text}, tl.int32)) > 0"


def _live(state: Lowering, lanes: Lanes, condition: Value) -> Value:
    """Binds the lanes that take part in a loop, in full shape."""
    tests = conjunction([condition, *lanes.conditions, *lanes.padding])
    text = lanes.spread(tests or condition)
    return state.bind("live", Value(text, BOOL, lanes.all_axes))


def _while(state: Lowering, lanes: Lanes, loop: While) -> None:
    condition, body = loop.condition, loop.body
    first = Evaluator(state, lanes)(condition)
    if not lanes.rank or not lanes.facts.varies(condition):
        go = state.bind("go", first)
        with state.writer.block(f"while {go.text}:"):
            lower_block(state, lanes, body)
            again = Evaluator(state, lanes)(condition)
            state.line(f"{go.text} = {again.typed}")
        return
    live = _live(state, lanes, first)
    inner = lanes.when(live)
    with state.writer.block(f"while {_any(live)}:"):
        lower_block(state, inner, body)
        again = Evaluator(state, inner)(condition)
        state.line(f"{live.text} = {live.text} & {again.atom}")


# ------------------------------------------------------------- vectorized loops


def _gemm(state: Lowering, lanes: Lanes, statement: Gemm) -> None:
    lower_gemm(state, statement)


def _parallel(state: Lowering, lanes: Lanes, parallel: Parallel) -> None:
    """All iterations at once; axes of run-time extent in blocks."""
    extents = static_extents(parallel)
    looped = [v.name for v in parallel.vars if v.name in state.placement.looped]
    sizes = block_sizes(parallel, looped, extents, state)
    _blocks(state, parallel, looped, sizes, {})


def _blocks(
    state: Lowering,
    parallel: Parallel,
    looped: list[str],
    sizes: dict[str, int],
    starts: dict[str, Value],
) -> None:
    if not looped:
        _pieces(state, parallel, sizes, starts)
        return
    name, rest = looped[0], looped[1:]
    position = [var.name for var in parallel.vars].index(name)
    extent = Evaluator(state, Lanes())(parallel.extents[position])
    counter, start = state.names.fresh(name), state.names.fresh(name)
    with state.writer.block(
        f"for {counter} in range(0, {extent.text}, {sizes[name]}):"
    ):
        state.line(f"{start} = tl.cast({counter}, tl.int64)")
        inner = {**starts, name: Value(start, INDEX)}
        _blocks(state, parallel, rest, sizes, inner)


def _pieces(
    state: Lowering, parallel: Parallel, sizes: dict[str, int], starts: dict[str, Value]
) -> None:
    choices: list[tuple[Piece | None, ...]] = []
    for var in parallel.vars:
        if var.name in sizes:
            choices.append((None,))
        else:
            choices.append(state.placement.partition.pieces((var.name, 0)))
    for pieces in product(*choices):
        lanes = open_lanes(state, parallel, pieces, sizes, starts)
        declare_outer_privates(state, lanes, parallel)
        lower_block(state, lanes, parallel.body)
        state.privates.clear()


_HANDLERS: Final[dict[type[Statement], Callable[..., None]]] = {
    Allocate: _allocate,
    Let: _let,
    Store: _store,
    Accumulate: _accumulate,
    Atomic: _atomic,
    Gemm: _gemm,
    Parallel: _parallel,
    If: _if,
    For: _for,
    While: _while,
}
