"""Reduction statements: lanes that meet in one element are combined first.

Lanes that must not count are set to the identity, axes that the target lacks are reduced,
and the result is combined with the target's content.  A position that depends on data
becomes one more axis, compared with all positions of that dimension.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Accumulate
from tiledsl.ir.ops import REDUCTIONS, identity
from tiledsl_triton import memory, tiles
from tiledsl_triton.expressions import Evaluator
from tiledsl_triton.lanes import Lanes, conjunction, expand, shape_text
from tiledsl_triton.lowering import Lowering
from tiledsl_triton.subscripts import Subscript, split
from tiledsl_triton.values import Value, literal, triton_type

_COMBINE = {"mul": "product_of", "and": "all_bits_of", "or": "any_bits_of"}
_COMBINE["xor"] = "odd_bits_of"


def scalar_operation(reduction: str) -> str:
    """The operation that combines two values."""
    if reduction.endswith("_nan"):
        return reduction
    return REDUCTIONS[reduction]


def _neutral(reduction: str, dtype: DType) -> Value:
    """What changes nothing: for max and min, which ignore it, NaN."""
    if reduction in ("max", "min") and dtype.is_float:
        return literal(float("nan"), dtype)
    return literal(identity(reduction.removesuffix("_nan"), dtype), dtype)


@dataclass(frozen=True, slots=True)
class _Operand:
    """A tensor of known shape that is being reduced."""

    text: str
    dtype: DType
    sizes: tuple[int, ...]


def _reduce_axis(
    state: Lowering, operand: _Operand, reduction: str, axis: int
) -> _Operand:
    kept = operand.sizes[:axis] + operand.sizes[axis + 1 :]
    if operand.sizes[axis] == 1:
        text = f"tl.reshape({operand.text}, {shape_text(list(kept))})"
        if kept:
            return _Operand(text, operand.dtype, kept)
    text = _reduction_text(state, operand, reduction, axis)
    if operand.dtype.bits < 32 or operand.dtype == "bool":
        text = f"tl.cast({text}, tl.{triton_type(operand.dtype)})"
    name = state.names.fresh("part")
    state.line(f"{name} = {text}")
    return _Operand(name, operand.dtype, kept)


def _reduction_text(
    state: Lowering, operand: _Operand, reduction: str, axis: int
) -> str:
    x = operand.text
    if reduction in ("sum", "max", "min"):
        return f"tl.{reduction}({x}, axis={axis})"
    if reduction.endswith("_nan"):
        name = state.names.fresh("part")
        state.line(f"{name} = {x}")
        some = f"tl.max(tl.cast({name} != {name}, tl.int32), axis={axis}) > 0"
        kind = reduction.removesuffix("_nan")
        return f'tl.where({some}, float("nan"), tl.{kind}({name}, axis={axis}))'
    combine = _COMBINE[reduction]
    state.operations.helpers.add(combine)
    return f"tl.reduce({x}, {axis}, {combine})"


def accumulate(state: Lowering, lanes: Lanes, statement: Accumulate) -> None:
    """Combines the value into its element."""
    evaluate = Evaluator(state, lanes)
    subscripts = tuple(split(at, lanes.facts) for at in statement.indices)
    if statement.buffer.name in state.tiles:
        _into_tile(state, lanes, statement, subscripts, evaluate)
    else:
        _into_memory(state, lanes, statement, subscripts, evaluate)


def _masked(
    state: Lowering, lanes: Lanes, statement: Accumulate, evaluate: Evaluator
) -> _Operand:
    """The contributions of all lanes, the identity where a lane is off."""
    value = evaluate(statement.value)
    neutral = _neutral(statement.reduction, value.dtype)
    text = lanes.spread(value)
    guard = conjunction([*lanes.padding, *lanes.conditions])
    if guard is not None:
        first = text if lanes.rank else value.typed
        text = f"tl.where({guard.text}, {first}, {neutral.text})"
    name = state.names.fresh("terms")
    state.line(f"{name} = {text if lanes.rank or guard else value.typed}")
    return _Operand(name, value.dtype, tuple(axis.size for axis in lanes.axes))


def _into_tile(
    state: Lowering,
    lanes: Lanes,
    statement: Accumulate,
    subscripts: tuple[Subscript, ...],
    evaluate: Evaluator,
) -> None:
    tile = state.tiles[statement.buffer.name]
    terms = _masked(state, lanes, statement, evaluate)
    vectors = {d: s.vector for d, s in enumerate(subscripts) if s.vector is not None}
    spread = list(vectors)
    plain = tuple(
        Subscript((), s.uniform) if s.vector is not None else s for s in subscripts
    )
    access = tiles.TileAccess(lanes, tile, plain)
    points = {
        dim: evaluate(expr) for dim, expr in access.points.items() if dim not in spread
    }
    positions = {}
    for dim, vector in vectors.items():
        positions[dim] = lanes.spread(state.bind("at", evaluate(vector)))
    for key in _all_keys(access, spread):
        operand = _spread_over(state, lanes, access, terms, positions, key, statement)
        operand = _drop_axes(state, lanes, access, operand, statement.reduction)
        _combine_piece(state, access, operand, points, key, statement, spread)


def _all_keys(access: tiles.TileAccess, spread: list[int]) -> list[tuple[int, ...]]:
    """The pieces met: every piece of the dimensions with data-dependent positions."""
    choices = []
    for dim, pieces in enumerate(access.tile.pieces):
        if dim in spread:
            choices.append(list(range(len(pieces))))
        else:
            choices.append(sorted({key[dim] for key in access.keys}))
    return list(product(*choices))


def _spread_over(
    state: Lowering,
    lanes: Lanes,
    access: tiles.TileAccess,
    terms: _Operand,
    positions: dict[int, str],
    key: tuple[int, ...],
    statement: Accumulate,
) -> _Operand:
    """Adds an axis for each data-dependent position: the term where it matches."""
    if not positions:
        return terms
    rank = lanes.rank + len(positions)
    tail = f"[{', '.join([':'] * lanes.rank + ['None'] * len(positions))}]"
    tests, sizes = [], list(terms.sizes)
    for number, (dim, at) in enumerate(positions.items()):
        piece = access.tile.pieces[dim][key[dim]]
        marks = ["None"] * rank
        marks[lanes.rank + number] = ":"
        place = f"tl.arange(0, {piece.size})[{', '.join(marks)}]"
        tests.append(f"({at}{tail} == {place} + {piece.start})")
        sizes.append(piece.size)
    neutral = _neutral(statement.reduction, terms.dtype).text
    name = state.names.fresh("spread")
    state.line(f"{name} = tl.where({' & '.join(tests)}, {terms.text}{tail}, {neutral})")
    return _Operand(name, terms.dtype, tuple(sizes))


def _drop_axes(
    state: Lowering,
    lanes: Lanes,
    access: tiles.TileAccess,
    operand: _Operand,
    reduction: str,
) -> _Operand:
    kept = set(access.axes.values())
    for axis in reversed(range(lanes.rank)):
        if axis not in kept:
            operand = _reduce_axis(state, operand, reduction, axis)
    return operand


def _combine_piece(
    state: Lowering,
    access: tiles.TileAccess,
    operand: _Operand,
    points: dict[int, Value],
    key: tuple[int, ...],
    statement: Accumulate,
    spread: list[int],
) -> None:
    tile = access.tile
    name, sizes = tile.names[key], tile.sizes(key)
    kept = sorted(access.axes.values())
    order = [kept.index(access.axes[dim]) for dim in sorted(access.axes)]
    places = dict(zip(sorted(access.axes), order, strict=True))
    for number, dim in enumerate(spread):
        places[dim] = len(kept) + number
    turn = [places[dim] for dim in sorted(places)]
    text = operand.text
    if turn != sorted(turn):
        text = f"tl.permute({text}, {shape_text(turn)})"
    shape = [sizes[dim] if dim in places else 1 for dim in range(len(sizes))]
    if operand.sizes and shape != [operand.sizes[place] for place in turn]:
        text = f"tl.reshape({text}, {shape_text(shape)})"
    old = Value(name, operand.dtype)
    new = Value(text, operand.dtype)
    text = state.operations.render(scalar_operation(statement.reduction), (old, new))
    tests = []
    for dim, at in points.items():
        certain = sizes[dim] == 1 and at.literal == tile.pieces[dim][key[dim]].start
        if not certain:
            tests.append(f"({access.here(dim, key, at, len(sizes))})")
    if tests:
        text = f"tl.where({' & '.join(tests)}, {text}, {name})"
    state.line(f"{name} = {text}")


def _into_memory(
    state: Lowering,
    lanes: Lanes,
    statement: Accumulate,
    subscripts: tuple[Subscript, ...],
    evaluate: Evaluator,
) -> None:
    """Loads the old element once for all lanes that meet in it."""
    buffer = statement.buffer
    terms = _masked(state, lanes, statement, evaluate)
    kept = sorted(
        lanes.position(name) for subscript in subscripts for name, _ in subscript.terms
    )
    for axis in reversed(range(lanes.rank)):
        if axis not in kept:
            terms = _reduce_axis(state, terms, statement.reduction, axis)
    axes = frozenset(range(len(kept)))
    remaining = _narrowed(state, lanes, kept)
    inner = Evaluator(state, remaining)
    place = memory.memory_of(state, buffer)
    address = memory.Address(state, remaining, place, subscripts, inner)
    old = memory.load(state, remaining, address, buffer, None, statement.proved)
    carried = terms.dtype
    left = Value(old.text, carried, axes)
    if buffer.dtype != carried:
        left = Value(f"tl.cast({old.text}, tl.{triton_type(carried)})", carried, axes)
    right = Value(terms.text, carried, axes)
    text = state.operations.render(scalar_operation(statement.reduction), (left, right))
    if buffer.dtype != carried:
        text = f"tl.cast({text}, tl.{triton_type(buffer.dtype)})"
    value = Value(text, buffer.dtype, axes)
    memory.store(state, remaining, address, buffer, value, statement.proved)


def _narrowed(state: Lowering, lanes: Lanes, kept: list[int]) -> Lanes:
    """The lanes of the kept axes alone, with the padding tests of these."""
    axes, padding = [], []
    for place, position in enumerate(kept):
        axis = lanes.axes[position]
        lane = state.names.fresh(axis.name)
        state.line(f"{lane} = tl.arange(0, {axis.size}){expand(place, len(kept))}")
        axes.append(replace(axis, lane=lane))
        for guard in lanes.padding:
            if guard.axes == {position}:
                text = guard.text.replace(axis.lane, lane)
                padding.append(Value(text, guard.dtype, frozenset({place})))
    return Lanes(tuple(axes), (), tuple(padding), lanes.facts)
