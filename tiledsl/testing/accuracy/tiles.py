"""Every tile operation on every combination of dtypes: exact, or refused with a code."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from tiledsl.diagnostics import Error
from tiledsl.ir.dtypes import WHOLE_DTYPES, DType
from tiledsl.runtime.backends import choose
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing.accuracy.cells import Cell, judged, merged, refused
from tiledsl.testing.accuracy.conversions import differences
from tiledsl.testing.accuracy.elementwise import refusal
from tiledsl.testing.accuracy.exact_values import codes_of
from tiledsl.testing.accuracy.patterns import Amount
from tiledsl.testing.accuracy.tile_programs import (
    Trial,
    accumulations,
    copies,
    fills,
    gemms,
    reductions,
)
from tiledsl.testing.scalar_evaluator import evaluate

Triple = tuple[DType, DType, DType]


def judge_trial(trial: Trial, backends: Sequence[str]) -> list[Cell]:
    """A cell for each construct of a trial on each backend."""
    expected = [value.copy() for value in trial.values]
    evaluate(trial.function, expected)
    cells: list[Cell] = []
    for name in backends:
        found = [value.copy() for value in trial.values]
        try:
            JITKernel(trial.function)(*found, backend=name)
        except Error as error:
            why = refusal(error)
            cells += [refused(*result, name, why) for result in trial.results]
            continue
        cells += _compared(trial, name, found, expected)
    return _by_construct(cells)


def _compared(
    trial: Trial,
    backend: str,
    found: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
) -> Iterator[Cell]:
    first = len(trial.values) - len(trial.results)
    params = trial.function.params[first:]
    rows = zip(trial.results, params, found[first:], expected[first:], strict=True)
    for (construct, dtypes), param, got, right in rows:
        codes, truth = codes_of(got).ravel(), codes_of(right).ravel()
        places = [np.arange(len(codes), dtype=np.uint64)]
        wrong = differences(codes, truth, param.dtype, places)
        cell = judged(construct, dtypes, backend, len(codes), wrong)
        yield replace(cell, detail=f" at element {wrong}" if wrong else "")


def _by_construct(cells: Sequence[Cell]) -> list[Cell]:
    """One cell where a trial has a construct several times."""
    groups: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        key = (cell.construct, cell.dtypes, cell.backend)
        groups.setdefault(key, []).append(cell)
    return [merged(group) for group in groups.values()]


def judge_elements(dtype: DType, backends: Sequence[str]) -> list[Cell]:
    """Copies from a dtype, fills with it, reduction statements into it."""
    cells = judge_trial(copies(dtype), backends) + judge_trial(fills(dtype), backends)
    for scope in ("fragment", "shared", "global"):
        trial = accumulations(dtype, scope)
        if trial.results:
            cells += judge_trial(trial, backends)
    return cells


def judge_reductions(
    source: DType, backends: Sequence[str], amount: Amount
) -> list[Cell]:
    """Into every dtype; ``small``: into the usual ones."""
    usual = {source, source.evaluation, "float32", "int32"}
    cells: list[Cell] = []
    for target in WHOLE_DTYPES:
        if amount == "full" or target in usual:
            cells += judge_trial(reductions(source, target), backends)
    return cells


def gemm_triples() -> list[Triple]:
    """All products of floats, and all of integers."""
    floats = [dtype for dtype in WHOLE_DTYPES if dtype.is_float]
    integers = [dtype for dtype in WHOLE_DTYPES if dtype.is_integer]
    return [
        triple
        for kind in (floats, integers)
        for triple in itertools.product(kind, kind, kind)
    ]


def judge_gemms(backend: str, amount: Amount) -> list[Cell]:
    """Every triple; what the backend says it can do, it may not refuse.

    ``small``: of the others, one in a hundred.
    """
    choice = choose("cpu", backend)
    able = choice.backend.capabilities(choice.target).gemm
    cells: list[Cell] = []
    for number, triple in enumerate(gemm_triples()):
        if triple in able or amount == "full" or number % 100 == 0:
            cells += [
                _held(cell, triple in able)
                for cell in judge_trial(gemms(*triple), [backend])
            ]
    return cells


def _held(cell: Cell, able: bool) -> Cell:
    if able and cell.status == "refused":
        return replace(cell, status="failed", detail=" though among its capabilities")
    return cell
