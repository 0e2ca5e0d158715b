"""``T.Layout`` and ``T.Fragment``: hints, and on the host functions of coordinates (L84)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Final

from tiledsl.diagnostics import ArgumentError, KernelError, brief
from tiledsl.frontend.builder import here

_POINTS: Final = 1 << 20  # of a layout that is looked at point by point


class Layout:
    """A mapping from a buffer's coordinates to physical ones.

    ``forward_fn`` takes one coordinate per dimension and returns one or several.

    >>> rows = Layout((8, 64), lambda i, j: i * 64 + j)
    >>> rows.repeat(dim=0, factor=2).map_forward_index((9, 1))
    (1, 65)
    """

    def __init__(self, shape: object, forward_fn: Callable[..., object]) -> None:
        if not callable(forward_fn):
            raise KernelError(
                "E0217",
                "T.Layout got a malformed hint",
                span=here(),
                expected="a function of the coordinates",
                got=brief(forward_fn),
            )
        self.shape = shape
        self.forward_fn = forward_fn

    def get_input_shape(self) -> tuple[int, ...]:
        """The extents of the buffer, which have to be static.  E1014 otherwise."""
        extents = self.shape if isinstance(self.shape, Sequence) else (self.shape,)
        return tuple(_positive(extent, "an extent of the layout") for extent in extents)

    def get_output_shape(self) -> tuple[int, ...]:
        """The least extents that hold every physical coordinate."""
        return tuple(max(values) + 1 for values in zip(*self._images(), strict=True))

    def map_forward_index(self, at: Sequence[object]) -> tuple[object, ...]:
        """The physical coordinates of a point."""
        image = self.forward_fn(*at)
        return tuple(image) if isinstance(image, Sequence) else (image,)

    def expand(self, leading: int | Sequence[int]) -> Layout:
        """The layout of as many copies of the buffer as ``leading`` says, side by side.

        Their number, or numbers, stand first, also in the physical coordinates.
        """
        added = tuple(leading) if isinstance(leading, Sequence) else (leading,)
        if not added:
            return self
        sizes = tuple(_positive(size, "argument 'leading'") for size in added)
        count = len(sizes)

        def forward(*at: object) -> tuple[object, ...]:
            return (*at[:count], *self.map_forward_index(at[count:]))

        return Layout((*sizes, *self.get_input_shape()), forward)

    def repeat(self, dim: int, factor: int) -> Layout:
        """The layout of a buffer that is ``factor`` times as long along ``dim``.

        The number of the repetition is the first physical coordinate.
        """
        shape = self.get_input_shape()
        times = _positive(factor, "argument 'factor'")
        if not -len(shape) <= dim < len(shape):
            raise _malformed("argument 'dim'", f"one of {len(shape)} dimensions", dim)
        if times == 1:
            return self
        axis = dim % len(shape)
        extent = shape[axis]

        def forward(*at: int) -> tuple[object, ...]:
            inner = (*at[:axis], at[axis] % extent, *at[axis + 1 :])
            return (at[axis] // extent, *self.map_forward_index(inner))

        return Layout((*shape[:axis], times * extent, *shape[axis + 1 :]), forward)

    def is_equal(self, other: Layout) -> bool:
        """Whether two layouts map the same points to the same places."""
        if self.get_input_shape() != other.get_input_shape():
            return False
        pairs = zip(self._images(), other._images(), strict=True)
        return all(mine == theirs for mine, theirs in pairs)

    def _images(self) -> Iterator[tuple[int, ...]]:
        shape = self.get_input_shape()
        if math.prod(shape) > _POINTS:
            raise _malformed("a layout", f"at most {_POINTS} points", math.prod(shape))
        for at in product(*(range(extent) for extent in shape)):
            yield tuple(int(part) for part in self.map_forward_index(at))  # type: ignore[call-overload]  # of ints

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shape})"


class Fragment(Layout):
    """A layout of a tile over the threads of a block."""

    def __init__(
        self,
        shape: object,
        forward_fn: Callable[..., object] | None = None,
        forward_thread_fn: Callable[..., object] | None = None,
        replicate: int = 1,
        forward_index_fn: Callable[..., object] | None = None,
    ) -> None:
        super().__init__(shape, forward_fn or forward_thread_fn or (lambda *at: at))

    def repeat(self, *_: object, **__: object) -> Fragment:
        """The fragment itself: how threads share a tile has no influence here."""
        return self

    def replicate(self, *_: object) -> Fragment:
        """The fragment itself."""
        return self

    def condense_rep_var(self) -> Fragment:
        """The fragment itself."""
        return self


def _positive(value: object, what: str) -> int:
    try:
        size = -1 if isinstance(value, str | bool) else int(value)  # type: ignore[call-overload]  # tried
    except (TypeError, ValueError):
        size = -1
    if size < 1:
        raise _malformed(what, "a positive int", value)
    return int(size)


def _malformed(what: str, expected: str, got: object) -> ArgumentError:
    return ArgumentError("E1014", what, expected=expected, got=brief(got))
