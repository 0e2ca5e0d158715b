"""The first element in which results differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from tiledsl.ir.dtypes import from_numpy
from tiledsl.testing.bounds import Booleans
from tiledsl.testing.registry import Array
from tiledsl.testing.validation.interpreting import Meaning, Outputs, same_elements


@dataclass(frozen=True, slots=True)
class Difference:
    """``count`` elements of a buffer differ; the first one is at ``index``."""

    buffer: str
    index: tuple[int, ...]
    expected: object
    got: object
    count: int

    @property
    def element(self) -> str:
        return f"{self.buffer}[{', '.join(map(str, self.index))}]"

    def __str__(self) -> str:
        return f"{self.element}: expected {self.expected}, got {self.got}"


Same = Callable[[Array, Array], Booleans]

# How far apart two honest evaluations in another order may be, as a share of the largest
# element: only good enough to find where results that are known to be wrong go wrong.
_SHARE: Final = 2.0**-12


def first_difference(
    truth: Meaning, outputs: Outputs, same: Same = same_elements
) -> Difference | None:
    """Where defined elements come out differently, in the order of the parameters."""
    for name, expected in truth.first.items():
        got = outputs[name]
        wrong = truth.defined(name) & ~same(expected, got)
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            count = int(wrong.sum())
            return Difference(name, index, expected[index], got[index], count)
    return None


def close_elements(a: Array, b: Array) -> Booleans:
    """Where two arrays of floats agree but for rounding; other arrays bit by bit."""
    if a.dtype.kind in "biu":
        return same_elements(a, b)
    dtype = from_numpy(a.dtype)
    wide, other = a.astype(np.float64), b.astype(np.float64)
    finite = np.isfinite(wide)
    largest = float(np.abs(wide[finite]).max(initial=0.0))
    unit = 2.0 ** -(dtype.fraction_bits + 1) if dtype is not None else 0.0
    with np.errstate(invalid="ignore"):
        near = np.abs(wide - other) <= max(_SHARE, 8 * unit) * largest
        result: Booleans = (near & finite) | (wide == other)
    result |= np.isnan(wide) & np.isnan(other)
    return result
