"""Splits axes into pieces of power-of-two sizes, equal wherever two axes meet.

Triton's tensors have power-of-two sizes.  A dimension of 576 becomes pieces of 512 and
64; one of 192, which costs at most a third more, is padded to 256 unless it takes part in
a matrix product.  ``keys[:, 512:576]`` puts a cut at 512.  Axes that index the same
elements (a loop axis and a dimension, the k of two operands) get the same cuts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

Key = tuple[str, int]
MOST_PIECES = 4
MATRIX = 16  # least piece that is worth its own statement; least matrix operand


def power_of_two(count: int) -> int:
    """The least power of two that is at least ``count`` (and at least 1)."""
    return 1 << max(count - 1, 0).bit_length()


@dataclass(frozen=True, slots=True)
class Piece:
    """Positions ``start`` to ``start + valid`` of an axis, in a tensor of ``size``."""

    start: int
    size: int
    valid: int

    @property
    def padded(self) -> bool:
        return self.valid < self.size


@dataclass(frozen=True, slots=True)
class _Link:
    left: Key
    left_start: int
    right: Key
    right_start: int
    length: int


def split_extent(start: int, stop: int, matrix: int) -> list[Piece]:
    """Pieces of one stretch without cuts; of at least ``matrix`` in a matrix product."""
    length = stop - start
    least = max(matrix, 1)
    whole = max(power_of_two(length), least)
    if whole == length or (3 * whole <= 4 * length and not matrix) or length <= least:
        return [Piece(start, whole, length)]
    sizes = [1 << bit for bit in reversed(range(24)) if length >> bit & 1]
    if len(sizes) > 3 or sizes[-1] < max(matrix, MATRIX):
        if not matrix and whole < 2 * MATRIX:
            return [Piece(start, whole, length)]
        head = whole // 2
        rest = max(power_of_two(length - head), least)
        sizes = [head, rest]
    pieces = []
    for size in sizes:
        pieces.append(Piece(start, size, min(size, stop - start)))
        start += size
    return pieces


@dataclass
class Partition:
    """The pieces of every axis and dimension of a launch."""

    crowded: set[str] = field(default_factory=set)
    _extents: dict[Key, int] = field(default_factory=dict)
    _matrix: dict[Key, int] = field(default_factory=dict)
    _links: list[_Link] = field(default_factory=list)
    _cuts: dict[Key, set[int]] = field(default_factory=dict)
    _pieces: dict[Key, tuple[Piece, ...]] = field(default_factory=dict)

    def declare(self, key: Key, extent: int, *, matrix: int = 0) -> None:
        """Adds an axis; ``matrix`` is the least size of its pieces in a product."""
        self._extents[key] = extent
        self._cuts.setdefault(key, {0, extent})
        self._matrix[key] = max(matrix, self._matrix.get(key, 0))

    def link(
        self, left: Key, left_start: int, right: Key, right_start: int, length: int
    ) -> None:
        """States that a stretch of one axis is a stretch of another."""
        if length:
            self._links.append(_Link(left, left_start, right, right_start, length))

    def pieces(self, key: Key) -> tuple[Piece, ...]:
        """The pieces of an axis, in order."""
        return self._pieces[key]

    def solve(self) -> None:
        """Spreads cuts over the links until nothing changes, then splits."""
        changed = True
        while changed:
            changed = False
            for link in self._links:
                changed |= self._spread(link)
        for key, cuts in self._cuts.items():
            ends = sorted(cuts)
            pieces: list[Piece] = []
            for start, stop in pairwise(ends):
                pieces += split_extent(start, stop, self._matrix[key])
            self._pieces[key] = tuple(pieces)
            if len(pieces) > MOST_PIECES and len(ends) > 2:
                self.crowded.add(key[0])

    def _spread(self, link: _Link) -> bool:
        left, right = self._cuts[link.left], self._cuts[link.right]
        before = len(left), len(right)
        shift = link.right_start - link.left_start
        stop = link.left_start + link.length
        left |= {link.left_start, stop}
        left |= {c - shift for c in right if link.left_start <= c - shift <= stop}
        right |= {c + shift for c in left if link.left_start <= c <= stop}
        least = self._matrix[link.left], self._matrix[link.right]
        if least[0] != least[1]:
            self._matrix[link.left] = self._matrix[link.right] = max(least)
            return True
        return (len(left), len(right)) != before
