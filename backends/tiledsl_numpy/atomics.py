"""Atomic: the lanes that are active update their elements one after the other.

Lanes that share an element take turns: the first one of each element together, then the
second ones, and so on, so that every update sees all earlier ones of its element.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from tiledsl.ir import nodes as ir
from tiledsl.ir.ops import ATOMICS
from tiledsl_numpy import masks
from tiledsl_numpy.casts import cast
from tiledsl_numpy.expressions import evaluate, fill_value, own_lane, subscripts
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.indexing import bounds, positions_of
from tiledsl_numpy.masks import Mask
from tiledsl_numpy.operations import OPERATIONS
from tiledsl_numpy.proofs import check_indices


def atomic(statement: ir.Atomic, frame: Frame) -> None:
    """Updates the elements, in the order of the iterations, and binds what they were."""
    storage = frame.memory(statement.buffer)
    lanes, shape = frame.lanes.shape, storage.array.shape
    indices = subscripts(statement.indices, frame)
    if frame.options.check_proofs and any(statement.proved):
        check_indices(statement, indices, shape, frame)
    if storage.private:
        indices = own_lane(frame) + indices
    positions = [positions_of(index, lanes) for index in indices]
    value = statement.value
    values = None if value is None else np.asarray(evaluate(value, frame))
    chosen = masks.both(frame.active, bounds(positions, shape))
    fill = fill_value(statement.fill, statement.buffer, frame)
    before = np.full(lanes, fill, storage.array.dtype)
    if masks.some(chosen):
        _update(statement, storage.array, positions, values, chosen, before)
    if statement.previous is not None:
        frame.values[statement.previous.name] = before[()]


def _update(
    statement: ir.Atomic,
    array: np.ndarray,
    positions: list[np.ndarray],
    values: np.ndarray | None,
    chosen: Mask,
    before: np.ndarray,
) -> None:
    lanes = np.flatnonzero(
        np.broadcast_to(True if chosen is None else chosen, before.shape)
    )
    array = np.atleast_1d(array)  # a view: a scalar is an array of one element
    positions = positions or [np.zeros((), np.int64)]
    places = [np.broadcast_to(p, before.shape).reshape(-1)[lanes] for p in positions]
    new = None
    if values is not None:
        new = np.broadcast_to(values, before.shape).reshape(-1)[lanes]
    flat = before.reshape(-1)
    for turn in _turns(places, array.shape):
        place = tuple(axis[turn] for axis in places)
        old = array[place]
        flat[lanes[turn]] = old
        if new is not None:
            array[place] = _combined(statement, old, new[turn])


def _turns(places: list[np.ndarray], shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Numbers of updates, those of different elements together, in order."""
    elements = np.zeros(len(places[0]), np.int64)
    for position, extent in zip(places, shape, strict=True):
        elements = elements * np.int64(extent) + position
    order = np.argsort(elements, kind="stable")
    ordered = elements[order]
    first = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    starts = np.flatnonzero(first)
    turn = np.arange(len(order)) - starts[np.cumsum(first) - 1]
    by_turn = np.argsort(turn, kind="stable")
    limits = np.searchsorted(turn[by_turn], np.arange(int(turn.max()) + 2))
    for low, high in pairwise(limits):
        yield order[by_turn[low:high]]


def _combined(statement: ir.Atomic, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """In the evaluation dtype, rounded to the buffer's."""
    op, dtype = ATOMICS[statement.op], statement.buffer.dtype
    if not op:
        return new
    wide = dtype.evaluation
    result = OPERATIONS[op](cast(old, dtype, wide), cast(new, dtype, wide))
    return cast(result, wide, dtype)
