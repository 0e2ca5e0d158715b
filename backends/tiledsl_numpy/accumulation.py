"""Accumulate: every executed iteration counts once, in the order of the iterations.

An element of a narrow float is carried in float32 while its loop runs: such updates are
kept and applied when the loop ends.  Nothing else in the loop reads the element (rule
L55), so all others are applied at once.  In an iteration's private memory an update is a
load and a store.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from tiledsl.ir import nodes as ir
from tiledsl_numpy import masks
from tiledsl_numpy.casts import cast
from tiledsl_numpy.expressions import evaluate, own_lane, subscripts
from tiledsl_numpy.frame import Frame, Update
from tiledsl_numpy.indexing import bounds, positions_of
from tiledsl_numpy.ordering import from_keys, to_keys
from tiledsl_numpy.proofs import check_indices

_UFUNCS: dict[str, np.ufunc] = {
    "sum": np.add,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}


def accumulate(statement: ir.Accumulate, frame: Frame) -> None:
    """Combines the active lanes' values into their elements."""
    update = _update(statement, frame)
    if update is None:
        return
    carried_elsewhere = not statement.buffer.dtype.is_arithmetic
    is_shared = not frame.memory(statement.buffer).private
    if carried_elsewhere and is_shared and frame.lanes.names:
        frame.pending.append(update)
    else:
        _apply(update, frame)


def apply_pending(frame: Frame) -> None:
    """Applies the updates that were kept, those of one buffer together."""
    together: dict[tuple[str, str], list[Update]] = defaultdict(list)
    for update in frame.pending:
        together[update.buffer.name, update.reduction].append(update)
    frame.pending.clear()
    for updates in together.values():
        elements = np.concatenate([update.elements for update in updates])
        values = np.concatenate([update.values for update in updates])
        first = updates[0]
        _apply(Update(first.reduction, first.buffer, elements, values), frame)


def _update(statement: ir.Accumulate, frame: Frame) -> Update | None:
    """The element numbers and values of the lanes that write; None if none does."""
    storage = frame.memory(statement.buffer)
    lanes, shape = frame.lanes.shape, storage.array.shape
    indices = subscripts(statement.indices, frame)
    if frame.options.check_proofs and any(statement.proved):
        check_indices(statement, indices, shape, frame)
    if storage.private:
        indices = own_lane(frame) + indices
    positions = [positions_of(index, lanes) for index in indices]
    chosen = masks.both(frame.active, bounds(positions, shape))
    if not masks.some(chosen):
        return None
    elements = np.zeros((), np.int64)
    for position, extent in zip(positions, shape, strict=True):
        elements = elements * np.int64(extent) + position
    value = evaluate(statement.value, frame)
    return Update(
        statement.reduction,
        statement.buffer,
        _in_order(elements, chosen, lanes),
        _in_order(value, chosen, lanes),
    )


def _in_order(
    value: np.ndarray, chosen: masks.Mask, lanes: tuple[int, ...]
) -> np.ndarray:
    """The values of the chosen lanes, one after the other."""
    full = np.broadcast_to(value, lanes)
    return full.flatten() if chosen is None else full[np.broadcast_to(chosen, lanes)]


def _apply(update: Update, frame: Frame) -> None:
    """Combines in the evaluation dtype and rounds each touched element once."""
    dtype = update.buffer.dtype
    array = np.atleast_1d(frame.memory(update.buffer).array)
    touched, number = _distinct(update.elements, array.size)
    place = np.unravel_index(touched, array.shape)
    carried = cast(array[place], dtype, dtype.evaluation)
    ordered = carried.dtype.kind == "f" and update.reduction in ("max", "min")
    if ordered:
        keys = to_keys(carried, update.reduction)
        values = to_keys(update.values, update.reduction)
        _UFUNCS[update.reduction].at(keys, number, values)
        carried = from_keys(keys)
    else:
        _UFUNCS[update.reduction].at(carried, number, update.values)
    array[place] = cast(carried, dtype.evaluation, dtype)


def _distinct(elements: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The different numbers, and for each entry which of them it is."""
    if size > 8 * elements.size + 4096:
        return np.unique(elements, return_inverse=True)
    seen = np.zeros(size, np.bool_)
    seen[elements] = True
    return np.flatnonzero(seen), (np.cumsum(seen) - 1)[elements]
