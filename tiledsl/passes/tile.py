"""Whole-tensor statements become launches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from tiledsl.backend import Capabilities
from tiledsl.ir.nodes import (
    Block,
    Copy,
    Fill,
    Function,
    Gemm,
    Parallel,
    Reduce,
    Statement,
    TileHint,
)
from tiledsl.passes.base import Contract
from tiledsl.passes.tiling.elements import tile_copy, tile_fill, tile_parallel
from tiledsl.passes.tiling.grid import Names
from tiledsl.passes.tiling.products import tile_gemm
from tiledsl.passes.tiling.reductions import tile_reduce
from tiledsl.passes.tiling.sizes import Hint

_TILE: Final[dict[type, Callable[..., Statement]]] = {
    Copy: tile_copy,
    Fill: tile_fill,
    Gemm: tile_gemm,
    Parallel: tile_parallel,
    Reduce: tile_reduce,
}


@dataclass(frozen=True)
class Tile:
    """Cuts each statement on whole tensors into tiles, one launch each (rule L90).

    Launches that the user wrote stay as they are.

    Before::

        func double[m](X: float32[m], Y: float32[m]) -> (Y)
          parallel (i: m)
            Y[i] = X[i] * 2.0

    After::

        func double[m](X: float32[m], Y: float32[m]) -> (Y)
          launch (i_1: ceildiv(m, 256)) threads 128
            parallel (i_in: 256)
              if i_1 * 256 + i_in < m
                Y[i_1 * 256 + i_in] = X[i_1 * 256 + i_in] * 2.0
    """

    name: str = "tile"
    contract: Contract = "reassociates"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        if not any(type(part) in _TILE or _is_hint(part) for part in function.body):
            return function
        names = Names.of(function)
        return replace(function, body=tuple(_tiled(function.body, Hint(), names)))


def _is_hint(statement: Statement) -> bool:
    return isinstance(statement, TileHint)


def _tiled(block: Block, hint: Hint, names: Names) -> Iterator[Statement]:
    for statement in block:
        if isinstance(statement, TileHint):
            yield from _tiled(statement.body, hint.inside(statement), names)
        elif type(statement) in _TILE:
            yield _TILE[type(statement)](statement, hint, names)
        else:
            yield statement
