"""Whether arrays share memory: exactly, whatever their strides."""

from __future__ import annotations

import math
from itertools import product

import numpy as np

# elements of a strided array that are enumerated before it is taken to overlap itself
_ENUMERATED = 1 << 20
# work that NumPy's exact solver may spend on one pair before they are taken to overlap
_SOLVER_WORK = 1_000_000


def byte_range(
    shape: tuple[int, ...], strides: tuple[int, ...], item: int
) -> tuple[int, int]:
    """The bytes, relative to element 0, from the lowest to past the highest."""
    if 0 in shape:
        return 0, 0
    low = high = 0
    for extent, stride in zip(shape, strides, strict=True):
        reach = (extent - 1) * stride * item
        low, high = low + min(reach, 0), high + max(reach, 0)
    return low, high + item


def overlaps_itself(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether two elements of one array may lie at one place."""
    if 0 in shape:
        return False
    dims = sorted(
        (abs(stride), extent)
        for extent, stride in zip(shape, strides, strict=True)
        if extent > 1
    )
    # a stride beyond everything below it takes no part in any overlap
    while dims:
        stride, _ = dims[-1]
        if stride <= sum(low * (extent - 1) for low, extent in dims[:-1]):
            break
        dims.pop()
    if not dims:
        return False
    if dims[0][0] == 0:
        return True
    if len(dims) == 2:
        (low, low_extent), (high, high_extent) = dims
        common = math.gcd(low, high)
        return high // common < low_extent and low // common < high_extent
    return _enumerate(dims)


def _enumerate(dims: list[tuple[int, int]]) -> bool:
    count = math.prod(extent for _, extent in dims)
    if count > _ENUMERATED:
        return True
    seen: set[int] = set()
    for point in product(*(range(extent) for _, extent in dims)):
        seen.add(sum(i * stride for i, (stride, _) in zip(point, dims, strict=True)))
    return len(seen) < count


class _Memory:
    """A place in memory that NumPy may reason about but never touches."""

    def __init__(
        self, address: int, shape: tuple[int, ...], strides: tuple[int, ...], item: int
    ) -> None:
        self.__array_interface__ = {
            "version": 3,
            "typestr": f"|V{item}",
            "data": (address, True),
            "shape": shape,
            "strides": tuple(stride * item for stride in strides),
        }


Placed = tuple[int, tuple[int, ...], tuple[int, ...], int]


def share_memory(a: Placed, b: Placed) -> bool:
    """Whether two arrays (address, shape, strides, bytes per element) share a byte.

    Undecidable within the work limit counts as sharing.
    """
    try:
        # NumPy's stubs know only two of the values that its documentation allows
        return np.shares_memory(
            np.asarray(_Memory(*a)),
            np.asarray(_Memory(*b)),
            max_work=_SOLVER_WORK,  # type: ignore[arg-type]
        )
    except np.exceptions.TooHardError:
        return True
