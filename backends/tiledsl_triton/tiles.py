"""Buffers as tensor values: reading and rebinding their pieces."""

from __future__ import annotations

from itertools import product

from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.nodes import Buffer, Const, Expr
from tiledsl_triton.lanes import Lanes, conjunction, expand, shape_text
from tiledsl_triton.lowering import Lowering, Tile
from tiledsl_triton.memory import Evaluate
from tiledsl_triton.pieces import Piece
from tiledsl_triton.subscripts import Subscript
from tiledsl_triton.tile_operations import constant
from tiledsl_triton.values import Value, constant_text, storage_literal


def full(sizes: list[int], value: str, buffer: Buffer) -> str:
    """Text of a tensor that is constant."""
    return constant_text(shape_text(sizes), value, buffer.dtype)


def declare_tile(state: Lowering, buffer: Buffer) -> None:
    """Binds every piece, so that loops and branches can rebind it."""
    if buffer.name not in state.tiles:
        pieces = tuple(
            state.placement.partition.pieces((buffer.name, dim))
            for dim in range(buffer.rank)
        )
        names = {
            key: state.names.fresh("_".join([buffer.name, *map(str, key)]))
            if any(len(p) > 1 for p in pieces)
            else state.names.fresh(buffer.name)
            for key in product(*(range(len(p)) for p in pieces))
        }
        state.tiles[buffer.name] = Tile(buffer, pieces, names)
    tile = state.tiles[buffer.name]
    zero = storage_literal(0, buffer.dtype).text
    for key, name in tile.names.items():
        state.line(f"{name} = {full(tile.sizes(key), zero, buffer)}")


class TileAccess:
    """Which pieces of a tile an access meets, and how its dimensions map to the lanes."""

    def __init__(
        self, lanes: Lanes, tile: Tile, subscripts: tuple[Subscript, ...]
    ) -> None:
        self.lanes, self.tile = lanes, tile
        self.points: dict[int, Expr] = {}
        self.axes: dict[int, int] = {}  # dimension → axis of the lanes
        choices: list[list[int]] = []
        for dim, subscript in enumerate(subscripts):
            pieces = tile.pieces[dim]
            if subscript.axis is None:
                self.points[dim] = subscript.uniform
                choices.append(_pieces_at(pieces, subscript.uniform))
                continue
            position = lanes.position(subscript.axis)
            self.axes[dim] = position
            start = int(lanes.axes[position].start.literal or 0)
            start += constant(subscript.uniform) or 0
            found = [k for k, piece in enumerate(pieces) if piece.start == start]
            choices.append(found)
        self.keys = list(product(*choices))

    def here(self, dim: int, key: tuple[int, ...], at: Value, rank: int) -> str:
        """Text of the test for the position of a point dimension in one piece."""
        piece = self.tile.pieces[dim][key[dim]]
        place = f"tl.arange(0, {piece.size}){expand(dim, rank)}"
        if at.literal is not None:
            offset = int(at.literal) - piece.start
            # none of the elements, padding included, is at a position outside
            return f"{place} == {offset if offset < piece.valid else -1}"
        test = f"{place} == {at.atom}" + (f" - {piece.start}" if piece.start else "")
        if piece.valid < piece.size:
            return f"(({test}) & ({place} < {piece.valid}))"
        return test


def _pieces_at(pieces: tuple[Piece, ...], uniform: Expr) -> list[int]:
    """The pieces that a position may lie in."""
    at = constant(uniform)
    if at is None:
        return list(range(len(pieces)))
    inside = [
        k for k, piece in enumerate(pieces) if 0 <= at - piece.start < piece.valid
    ]
    return inside or [0]


def read(
    state: Lowering,
    access: TileAccess,
    evaluate: Evaluate,
    fill: Const | None = None,
) -> Value:
    """The element at each lane."""
    tile = access.tile
    points = {dim: evaluate(expr) for dim, expr in access.points.items()}
    results = [_read_piece(state, access, key, points) for key in access.keys]
    result = results[0]
    for key, other in zip(access.keys[1:], results[1:], strict=True):
        tests = []
        for dim, at in points.items():
            piece = tile.pieces[dim][key[dim]]
            if len(tile.pieces[dim]) > 1:
                tests.append(Value(f"{at.atom} >= {piece.start}", BOOL))
                stop = piece.start + piece.size
                tests.append(Value(f"{at.atom} < {stop}", BOOL))
        inside = conjunction(tests)
        if inside is not None:
            text = f"tl.where({inside.text}, {other.typed}, {result.typed})"
            result = Value(text, result.dtype, result.axes)
    outside = _outside(tile, points, fill)
    if outside is not None and fill is not None:
        constant_fill = storage_literal(fill.value, tile.buffer.dtype)
        text = f"tl.where({outside}, {constant_fill.text}, {result.typed})"
        result = Value(text, result.dtype, result.axes)
    return result


