"""From a wrong result to the statement that made it wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tiledsl.diagnostics import Error
from tiledsl.ir.nodes import Function, Node, Parallel, Statement, Store
from tiledsl.ir.printer import print_statement
from tiledsl.ir.spans import Span
from tiledsl.ir.verifier import verify
from tiledsl.testing.validation.bounded_loops import bound_loops
from tiledsl.testing.validation.differences import Difference
from tiledsl.testing.validation.samples import CannotSample, Sample
from tiledsl.testing.validation.truncation import (
    cut_after,
    extend_sample,
    leaves,
    writers,
)

# The difference that a defect makes to a function, if it makes one.
Trial = Callable[[Function, Sample], Difference | None]


@dataclass(frozen=True, slots=True)
class Blame:
    """The statement whose result is wrong first."""

    statement: Node
    buffer: str

    @property
    def span(self) -> Span:
        return self.statement.span

    @property
    def text(self) -> str:
        if isinstance(self.statement, Statement):
            return print_statement(self.statement).strip().partition("\n")[0]
        return type(self.statement).__name__.lower()


def narrow(
    function: Function, sample: Sample, difference: Difference, trial: Trial
) -> Blame | None:
    """Cuts the function off ever earlier, as long as ``trial`` still sees a difference.

    The tiles are shown, so that a wrong tile counts before it is copied to an output.
    Where showing them hides the defect, the last statement that matters for the output
    is blamed.
    """
    function = bound_loops(function)
    for show in (True, False):
        blame = _search(function, sample, trial, show=show)
        if blame is not None:
            return blame
    for statement in reversed(leaves(function)):
        found = writers(statement, difference.buffer)
        if found != [statement] or _is_writer(statement, difference.buffer):
            return Blame(found[-1], difference.buffer)
    return None


def _is_writer(statement: Statement, buffer: str) -> bool:
    target = getattr(statement, "target", getattr(statement, "buffer", None))
    owner = getattr(target, "buffer", target)
    return getattr(owner, "name", None) == buffer


def _search(
    function: Function, sample: Sample, trial: Trial, *, show: bool
) -> Blame | None:
    """The end of a shortest prefix that differs, by halving; None if none differs."""
    total = len(leaves(function))
    found: dict[int, Difference | None] = {0: None}

    def differs(number: int) -> bool:
        if number not in found:
            found[number] = _try(function, sample, trial, number, show=show)
        return found[number] is not None

    if not differs(total):
        return None
    good, bad = 0, total
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (good, middle) if differs(middle) else (middle, bad)
    difference = found[bad]
    if difference is None:
        return None
    cut = cut_after(function, bad, show=show)
    buffer = cut.shown.get(difference.buffer, difference.buffer)
    return Blame(_part(cut.last, buffer), buffer)


def _try(
    function: Function, sample: Sample, trial: Trial, number: int, *, show: bool
) -> Difference | None:
    try:
        cut = cut_after(function, number, show=show).function
        verify(cut)
        return trial(cut, extend_sample(sample, function, cut))
    except (Error, CannotSample):
        return None  # this prefix cannot be run; others can


def _part(statement: Statement, buffer: str) -> Node:
    """Of an element loop the store that writes the buffer; else the statement."""
    if not isinstance(statement, Parallel):
        return statement
    found = writers(statement, buffer)
    stores = [part for part in found if isinstance(part, Store)]
    return (stores or found or [statement])[-1]
