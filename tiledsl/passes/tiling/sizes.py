"""Extents of tiles where no hint gives them: functions of extents alone (rule L90)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from tiledsl.ir.nodes import Expr, TileHint
from tiledsl.passes.tiling.grid import Axis, static

# elements of a tile of an elementwise statement: a few kilobytes, far below any cache
ELEMENTS: Final = 4096
_ROW: Final = 256
_MATRIX: Final = (64, 64)
_DEPTH: Final = 32
_LINE: Final = 256


@dataclass(frozen=True, slots=True)
class Hint:
    """What the hints around a statement say; 0 where they say nothing."""

    sizes: tuple[int, ...] = ()
    reduce: int = 0
    stages: int = 0

    def inside(self, hint: TileHint) -> Hint:
        """An inner hint in this one; its fields go first where it sets them."""
        count = max(len(self.sizes), len(hint.sizes))
        pairs = zip(_padded(hint.sizes, count), _padded(self.sizes, count), strict=True)
        return Hint(
            tuple(inner or outer for inner, outer in pairs),
            hint.reduce or self.reduce,
            hint.stages or self.stages,
        )

    def axes(self, chosen: Sequence[Axis]) -> list[Axis]:
        """The axes with the sizes of the hint, none beyond a static extent."""
        sizes = _padded(self.sizes, len(chosen))
        return [
            replace(axis, size=within(axis.extent, size)) if size else axis
            for axis, size in zip(chosen, sizes, strict=False)
        ]

    def depth(self, extent: Expr, chosen: int) -> int:
        """The extent of a tile along the reduction axis."""
        return within(extent, self.reduce or chosen)


def _padded(sizes: tuple[int, ...], count: int) -> tuple[int, ...]:
    return (*sizes, *(0 for _ in range(count)))[:count]


def within(extent: Expr, size: int) -> int:
    """The size, or the static extent if that is smaller; at least 1."""
    known = static(extent)
    return size if known is None else max(1, min(size, known))


def elementwise(
    extents: Sequence[Expr], names: Sequence[str], room: int = ELEMENTS
) -> list[Axis]:
    """Long in the innermost axis, then as many rows as there is room for."""
    axes: list[Axis] = []
    for extent, name in zip(reversed(extents), reversed(names), strict=True):
        size = within(extent, min(room, _ROW if not axes else room))
        axes.insert(0, Axis(extent, size, name))
        room = max(1, room // size)
    return axes


def matrix(rows: Expr, columns: Expr) -> list[Axis]:
    """A tile of a product."""
    return [
        Axis(rows, within(rows, _MATRIX[0]), "row"),
        Axis(columns, within(columns, _MATRIX[1]), "column"),
    ]


def matrix_depth(extent: Expr) -> int:
    """How much of the inner dimension of a product is loaded at a time."""
    return within(extent, _DEPTH)


def line(extent: Expr, *, contiguous: bool) -> int:
    """How much of a reduction axis is loaded at a time."""
    return within(extent, _LINE if contiguous else _DEPTH)


def beside(extents: Sequence[Expr], depth: int) -> list[Axis]:
    """The kept axes of a reduction, for tiles of ``depth`` along the reduced one."""
    names = ["row"] * len(extents)
    return elementwise(extents, names, max(1, ELEMENTS // depth))
