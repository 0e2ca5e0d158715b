"""Launch: every block of the grid, one after the other, the first index fastest."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from tiledsl.diagnostics import CheckError
from tiledsl.ir import nodes as ir
from tiledsl_numpy.expressions import scalar
from tiledsl_numpy.frame import Frame

Position = tuple[int, ...]
# all positions of a grid, in an order that says nothing about the meaning
Order = Callable[[Sequence[Position]], Iterable[Position]]


def launch(statement: ir.Launch, frame: Frame) -> None:
    """Each block starts from the host's names and leaves none behind."""
    for position in positions(grid_of(statement, frame)):
        run_block(statement, frame, position)


def launch_in_order(statement: ir.Launch, frame: Frame, *, order: Order) -> None:
    """The blocks in another order; blocks being independent, nothing may change."""
    for position in order(list(positions(grid_of(statement, frame)))):
        run_block(statement, frame, position)


def grid_of(statement: ir.Launch, frame: Frame) -> tuple[int, ...]:
    """The grid's extents.  Raises CheckError if one is negative."""
    grid = tuple(scalar(extent, frame) for extent in statement.grid)
    for extent in grid:
        if extent < 0:
            raise CheckError(
                "E5001",
                "the extent of a grid is negative",
                span=statement.span,
                expected="0 or more blocks per dimension",
                got=" x ".join(map(str, grid)),
            )
    return grid


def positions(grid: tuple[int, ...]) -> Iterable[Position]:
    """The index of every block."""
    for reverse in itertools.product(*[range(extent) for extent in reversed(grid)]):
        yield reverse[::-1]


def run_block(statement: ir.Launch, frame: Frame, position: Position) -> None:
    """One block of a launch."""
    values = dict(frame.values)
    names = [var.name for var in statement.vars]
    values.update(zip(names, np.array(position, np.int64), strict=True))
    block = Frame(
        frame.execute,
        frame.options,
        values,
        dict(frame.storage),
        frame.facts,
        failures=frame.failures,
        block=position,
    )
    block.run(statement.body)
