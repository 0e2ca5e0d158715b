"""Buffers of which every lane of a ``Parallel`` has its own copy."""

from __future__ import annotations

from tiledsl.ir.nodes import Buffer, Const, Expr
from tiledsl_triton.lanes import Lanes, conjunction, shape_text
from tiledsl_triton.lowering import Lowering, Private
from tiledsl_triton.memory import Evaluate
from tiledsl_triton.pieces import power_of_two
from tiledsl_triton.tiles import full
from tiledsl_triton.values import Value, storage_literal


def declare_private(state: Lowering, lanes: Lanes, buffer: Buffer) -> None:
    """Binds a fresh copy for the lanes."""
    sizes = tuple(power_of_two(extent) for extent in buffer.static_shape)
    private = Private(buffer, state.names.fresh(buffer.name), sizes)
    state.privates[buffer.name] = private
    shape = [axis.size for axis in lanes.axes] + list(sizes)
    zero = storage_literal(0, buffer.dtype).text
    state.line(f"{private.name} = {full(shape, zero, buffer)}")


def _slot(lanes: Lanes, private: Private, dim: int, left: int, at: Value) -> str:
    """The test for position ``at`` of one dimension, with ``left`` own dimensions."""
    rank = lanes.rank + left
    marks = [":" if place == lanes.rank + dim else "None" for place in range(rank)]
    place = f"tl.arange(0, {private.sizes[dim]})"
    if rank > 1:
        place += f"[{', '.join(marks)}]"
    where = at.typed
    if at.axes:
        full_rank = [":"] * lanes.rank + ["None"] * left
        where = f"{Value(at.text, at.dtype).atom}[{', '.join(full_rank)}]"
    return f"{place} == {where}"


def read_private(
    state: Lowering,
    lanes: Lanes,
    private: Private,
    indices: tuple[Expr, ...],
    fill: Const | None,
    evaluate: Evaluate,
) -> Value:
    """The element of each lane's copy."""
    dtype, text = private.buffer.dtype, private.name
    outside = []
    for dim in reversed(range(len(indices))):
        at = evaluate(indices[dim])
        slot = _slot(lanes, private, dim, dim + 1, at)
        axis = str(lanes.rank + dim)
        if dtype.is_float and dtype != "float8_e8m0fnu":
            bits = f"tl.int{dtype.bits}"
            text = state.operations.call("pick", text, slot, axis, bits)
        else:
            text = state.operations.call("pick_integer", text, slot, axis)
        extent = private.buffer.static_shape[dim]
        outside += [f"({at.atom} < 0)", f"({at.atom} >= {extent})"]
    if fill is not None and indices:
        filled = storage_literal(fill.value, dtype)
        text = f"tl.where({' | '.join(outside)}, {filled.text}, {text})"
    return Value(text, dtype, lanes.all_axes)


def write_private(
    state: Lowering,
    lanes: Lanes,
    private: Private,
    indices: tuple[Expr, ...],
    value: Value,
    evaluate: Evaluate,
) -> None:
    """Rebinds the copies of the lanes whose conditions hold."""
    condition = conjunction(lanes.conditions)
    own = len(indices)
    tests = []
    for dim, index in enumerate(indices):
        tests.append(f"({_slot(lanes, private, dim, own, evaluate(index))})")
    text = lanes.spread(value)
    tail = f"[{', '.join([':'] * lanes.rank + ['None'] * own)}]" if own else ""
    if tail:
        text = f"{Value(text, value.dtype).atom}{tail}"
    if condition is not None:
        guard = lanes.spread(condition)
        tests.append(f"({Value(guard, value.dtype).atom}{tail})")
    if tests:
        text = f"tl.where({' & '.join(tests)}, {text}, {private.name})"
    shape = [axis.size for axis in lanes.axes] + list(private.sizes)
    state.line(f"{private.name} = tl.broadcast_to({text}, {shape_text(shape)})")
