"""The runs of a check: one that is watched, and others whose blocks go other ways."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from tiledsl.backend import Arguments
from tiledsl.diagnostics.check_report import CheckReport, Severity
from tiledsl.ir import nodes as ir
from tiledsl_numpy.binding import bind
from tiledsl_numpy.frame import Execute, Frame, Options, Storage
from tiledsl_numpy.launching import Order, Position, launch_in_order
from tiledsl_numpy.observations import nothing
from tiledsl_numpy.poison import poisoned
from tiledsl_numpy.sanitizer.element_accesses import bits
from tiledsl_numpy.sanitizer.program import Program, with_plain_loops
from tiledsl_numpy.sanitizer.session import Session, finding
from tiledsl_numpy.sanitizer.statements import checked_statements
from tiledsl_numpy.statements import EXECUTE


@dataclass(frozen=True, slots=True)
class Watched:
    """A function prepared for checks, beside what runs in other orders."""

    function: ir.Function
    body: ir.Block
    program: Program

    @staticmethod
    def of(function: ir.Function) -> Watched:
        plain = with_plain_loops(function)
        return Watched(function, plain.body, Program.of(plain))


def check(
    watched: Watched, arguments: Arguments, options: Options, *, strict: bool
) -> CheckReport:
    """Runs a function watched, then in other orders of its blocks (rule L115).

    The arguments hold the results of the watched run.
    """
    function = watched.function
    session = Session(watched.program, strict)
    frame = Frame(checked_statements(session), options)
    bind(function, arguments, frame)
    written = _written(function, frame, session)
    for buffer in _outputs(function):
        garbage = poisoned((), buffer.dtype, options.poison)
        frame.memory(buffer).array[...] = garbage
    before = {buffer.name: frame.memory(buffer).array.copy() for buffer in written}
    _declare(function, frame, session)
    frame.run(watched.body)
    _check_outputs(function, frame, session)
    if session.blocks > 1:
        for name, order in _ORDERS.items():
            again = _run(function, arguments, options, before, order)
            _compare(function, name, written, frame, again, session)
    return CheckReport(function.name, session.findings.result())


def _backwards(positions: Sequence[Position]) -> Iterable[Position]:
    return reversed(positions)


def _shuffled(positions: Sequence[Position]) -> Iterable[Position]:
    """An order that is the same in each run."""
    mixed = list(positions)
    random.Random(len(mixed)).shuffle(mixed)
    return mixed


_ORDERS: dict[str, Order] = {"reverse": _backwards, "random": _shuffled}


def _written(
    function: ir.Function, frame: Frame, session: Session
) -> tuple[ir.Buffer, ...]:
    """The parameters that hold results: outputs, and whatever else is written."""
    outputs = {buffer.name for buffer in _outputs(function)}
    return tuple(
        part
        for part in function.params
        if isinstance(part, ir.Buffer)
        and (part.name in outputs or part.name in session.program.written)
    )


def _outputs(function: ir.Function) -> tuple[ir.Buffer, ...]:
    parts = (function.params[position] for position in function.outputs)
    return tuple(part for part in parts if isinstance(part, ir.Buffer))


def _declare(function: ir.Function, frame: Frame, session: Session) -> None:
    outputs = {buffer.name for buffer in _outputs(function)}
    for part in function.params:
        if isinstance(part, ir.Buffer):
            array = frame.memory(part).array
            session.shadows.declare(part, array, defined=part.name not in outputs)


def _check_outputs(function: ir.Function, frame: Frame, session: Session) -> None:
    for buffer in _outputs(function):
        array = frame.memory(buffer).array
        missing = ~session.shadows.of(buffer, array).defined
        if missing.any():
            found = finding(
                "error",
                "E5019",
                f"elements of the output {buffer.name} are never written",
                buffer,
                buffer=buffer,
                array=array,
            )
            session.report_elements(found, frame, missing, (0,) * array.ndim)


def _run(
    function: ir.Function,
    arguments: Arguments,
    options: Options,
    before: dict[str, np.ndarray],
    order: Order,
) -> Frame:
    """A plain run on copies of what is written, as it was before."""
    execute: dict[type, Execute] = {**EXECUTE}
    execute[ir.Launch] = partial(launch_in_order, order=order)
    execute[ir.Print] = execute[ir.Breakpoint] = nothing
    frame = Frame(execute, options)
    bind(function, arguments, frame)
    for name, array in before.items():
        frame.storage[name] = Storage(array.copy())
    frame.run(function.body)
    return frame


def _compare(
    function: ir.Function,
    order: str,
    written: Sequence[ir.Buffer],
    first: Frame,
    second: Frame,
    session: Session,
) -> None:
    """A difference between two orders is an error, unless atomic updates allow it."""
    severity: Severity = "note" if session.program.ordered else "error"
    for buffer in written:
        array = first.memory(buffer).array
        differs = bits(array) != bits(second.memory(buffer).array)
        if differs.any():
            found = finding(
                severity,
                "E5021",
                f"{buffer.name} comes out differently when the blocks run in "
                f"{order} order",
                buffer,
                buffer=buffer,
                array=array,
            )
            session.report_elements(found, first, differs, (0,) * array.ndim)
