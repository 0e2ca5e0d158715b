"""Which function executes which statement in checked mode."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from tiledsl.ir import nodes as ir
from tiledsl_numpy.frame import Execute
from tiledsl_numpy.sanitizer import (
    asynchronous,
    atomics,
    control_statements,
    observations,
    scalar_statements,
    tile_statements,
)
from tiledsl_numpy.sanitizer.session import Session
from tiledsl_numpy.statements import EXECUTE

_CHECKED: dict[type, Execute] = {
    ir.Let: scalar_statements.let,
    ir.Store: scalar_statements.store,
    ir.Accumulate: scalar_statements.accumulate,
    ir.Allocate: scalar_statements.allocate,
    ir.Atomic: atomics.atomic,
    ir.Copy: tile_statements.copy,
    ir.Fill: tile_statements.fill,
    ir.Gemm: tile_statements.gemm,
    ir.Reduce: tile_statements.reduce,
    ir.Sort: tile_statements.sort,
    ir.For: control_statements.for_,
    ir.If: control_statements.if_,
    ir.Parallel: control_statements.parallel,
    ir.Launch: control_statements.launch,
    ir.Assert: observations.assert_,
    ir.Print: observations.print_,
    ir.Wait: asynchronous.wait,
}


def checked_statements(session: Session) -> Mapping[type, Execute]:
    """The interpreter's table, with a check before what can go wrong."""
    checked = {
        kind: partial(execute, session=session) for kind, execute in _CHECKED.items()
    }
    return {**EXECUTE, **checked}
