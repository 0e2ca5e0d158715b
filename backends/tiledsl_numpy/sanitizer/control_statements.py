"""Checked control flow: bounds, conditions, loops and launches."""

from __future__ import annotations

from tiledsl.ir import nodes as ir
from tiledsl_numpy import control, launching
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.parallel import parallel as interpret_parallel
from tiledsl_numpy.regions import shape_of
from tiledsl_numpy.sanitizer.asynchronous import end_block
from tiledsl_numpy.sanitizer.bounds import first_position
from tiledsl_numpy.sanitizer.expressions import inspect
from tiledsl_numpy.sanitizer.session import Loop, Session


def if_(statement: ir.If, frame: Frame, session: Session) -> None:
    """What the arms do, they do under a condition."""
    inspect(statement.condition, frame, session)
    session.conditions += 1
    control.if_(statement, frame)
    session.conditions -= 1


def for_(statement: ir.For, frame: Frame, session: Session) -> None:
    """Remembers where a loop starts, if its bounds depend on no data."""
    bounds = (statement.start, statement.stop, statement.step)
    for bound in bounds:
        inspect(bound, frame, session, is_index=True)
    name = statement.var.name
    known = [first_position(bound, frame, session) for bound in bounds]
    if known[0] is not None and None not in known:
        session.starts[name] = known[0]
    control.for_(statement, frame)
    session.starts.pop(name, None)


def parallel(statement: ir.Parallel, frame: Frame, session: Session) -> None:
    """Iterations own elements as blocks do; each loop is an epoch of its own."""
    for extent in statement.extents:
        inspect(extent, frame, session, is_index=True)
    session.epoch += 1
    stored = session.program.stored_in.get(id(statement), frozenset())
    extents = shape_of(statement.extents, frame)
    session.parallel = Loop(session.epoch, extents, stored)
    interpret_parallel(statement, frame)
    session.parallel = None


def launch(statement: ir.Launch, frame: Frame, session: Session) -> None:
    """Each launch is an epoch; within it nothing orders the blocks."""
    for extent in statement.grid:
        inspect(extent, frame, session, is_index=True)
    grid = launching.grid_of(statement, frame)
    session.epoch += 1
    session.launch = session.epoch
    outside = session.conditions
    for number, position in enumerate(launching.positions(grid)):
        session.block, session.number, session.conditions = position, number, 0
        session.blocks = max(session.blocks, number + 1)
        launching.run_block(statement, frame, position)
        end_block(session)
    session.block, session.conditions = None, outside
