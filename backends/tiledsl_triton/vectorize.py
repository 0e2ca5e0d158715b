"""The lanes in which a ``Parallel`` runs: ranges, padding tests, private copies."""

from __future__ import annotations

from typing import Final

from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.nodes import Allocate, Load, Parallel, Store
from tiledsl.ir.visitor import walk
from tiledsl_triton import privates
from tiledsl_triton.expressions import Evaluator
from tiledsl_triton.lanes import Axis, Lanes, expand
from tiledsl_triton.lowering import Lowering
from tiledsl_triton.pieces import Piece, power_of_two
from tiledsl_triton.values import Value, integer

BLOCK: Final = 4096  # lanes of one step of a loop over run-time extents


def block_sizes(
    parallel: Parallel, looped: list[str], extents: dict[str, int], state: Lowering
) -> dict[str, int]:
    """How many lanes of each axis to run at once; the last axis gets most."""
    room = BLOCK
    for name in extents:
        if name not in looped:
            pieces = state.placement.partition.pieces((name, 0))
            room //= max([piece.size for piece in pieces], default=1)
    sizes = {}
    for name in reversed(looped):
        wanted = power_of_two(extents.get(name, BLOCK))
        sizes[name] = max(1, min(room, wanted, 1024))
        room //= sizes[name]
    return sizes


def open_lanes(
    state: Lowering,
    parallel: Parallel,
    pieces: tuple[Piece | None, ...],
    sizes: dict[str, int],
    starts: dict[str, Value],
) -> Lanes:
    """Emits the range of each axis; gives the lanes with their padding tests."""
    state.nonnegative.update(var.name for var in parallel.vars)
    axes, padding = [], []
    rank = len(parallel.vars)
    for place, (var, extent) in enumerate(
        zip(parallel.vars, parallel.extents, strict=True)
    ):
        piece = pieces[place]
        size = piece.size if piece is not None else sizes[var.name]
        lane = state.names.fresh(var.name)
        state.line(f"{lane} = tl.arange(0, {size}){expand(place, rank)}")
        mine = frozenset({place})
        if piece is not None:
            start = integer(piece.start)
            test = f"{lane} < {piece.valid}" if piece.padded else ""
        else:
            start = starts[var.name]
            limit = Evaluator(state, Lanes())(extent)
            test = f"{lane} + {start.text} < {limit.atom}"
        axes.append(Axis(var.name, lane, start, size))
        padding += [Value(test, BOOL, mine)] if test else []
    return Lanes(tuple(axes), (), tuple(padding), state.facts.lanes(parallel))


def declare_outer_privates(state: Lowering, lanes: Lanes, parallel: Parallel) -> None:
    """Fresh copies of the locals that were allocated outside the loop."""
    inside = {n.buffer.name for n in walk(parallel) if isinstance(n, Allocate)}
    outer = {
        node.buffer.name: node.buffer
        for node in walk(parallel)
        if isinstance(node, Store | Load)
        and node.buffer.name in state.facts.private_in(parallel)
    }
    for name, buffer in outer.items():
        if name not in inside:
            privates.declare_private(state, lanes, buffer)
