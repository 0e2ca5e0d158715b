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


def read(
    region: ir.Region,
    shape: tuple[int, ...],
    frame: Frame,
    origin: tuple[int, ...] = (),
) -> np.ndarray:
    """The elements of the points from ``origin`` (all zeros if empty) to that + shape.

    A view if all of them exist, else a copy padded with the fill.
    """
    array = frame.memory(region.buffer).array
    box = box_of(region, shape, array.shape, frame, origin)
    full = box.read(array, fill_value(region.fill, region.buffer, frame))
    return full[_points(region)]


def check(region: ir.Region, shape: tuple[int, ...], frame: Frame) -> None:
    """Raises InternalError if a proved dimension does not hold all of ``shape``."""
    box_of(region, shape, frame.memory(region.buffer).array.shape, frame)


def writable(
    region: ir.Region, shape: tuple[int, ...], frame: Frame
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The first point of ``shape`` that can be written, and how many from there on."""
    box = box_of(region, shape, frame.memory(region.buffer).array.shape, frame)
    if box.empty:
        return (0,) * len(shape), (0,) * len(shape)
    inside = zip(region.dims, box.inside, strict=True)
    ranges = [part for dim, part in inside if isinstance(dim, ir.Range)]
    low = tuple(low for low, _ in ranges)
    return low, tuple(high - low for low, high in ranges)


def write(
    region: ir.Region,
    value: np.ndarray,
    frame: Frame,
    origin: tuple[int, ...] = (),
) -> None:
    """Writes an array from a point on; what is outside region or buffer is skipped.

    A scalar is written to the whole region.
    """
    array = frame.memory(region.buffer).array
    shape = value.shape if value.ndim else shape_of(region.shape, frame)
    box = box_of(region, shape, array.shape, frame, origin)
    if box.empty:
        return
    if value.ndim:
        spread = value[_as_unit_dims(region)]
        box.view(array)[...] = box.part(spread)
    else:
        box.view(array)[...] = value


def box_of(
    region: ir.Region,
    shape: tuple[int, ...],
    size: tuple[int, ...],
    frame: Frame,
    origin: tuple[int, ...] = (),
) -> Box:
    """The rectangle of ``shape`` from a point on, clipped to the region's own ranges."""
    starts, extents, limits = [], [], []
    along = iter(zip(origin or (0,) * len(shape), shape, strict=True))
    for number, (dim, available) in enumerate(zip(region.dims, size, strict=True)):
        if isinstance(dim, ir.At):
            start, extent, own = scalar(dim.index, frame), 1, 1
        else:
            offset, extent = next(along)
            start = scalar(dim.start, frame) + offset
            own = max(0, scalar(dim.extent, frame) - offset)
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
