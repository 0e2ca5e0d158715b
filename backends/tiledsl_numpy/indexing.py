"""Reading and writing elements at many positions at once, never outside the array.

An index is a ``Span`` (a scalar position, or consecutive positions along one axis of the
lanes) or an array of positions.  Spans alone make a box: a view, clipped to the array.
Anything else gathers or scatters with a test per dimension.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType

import numpy as np

from tiledsl_numpy import masks
from tiledsl_numpy.masks import Mask


@dataclass(frozen=True, slots=True)
class Span:
    """``start`` plus the position along ``axis`` of the lanes; one position if None."""

    start: int
    axis: int | None = None


Index = Span | np.ndarray


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of an array: for each dimension where it starts and ends.

    ``inside`` is the part that exists, relative to the rectangle.
    """

    start: tuple[int, ...]
    extent: tuple[int, ...]
    inside: tuple[tuple[int, int], ...]

    @staticmethod
    def of(starts: Sequence[int], extents: Sequence[int], shape: Sequence[int]) -> Box:
        """Clips each dimension by itself."""
        clipped = []
        for start, extent, size in zip(starts, extents, shape, strict=True):
            low = min(max(0, -start), extent)
            clipped.append((low, max(low, min(extent, size - start))))
        return Box(tuple(starts), tuple(extents), tuple(clipped))

    @property
    def whole(self) -> bool:
        """Whether all of the rectangle exists."""
        return all(
            part == (0, extent)
            for part, extent in zip(self.inside, self.extent, strict=True)
        )

    @property
    def empty(self) -> bool:
        return any(low >= high for low, high in self.inside)

    def view(self, array: np.ndarray) -> np.ndarray:
        """The existing part, as a view (also of an array without dimensions)."""
        parts: list[slice | EllipsisType] = [
            slice(start + low, start + high)
            for start, (low, high) in zip(self.start, self.inside, strict=True)
        ]
        return array[(*parts, ...)]

    def part(self, array: np.ndarray) -> np.ndarray:
        """The elements of an array of the rectangle's extents that exist."""
        return array[tuple(slice(low, high) for low, high in self.inside)]

    def read(self, array: np.ndarray, fill: np.ndarray) -> np.ndarray:
        """The rectangle: a view if all of it exists, else a copy with ``fill`` around."""
        if self.whole:
            return self.view(array)
        result = np.full(self.extent, fill, array.dtype)
        if not self.empty:
            self.part(result)[...] = self.view(array)
        return result


def gather(
    array: np.ndarray,
    indices: tuple[Index, ...],
    lanes: tuple[int, ...],
    fill: np.ndarray,
) -> np.ndarray:
    """The element at each position, ``fill`` where there is none."""
    if _is_box(indices):
        box = _box(array, indices, lanes)
        return _to_lanes(box.read(array, fill), indices, lanes)
    positions = [positions_of(index, lanes) for index in indices]
    valid = bounds(positions, array.shape)
    if masks.some(valid):
        found = array[tuple(_confined(positions, array.shape))]
    else:
        return np.full(np.broadcast_shapes(*(p.shape for p in positions)), fill)
    return found if valid is None else np.where(valid, found, fill)


def scatter(
    array: np.ndarray,
    indices: tuple[Index, ...],
    lanes: tuple[int, ...],
    value: np.ndarray,
    active: Mask,
) -> None:
    """Writes each active lane's value at its position, if that exists."""
    if _is_box(indices) and _covers(indices, lanes):
        _scatter_box(array, indices, lanes, value, active)
        return
    positions = [positions_of(index, lanes) for index in indices]
    writes = masks.both(active, bounds(positions, array.shape))
    if not masks.some(writes):
        return
    spread = [np.broadcast_to(position, lanes) for position in positions]
    values = np.broadcast_to(value, lanes)
    chosen = np.broadcast_to(True if writes is None else writes, lanes)
    if not positions:  # one element for all lanes: the last write stays
        array[()] = values[chosen][-1]
        return
    if writes is None:
        array[tuple(spread)] = values
        return
    array[tuple(position[chosen] for position in spread)] = values[chosen]