def _outside(tile: Tile, points: dict[int, Value], fill: Const | None) -> str | None:
    """The test for positions outside the buffer, where a fill is not zero."""
    if fill is None or storage_literal(fill.value, tile.buffer.dtype).literal == 0:
        return None
    tests = []
    for dim, at in points.items():
        extent = tile.buffer.static_shape[dim]
        if at.literal is None or not 0 <= int(at.literal) < extent:
            tests += [f"({at.typed} < 0)", f"({at.typed} >= {extent})"]
    return " | ".join(tests) or None


def _read_piece(
    state: Lowering,
    access: TileAccess,
    key: tuple[int, ...],
    points: dict[int, Value],
) -> Value:
    tile, lanes = access.tile, access.lanes
    dtype, text = tile.buffer.dtype, tile.names[key]
    rank = tile.buffer.rank
    left = list(range(rank))
    for dim in sorted(points, reverse=True):
        here = access.here(dim, key, points[dim], len(left))
        if dtype.is_float and dtype != "float8_e8m0fnu":
            bits = f"tl.int{dtype.bits}"
            text = state.operations.call("pick", text, here, str(dim), bits)
        else:
            text = state.operations.call("pick_integer", text, here, str(dim))
        left.remove(dim)
    order = [access.axes[dim] for dim in left]
    if order != sorted(order):
        turn = [order.index(axis) for axis in sorted(order)]
        text = f"tl.permute({text}, {shape_text(turn)})"
    axes = frozenset(order)
    if order and len(axes) < lanes.rank:
        marks = [":" if axis in axes else "None" for axis in range(lanes.rank)]
        text = f"{text}[{', '.join(marks)}]"
    return Value(text, dtype, axes)


def fit(access: TileAccess, key: tuple[int, ...], value: Value) -> str:
    """A value or test of the lanes in the dimensions of a piece, 1 where it is a point."""
    lanes, tile = access.lanes, access.tile
    if not value.axes:
        return value.typed
    order = [access.axes[dim] for dim in sorted(access.axes)]
    rest = [axis for axis in range(lanes.rank) if axis not in order]
    text = lanes.spread(value)
    turn = order + rest
    if turn != list(range(lanes.rank)):
        text = f"tl.permute({text}, {shape_text(turn)})"
    sizes = tile.sizes(key)
    shape = [sizes[d] if d in access.axes else 1 for d in range(len(sizes))]
    if shape != [lanes.axes[axis].size for axis in turn]:
        text = f"tl.reshape({text}, {shape_text(shape)})"
    return text


def write(
    state: Lowering,
    access: TileAccess,
    value: Value,
    evaluate: Evaluate,
) -> None:
    """Rebinds the pieces that a store meets, where its conditions hold."""
    tile, lanes = access.tile, access.lanes
    points = {dim: evaluate(expr) for dim, expr in access.points.items()}
    condition = conjunction(lanes.conditions)
    for key in access.keys:
        name, sizes = tile.names[key], tile.sizes(key)
        tests = []
        for dim, at in points.items():
            certain = sizes[dim] == 1 and at.literal == tile.pieces[dim][key[dim]].start
            if not certain:
                tests.append(f"({access.here(dim, key, at, len(sizes))})")
        if condition is not None:
            tests.append(f"({fit(access, key, condition)})")
        text = fit(access, key, value)
        if tests:
            text = f"tl.where({' & '.join(tests)}, {text}, {name})"
        elif not value.axes and sizes:
            text = f"tl.broadcast_to({text}, {shape_text(sizes)})"
            if value.literal is not None:
                text = full(sizes, value.text, tile.buffer)
        state.line(f"{name} = {text}")
