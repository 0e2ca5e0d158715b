"""The lanes of a vectorized statement: its axes and the tests that switch lanes off."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tiledsl.ir.dtypes import BOOL
from tiledsl_triton.subscripts import Lanewise
from tiledsl_triton.values import Value


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: iteration ``start + lane`` of variable ``name``, for ``size`` lanes.

    ``lane`` is the int32 range of the source; ``start`` is uniform.
    """

    name: str
    lane: str
    start: Value
    size: int


@dataclass(frozen=True, slots=True)
class Lanes:
    """Axes in order; ``conditions`` of the user, ``padding`` tests of our own making."""

    axes: tuple[Axis, ...] = ()
    conditions: tuple[Value, ...] = ()
    padding: tuple[Value, ...] = ()
    facts: Lanewise = field(default_factory=Lanewise)

    @property
    def rank(self) -> int:
        return len(self.axes)

    @property
    def shape(self) -> str:
        return shape_text([axis.size for axis in self.axes])

    @property
    def all_axes(self) -> frozenset[int]:
        return frozenset(range(self.rank))

    def position(self, name: str) -> int:
        """Which axis a variable is."""
        return next(k for k, axis in enumerate(self.axes) if axis.name == name)

    def when(self, condition: Value) -> Lanes:
        """The lanes in which a condition holds too."""
        return replace(self, conditions=(*self.conditions, condition))

    def spread(self, value: Value) -> str:
        """Text of the value in the full shape of the lanes."""
        if value.axes == self.all_axes:
            return value.text
        return f"tl.broadcast_to({value.typed}, {self.shape})"


def shape_text(sizes: list[int]) -> str:
    """A shape as a Python tuple."""
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"


def expand(position: int, rank: int) -> str:
    """The subscript that puts a vector on one axis: ``[None, :]``."""
    if rank == 1:
        return ""
    marks = [":" if place == position else "None" for place in range(rank)]
    return f"[{', '.join(marks)}]"


def conjunction(tests: tuple[Value, ...] | list[Value]) -> Value | None:
    """All of the tests, or None if there are none."""
    tests = list({test.text: test for test in tests}.values())
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]
    axes = frozenset().union(*(test.axes for test in tests))
    return Value(" & ".join(test.atom for test in tests), BOOL, axes)
