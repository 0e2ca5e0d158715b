"""Where a run is: the block and the loop variables of a lane."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from tiledsl.diagnostics.check_report import Sample
from tiledsl_numpy import masks
from tiledsl_numpy.frame import Frame

# how many of the lanes with a finding are described
MOST_SAMPLES = 3


def at_lane(value: np.ndarray, place: tuple[int, ...]) -> np.ndarray:
    """The value of one lane, of an array that broadcasts to the lanes."""
    value = np.asarray(value)
    if value.ndim == 0:
        return value
    where = zip(value.shape, place, strict=True)
    return np.asarray(value[tuple(0 if extent == 1 else i for extent, i in where)])


def sample_at(frame: Frame, place: tuple[int, ...]) -> Sample:
    """The block and the loop variables of a lane."""
    names = (*frame.loops, *(frame.lanes.names if place else ()))
    loops = tuple((name, int(at_lane(frame.values[name], place))) for name in names)
    return Sample(frame.block, loops)


def chosen_places(
    frame: Frame, chosen: np.ndarray | bool = True
) -> Iterator[tuple[int, ...]]:
    """The active lanes in a set, in order, as positions along the lanes' axes."""
    mask = np.asarray(masks.both(frame.active, np.asarray(chosen)))
    where = np.broadcast_to(mask, frame.lanes.shape)
    return (tuple(int(i) for i in place) for place in np.argwhere(where))


def first_samples(frame: Frame, chosen: np.ndarray) -> list[Sample]:
    """Where the first of the chosen lanes are."""
    places = islice(chosen_places(frame, chosen), MOST_SAMPLES)
    return [sample_at(frame, place) for place in places]
