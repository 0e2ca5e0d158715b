"""Copy and Fill."""

from __future__ import annotations

from tiledsl.ir import nodes as ir
from tiledsl_numpy import regions
from tiledsl_numpy.casts import cast
from tiledsl_numpy.expressions import evaluate
from tiledsl_numpy.frame import Frame


def copy(statement: ir.Copy, frame: Frame) -> None:
    """Reads everything, converts it, then writes."""
    shape = regions.shape_of(statement.shape, frame)
    value = regions.read(statement.source, shape, frame)
    source, target = statement.source.buffer.dtype, statement.target.buffer.dtype
    regions.write(statement.target, cast(value, source, target), frame)


def fill(statement: ir.Fill, frame: Frame) -> None:
    """Evaluates the value once and writes it everywhere in the region."""
    regions.write(statement.target, evaluate(statement.value, frame), frame)
