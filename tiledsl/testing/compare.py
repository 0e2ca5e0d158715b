"""One comparison of an output with what it should be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tiledsl.testing.bounds import Booleans, Bounded, Floats
from tiledsl.testing.registry import Array, Exact, Expected

# More undecided elements than this say that the test data is useless.
UNDECIDED_LIMIT = 0.01


@dataclass(frozen=True, slots=True)
class Wrong:
    """An element that is not what it should be."""

    index: tuple[int, ...]
    expected: float
    got: float
    bound: float

    def __str__(self) -> str:
        place = ", ".join(map(str, self.index))
        allowed = f" +- {self.bound:.3g}" if self.bound else " exactly"
        return f"[{place}]: expected {self.expected!r}{allowed}, got {self.got!r}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The verdict on one output.

    ``worst_share`` is the largest error as a share of its bound: 1.0 is just allowed;
    0.0 for outputs compared exactly.  ``undecided`` counts elements nothing is claimed of.
    """

    name: str
    wrong: int
    first: Wrong | None
    worst_share: float
    undecided: int
    elements: int

    @property
    def conclusive(self) -> bool:
        return self.undecided <= UNDECIDED_LIMIT * self.elements

    @property
    def ok(self) -> bool:
        return self.wrong == 0 and self.conclusive

    def __str__(self) -> str:
        if self.first is not None:
            return f"{self.name}: {self.wrong} of {self.elements} wrong, {self.first}"
        if not self.conclusive:
            return f"{self.name}: {self.undecided} of {self.elements} undecided"
        return f"{self.name}: ok, worst error {self.worst_share:.1%} of its bound"


def compare(name: str, actual: Array, expected: Expected) -> Comparison:
    """Judges every element.

    Floats with a bound: NaN and infinities stand exactly where the reference has them,
    other elements are within their bounds.  ``Exact``: equal bits, any NaN being a NaN.
    """
    value = expected.value
    if actual.shape != value.shape:
        raise ValueError(f"{name}: expected shape {value.shape}, got {actual.shape}")
    if isinstance(expected, Bounded):
        return _bounded(name, actual.astype(np.float64), expected)
    return _exact(name, actual, expected)


def compare_exact_values(name: str, actual: Array, value: Floats) -> Comparison:
    """Judges outputs whose true values are representable, whatever the order of sums."""
    same = actual.astype(np.float64)
    return _exact(name, same, Exact(value.astype(np.float64)))


def _bounded(name: str, actual: Floats, expected: Bounded) -> Comparison:
    value, bound = expected.value, expected.error
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.abs(actual - value)
        share = np.where(distance == 0, 0.0, distance / bound)
    special = ~np.isfinite(value) | ~np.isfinite(actual)
    share = np.where(special, np.where(_same_class(actual, value), 0.0, np.inf), share)
    undecided = np.isinf(bound)
    share = np.where(undecided, 0.0, share)
    return _verdict(name, share > 1.0, share, undecided, actual, value, bound)


def _exact(name: str, actual: Array, expected: Exact) -> Comparison:
    value = expected.value
    wrong = actual != value
    if np.issubdtype(value.dtype, np.floating):
        with np.errstate(invalid="ignore"):
            wrong = ~_same_class(actual.astype(np.float64), value.astype(np.float64))
    undecided = expected.undecided
    if undecided is None:
        undecided = np.zeros(value.shape, np.bool_)
    wrong = wrong & ~undecided
    zero = np.zeros(value.shape)
    return _verdict(name, wrong, zero, undecided, actual, value, zero)


def _same_class(a: Floats, b: Floats) -> Booleans:
    """Equal, or both NaN."""
    result: Booleans = (a == b) | (np.isnan(a) & np.isnan(b))
    return result


def _verdict(
    name: str,
    wrong: Booleans,
    share: Floats,
    undecided: Booleans,
    actual: Array,
    value: Array,
    bound: Floats,
) -> Comparison:
    first = None
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        first = Wrong(
            index, value[index].item(), actual[index].item(), float(bound[index])
        )
    worst = float(share.max(initial=0.0))
    count = int(np.count_nonzero(undecided))
    return Comparison(name, int(wrong.sum()), first, worst, count, value.size)
