"""A second opinion on what Tile IR means: plain Python, one element at a time.

It shares nothing with the interpreter that it checks but the nodes and the table of
dtypes.  Arithmetic goes through exact rationals, memory through bits.  Use it on small
tiles: an operation takes microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tiledsl.ir import nodes as ir
from tiledsl.testing.scalar_evaluator.conversion import convert
from tiledsl.testing.scalar_evaluator.memory import ArrayMemory, PackedMemory
from tiledsl.testing.scalar_evaluator.scope import Scope
from tiledsl.testing.scalar_evaluator.statements import execute

__all__ = ["evaluate"]


def evaluate(
    function: ir.Function,
    values: Sequence[np.ndarray | int | float | bool],
    dims: Sequence[int] = (),
) -> None:
    """Runs a function on one value per parameter, changing the arrays in place."""
    scope = Scope()
    for parameter, value in zip(function.params, values, strict=True):
        if isinstance(parameter, ir.Buffer):
            kind = PackedMemory if parameter.dtype.is_packed else ArrayMemory
            memory = kind(np.asarray(value), parameter.dtype)
            scope.memories[parameter.name] = memory
        elif not isinstance(value, np.ndarray):
            scope.values[parameter.name] = convert(value, parameter.dtype)
    scope.values.update(
        {dim.name: size for dim, size in zip(function.dims, dims, strict=True)}
    )
    execute(function.body, scope)
