"""Regions of buffers as arrays: exact bounds per dimension, nothing past a range's end."""

from __future__ import annotations

import numpy as np

from tiledsl.ir import nodes as ir
from tiledsl_numpy.expressions import fill_value, scalar
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.indexing import Box
from tiledsl_numpy.proofs import check_range


def shape_of(extents: tuple[ir.Expr, ...], frame: Frame) -> tuple[int, ...]:
    """Extents as ints; a negative one counts as 0."""
    return tuple(max(0, scalar(extent, frame)) for extent in extents)


def read(region: ir.Region, shape: tuple[int, ...], frame: Frame) -> np.ndarray:
    """The elements for every point of ``shape``: a view, or a copy padded with the fill."""
    array = frame.memory(region.buffer).array
    box = _box(region, shape, array.shape, frame)
    full = box.read(array, fill_value(region.fill, region.buffer, frame))
    return full[_points(region)]


def write(region: ir.Region, value: np.ndarray, frame: Frame) -> None:
    """Writes an array; points outside the region or the buffer are skipped.

    A scalar is written to the whole region.
    """
    array = frame.memory(region.buffer).array
    shape = value.shape if value.ndim else shape_of(region.shape, frame)
    box = _box(region, shape, array.shape, frame)
    if box.empty:
        return
    if value.ndim:
        spread = value[_as_unit_dims(region)]
        box.view(array)[...] = box.part(spread)
    else:
        box.view(array)[...] = value


def _box(
    region: ir.Region,
    shape: tuple[int, ...],
    size: tuple[int, ...],
    frame: Frame,
) -> Box:
    """The rectangle of ``shape`` at the region's origin, clipped to its own ranges."""
    starts, extents, limits = [], [], []
    along = iter(shape)
    for number, (dim, available) in enumerate(zip(region.dims, size, strict=True)):
        if isinstance(dim, ir.At):
            start, extent, own = scalar(dim.index, frame), 1, 1
        else:
            start, extent = scalar(dim.start, frame), next(along)
            own = max(0, scalar(dim.extent, frame))
        if dim.proved and frame.options.check_proofs:
            check_range(region, number, start, min(extent, own), available)
        starts.append(start)
        extents.append(extent)
        limits.append(min(available, start + own))
    return Box.of(starts, extents, limits)


def _points(region: ir.Region) -> tuple[int | slice, ...]:
    """Drops the dimensions that are single positions."""
    return tuple(0 if isinstance(dim, ir.At) else slice(None) for dim in region.dims)


def _as_unit_dims(region: ir.Region) -> tuple[slice | None, ...]:
    """Puts them back, with extent 1."""
    return tuple(None if isinstance(dim, ir.At) else slice(None) for dim in region.dims)
