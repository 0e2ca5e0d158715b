"""Checked Assert and Print: what they read is looked at like any other read."""

from __future__ import annotations

import numpy as np

from tiledsl.diagnostics.assertions import failure
from tiledsl.ir import nodes as ir
from tiledsl_numpy import observations, regions
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.sanitizer.expressions import inspect
from tiledsl_numpy.sanitizer.region_accesses import check_bounds, read_region
from tiledsl_numpy.sanitizer.session import Session


def assert_(statement: ir.Assert, frame: Frame, session: Session) -> None:
    """Promises of the user are verified, too (rule L72)."""
    holds = inspect(statement.condition, frame, session)
    session.report(failure(statement), frame, np.logical_not(holds))


def print_(statement: ir.Print, frame: Frame, session: Session) -> None:
    value = statement.value
    if isinstance(value, ir.Region):
        shape = regions.shape_of(value.shape, frame)
        check_bounds(value, shape, frame, session, writes=False)
        read_region(value, shape, frame, session)
    elif value is not None:
        inspect(value, frame, session)
    observations.print_(statement, frame)
