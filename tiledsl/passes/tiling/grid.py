"""A launch over the tiles of an iteration space (rule L90)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tiledsl.analysis.affine import affine, to_expr
from tiledsl.ir.dtypes import INDEX
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    Block,
    Const,
    Expr,
    For,
    Function,
    Launch,
    Let,
    Node,
    Parallel,
    Var,
    index,
)
from tiledsl.ir.spans import Span
from tiledsl.ir.visitor import walk

_MOST_AXES: Final = 3
THREADS: Final = (128,)


@dataclass(slots=True)
class Names:
    """Names that a function does not use yet."""

    taken: set[str]

    @staticmethod
    def of(function: Function) -> Names:
        return Names({name for node in walk(function) for name in _declared(node)})

    def fresh(self, name: str) -> str:
        number = 0
        found = name
        while found in self.taken:
            number += 1
            found = f"{name}_{number}"
        self.taken.add(found)
        return found

    def index(self, name: str, span: Span) -> Var:
        return Var(self.fresh(name), INDEX, span=span)


def _declared(node: Node) -> list[str]:
    match node:
        case Function(params=params, dims=dims):
            return [part.name for part in (*params, *dims)]
        case Allocate(buffer=buffer):
            return [buffer.name]
        case Let(var=var) | For(var=var):
            return [var.name]
        case Parallel(vars=names) | Launch(vars=names):
            return [var.name for var in names]
    return []


@dataclass(frozen=True, slots=True)
class Axis:
    """A parallel axis: its extent, the extent of a tile, and what to call its index."""

    extent: Expr
    size: int
    name: str = "tile"

    @property
    def exact(self) -> bool:
        """Whether the tiles cover the axis without an overhang."""
        extent = static(self.extent)
        return extent is not None and extent % self.size == 0


@dataclass(slots=True)
class Grid:
    """The tiles of a space, axes outermost first; ``origins``: where this block's begins.

    The innermost axis varies fastest.  More than three axes: the outer ones are one,
    row-major.
    """

    axes: Sequence[Axis]
    names: Names
    span: Span
    origins: tuple[Expr, ...] = ()
    _vars: list[Var] = field(default_factory=list)
    _counts: list[Expr] = field(default_factory=list)

    def __post_init__(self) -> None:
        counts = [tiles(axis.extent, axis.size) for axis in self.axes]
        surplus = max(0, len(counts) - _MOST_AXES + 1) if len(counts) > 3 else 0
        positions: list[Expr] = []
        if surplus:
            positions += self._collapsed(counts[:surplus])
        for axis, count in zip(self.axes[surplus:], counts[surplus:], strict=True):
            positions.append(self._dimension(axis.name, count))
        if not counts:
            self._dimension("tile", index(1))
        self.origins = tuple(
            times(position, axis.size)
            for position, axis in zip(positions, self.axes, strict=True)
        )

    def _dimension(self, name: str, count: Expr) -> Var:
        var = self.names.index(name, self.span)
        self._vars.append(var)
        self._counts.append(count)
        return var

    def _collapsed(self, counts: Sequence[Expr]) -> list[Expr]:
        """Positions along several axes, from one index over all of them."""
        total: Expr = counts[0]
        for count in counts[1:]:
            total = Apply("mul", (total, count))
        rest: Expr = self._dimension("tiles", total)
        positions: list[Expr] = []
        for count in reversed(counts[1:]):
            positions.insert(0, Apply("floormod", (rest, count)))
            rest = Apply("floordiv", (rest, count))
        return [rest, *positions]

    def launch(self, body: Block) -> Launch:
        fastest_first = tuple(reversed(self._vars)), tuple(reversed(self._counts))
        return Launch(*fastest_first, THREADS, body, span=self.span)


def static(expr: Expr) -> int | None:
    """The value of an index expression, where it is known."""
    return affine(expr).static


def plus(a: Expr, b: Expr) -> Expr:
    """A sum in its shortest form."""
    return to_expr(affine(a) + affine(b))


def minus(a: Expr, b: Expr) -> Expr:
    """A difference in its shortest form."""
    return to_expr(affine(a) - affine(b))


def times(a: Expr, factor: int) -> Expr:
    """A product in its shortest form."""
    return to_expr(affine(a).scaled(factor))


def least(a: Expr, b: Expr) -> Expr:
    """The smaller of two; one of them where they are known to be equal."""
    difference = static(minus(a, b))
    if difference is None:
        return Apply("min", (a, b))
    return a if difference <= 0 else b


def tiles(extent: Expr, size: int) -> Expr:
    """The number of tiles that cover an extent; none cover one below 0."""
    known = static(extent)
    if known is not None:
        return index(max(0, -(-known // size)))
    if not isinstance(extent, Var):  # a dim is never negative
        extent = Apply("max", (extent, Const(0, INDEX)))
    return Apply("ceildiv", (extent, index(size)))