def bounds(positions: Sequence[np.ndarray], shape: Sequence[int]) -> Mask:
    """Where every position is inside; None if all are."""
    valid: Mask = None
    for position, size in zip(positions, shape, strict=True):
        inside = (position >= 0) & (position < size)
        if not inside.all():
            valid = masks.both(valid, inside)
    return valid


def _confined(
    positions: Sequence[np.ndarray], shape: Sequence[int]
) -> list[np.ndarray]:
    return [
        np.where((position >= 0) & (position < size), position, 0)
        for position, size in zip(positions, shape, strict=True)
    ]


def _is_box(indices: tuple[Index, ...]) -> bool:
    """Whether the indices are spans along different axes."""
    axes = [index.axis for index in indices if isinstance(index, Span)]
    used = [axis for axis in axes if axis is not None]
    return len(axes) == len(indices) and len(used) == len(set(used))


def _covers(indices: tuple[Index, ...], lanes: tuple[int, ...]) -> bool:
    """Whether different lanes have different positions."""
    axes = {index.axis for index in indices if isinstance(index, Span)}
    return all(extent == 1 or axis in axes for axis, extent in enumerate(lanes))


def _box(array: np.ndarray, indices: tuple[Index, ...], lanes: tuple[int, ...]) -> Box:
    spans = [index for index in indices if isinstance(index, Span)]
    extents = [1 if span.axis is None else lanes[span.axis] for span in spans]
    return Box.of([span.start for span in spans], extents, array.shape)


def _axes_of(indices: tuple[Index, ...]) -> list[int | None]:
    return [index.axis for index in indices if isinstance(index, Span)]


def _to_lanes(
    block: np.ndarray, indices: tuple[Index, ...], lanes: tuple[int, ...]
) -> np.ndarray:
    """Reorders a box's dimensions as axes of the lanes; drops the scalar ones."""
    axes = _axes_of(indices)
    kept = block[tuple(0 if axis is None else slice(None) for axis in axes)]
    used = [axis for axis in axes if axis is not None]
    if not used:
        return kept
    ordered = kept.transpose(sorted(range(len(used)), key=used.__getitem__))
    spread = tuple(slice(None) if axis in used else None for axis in range(len(lanes)))
    return ordered[spread]


def _scatter_box(
    array: np.ndarray,
    indices: tuple[Index, ...],
    lanes: tuple[int, ...],
    value: np.ndarray,
    active: Mask,
) -> None:
    box = _box(array, indices, lanes)
    if box.empty:
        return
    target = _to_lanes(box.view(array), indices, lanes)
    inside = {
        axis: slice(*part)
        for axis, part in zip(_axes_of(indices), box.inside, strict=True)
        if axis is not None
    }
    cut = tuple(inside.get(axis, slice(None)) for axis in range(len(lanes)))
    if target.ndim == 0:
        _scatter_one(array, box, value, active)
        return
    values = np.broadcast_to(value, lanes)[cut]
    if active is None:
        target[...] = values
    else:
        np.copyto(target, values, where=np.broadcast_to(active, lanes)[cut])


def _scatter_one(array: np.ndarray, box: Box, value: np.ndarray, active: Mask) -> None:
    """All indices are scalars, so there is one lane."""
    if masks.some(active):
        array[box.start] = np.reshape(value, ())


def positions_of(index: Index, lanes: tuple[int, ...]) -> np.ndarray:
    """An index as an array of positions that broadcasts to the lanes."""
    if not isinstance(index, Span):
        return index
    if index.axis is None:
        return np.int64(index.start)  # type: ignore[return-value]
    shape = [1] * len(lanes)
    shape[index.axis] = lanes[index.axis]
    return (np.arange(lanes[index.axis], dtype=np.int64) + index.start).reshape(shape)
