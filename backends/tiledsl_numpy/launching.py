"""Launch: every block of the grid, one after the other, the first index fastest."""

from __future__ import annotations

import itertools

import numpy as np

from tiledsl.diagnostics import CheckError
from tiledsl.ir import nodes as ir
from tiledsl_numpy.expressions import scalar
from tiledsl_numpy.frame import Frame


def launch(statement: ir.Launch, frame: Frame) -> None:
    """Each block starts from the host's names and leaves none behind."""
    grid = [scalar(extent, frame) for extent in statement.grid]
    for extent in grid:
        if extent < 0:
            raise CheckError(
                "E5001",
                "the extent of a grid is negative",
                span=statement.span,
                expected="0 or more blocks per dimension",
                got=" x ".join(map(str, grid)),
            )
    names = [var.name for var in statement.vars]
    for reverse in itertools.product(*[range(extent) for extent in reversed(grid)]):
        values = dict(frame.values)
        position = np.array(reverse[::-1], np.int64)
        values.update(zip(names, position, strict=True))
        block = Frame(
            frame.execute, frame.options, values, dict(frame.storage), frame.facts
        )
        block.run(statement.body)
