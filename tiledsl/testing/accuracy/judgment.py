"""Everything that a backend is judged by, cut into subjects that can be run alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from tiledsl.ir.dtypes import ALL_DTYPES, WHOLE_DTYPES
from tiledsl.testing.accuracy.cells import Cell
from tiledsl.testing.accuracy.conversions import judge_bitcasts, judge_conversions
from tiledsl.testing.accuracy.functions import (
    ARGUMENTS,
    Measurement,
    measure_functions,
)
from tiledsl.testing.accuracy.patterns import Amount
from tiledsl.testing.accuracy.scalars import (
    accepting_dtypes,
    judge_scalars,
    judge_selects,
)
from tiledsl.testing.accuracy.tiles import (
    judge_elements,
    judge_gemms,
    judge_reductions,
)

Finding: TypeAlias = Cell | Measurement


@dataclass(frozen=True, slots=True)
class Subject:
    """A part of the table: its name, and how to judge backends by it."""

    name: str
    judge: Callable[[Sequence[str], Amount], Sequence[Finding]]


def subjects() -> tuple[Subject, ...]:
    """All subjects; together they are the whole table."""
    found: list[Subject] = []
    for dtype in ALL_DTYPES:
        found.append(Subject(f"casts of {dtype}", partial(judge_conversions, dtype)))
        found.append(Subject(f"bits of {dtype}", _each(partial(judge_bitcasts, dtype))))
    for dtype in accepting_dtypes():
        found.append(
            Subject(f"operations on {dtype}", _always(partial(judge_scalars, dtype)))
        )
    for dtype in ALL_DTYPES:
        judge = _always(partial(judge_selects, dtype))
        found.append(Subject(f"selects of {dtype}", judge))
    for dtype in WHOLE_DTYPES:
        found += [
            Subject(f"elements of {dtype}", _always(partial(judge_elements, dtype))),
            Subject(f"reductions of {dtype}", partial(judge_reductions, dtype)),
        ]
    found.append(Subject("products", _each_amount(judge_gemms)))
    for dtype in ARGUMENTS:
        measure = partial(measure_functions, dtype)
        found.append(Subject(f"functions of {dtype}", _each_amount(measure)))
    return tuple(found)


def _always(
    judge: Callable[[Sequence[str]], Sequence[Finding]],
) -> Callable[[Sequence[str], Amount], Sequence[Finding]]:
    """A subject of one size."""

    def run(backends: Sequence[str], amount: Amount) -> Sequence[Finding]:
        return judge(backends)

    return run


def _each(
    judge: Callable[[str], Sequence[Finding]],
) -> Callable[[Sequence[str], Amount], Sequence[Finding]]:
    """A subject of one size that takes one backend."""

    def run(backends: Sequence[str], amount: Amount) -> Sequence[Finding]:
        return [row for name in backends for row in judge(name)]

    return run


def _each_amount(
    judge: Callable[[str, Amount], Sequence[Finding]],
) -> Callable[[Sequence[str], Amount], Sequence[Finding]]:
    """A subject that takes one backend."""

    def run(backends: Sequence[str], amount: Amount) -> Sequence[Finding]:
        return [row for name in backends for row in judge(name, amount)]

    return run
