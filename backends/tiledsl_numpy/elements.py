"""Allocate, Let and Store: scalar statements."""

from __future__ import annotations

import numpy as np

from tiledsl.diagnostics import InternalError
from tiledsl.ir import nodes as ir
from tiledsl.ir.dtypes import DType
from tiledsl_numpy.expressions import evaluate, own_lane, snapshot, subscripts
from tiledsl_numpy.frame import Frame, Storage
from tiledsl_numpy.indexing import scatter
from tiledsl_numpy.poison import poisoned
from tiledsl_numpy.proofs import check_indices
from tiledsl_numpy.regions import shape_of


def allocate(statement: ir.Allocate, frame: Frame) -> None:
    """New undefined memory; inside ``Parallel`` a copy for each lane."""
    buffer = statement.buffer
    if buffer.of is not None:
        memory = frame.storage[buffer.of].array
        shape = shape_of(buffer.shape, frame)
        frame.storage[buffer.name] = Storage(viewed(memory, buffer.dtype, shape))
        return
    shape = frame.lanes.shape + shape_of(buffer.shape, frame)
    memory = poisoned(shape, buffer.dtype, frame.options.poison)
    frame.storage[buffer.name] = Storage(memory, bool(frame.lanes.names))


def viewed(array: np.ndarray, dtype: DType, shape: tuple[int, ...]) -> np.ndarray:
    """The same bytes as elements of another dtype and shape."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if flat.size and not np.shares_memory(flat, array):
        raise InternalError("E9001", "a view of memory that is not row-major")
    return flat.view(dtype.as_numpy()).reshape(shape)


def let(statement: ir.Let, frame: Frame) -> None:
    """Evaluates now: later stores to what was read do not change it."""
    frame.values[statement.var.name] = snapshot(statement.value, frame)


def store(statement: ir.Store, frame: Frame) -> None:
    """Writes one element in each active lane."""
    storage = frame.memory(statement.buffer)
    indices = subscripts(statement.indices, frame)
    if frame.options.check_proofs and any(statement.proved):
        check_indices(statement, indices, storage.array.shape, frame)
    value = evaluate(statement.value, frame)
    if storage.private:
        indices = own_lane(frame) + indices
    scatter(storage.array, indices, frame.lanes.shape, value, frame.active)
