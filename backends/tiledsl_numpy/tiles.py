"""Copy and Fill."""

from __future__ import annotations

from tiledsl.ir import nodes as ir
from tiledsl_numpy import regions
from tiledsl_numpy.casts import cast
from tiledsl_numpy.expressions import evaluate
from tiledsl_numpy.frame import Frame


def copy(statement: ir.Copy, frame: Frame) -> None:
    """Reads what can be written, converts it, then writes."""
    shape = regions.shape_of(statement.shape, frame)
    if frame.options.check_proofs:
        regions.check(statement.source, shape, frame)
    origin, shape = regions.writable(statement.target, shape, frame)
    value = regions.read(statement.source, shape, frame, origin)
    source, target = statement.source.buffer.dtype, statement.target.buffer.dtype
    regions.write(statement.target, cast(value, source, target), frame, origin)


def fill(statement: ir.Fill, frame: Frame) -> None:
    """Evaluates the value once and writes it everywhere in the region."""
    regions.write(statement.target, evaluate(statement.value, frame), frame)
