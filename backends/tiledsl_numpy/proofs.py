"""Tests what ``proved`` flags claim.  The interpreter itself never believes them."""

from __future__ import annotations

import numpy as np

from tiledsl.diagnostics import InternalError
from tiledsl.ir import nodes as ir
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.indexing import Index, Span


def check_indices(
    access: ir.Load | ir.Store | ir.Accumulate | ir.Atomic,
    indices: tuple[Index, ...],
    shape: tuple[int, ...],
    frame: Frame,
) -> None:
    """Raises InternalError if an active lane's index leaves a proved dimension."""
    lanes = frame.lanes.shape
    active = np.broadcast_to(True if frame.active is None else frame.active, lanes)
    own = shape[len(shape) - len(indices) :]
    for dim, (index, size, proved) in enumerate(
        zip(indices, own, access.proved, strict=False)
    ):
        if not proved:
            continue
        low, high = _extremes(index, active)
        if low < 0 or high >= size:
            _refuse(access, access.buffer, dim, f"{low} to {high}", size)


def _extremes(index: Index, active: np.ndarray) -> tuple[int, int]:
    """The least and greatest position of an active lane; (0, -1) if there is none."""
    if not active.any():
        return 0, -1
    if isinstance(index, Span):
        others = tuple(axis for axis in range(active.ndim) if axis != index.axis)
        used = np.flatnonzero(active.any(axis=others))
        return index.start + int(used[0]), index.start + int(used[-1])
    positions = np.broadcast_to(index, active.shape)[active]
    return int(positions.min()), int(positions.max())


def check_range(
    region: ir.Region, dim: int, start: int, extent: int, size: int
) -> None:
    """Raises InternalError unless the positions of a proved dimension exist."""
    if extent > 0 and (start < 0 or start + extent > size):
        positions = f"{start} to {start + extent - 1}"
        _refuse(region, region.buffer, dim, positions, size)


def _refuse(
    node: ir.Node, buffer: ir.Buffer, dim: int, positions: str, size: int
) -> None:
    raise InternalError(
        "E9010",
        f"dimension {dim} of {buffer.name} was proved to be in bounds and is not",
        span=node.span,
        expected=f"positions 0 to {size - 1}",
        got=positions,
    )
