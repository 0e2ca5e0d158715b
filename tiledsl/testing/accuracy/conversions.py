"""Every conversion, through compiled kernels, against exact integer arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from tiledsl.ir.dtypes import ALL_DTYPES, DType
from tiledsl.ir.nodes import Bitcast, Cast, Expr, Load
from tiledsl.testing.accuracy.cells import Cell, judged, merged, refused
from tiledsl.testing.accuracy.elementwise import (
    PIECE,
    Array,
    Formula,
    Program,
    Refusal,
    Result,
)
from tiledsl.testing.accuracy.exact_rounding import convert_codes
from tiledsl.testing.accuracy.exact_values import codes_of, from_codes, is_nan
from tiledsl.testing.accuracy.patterns import Amount, source_codes

Rounding = Literal["rn", "rz", "rp", "rm"]
ROUNDINGS: tuple[Rounding, ...] = ("rn", "rz", "rp", "rm")


@dataclass(frozen=True, slots=True)
class Conversion:
    """A target and how values are rounded to it."""

    target: DType
    rounding: Rounding = "rn"
    saturate: bool = True

    @property
    def name(self) -> str:
        return f"cast {self.rounding}{'' if self.saturate else ', overflow'}"

    def cast(self, loads: tuple[Load, ...]) -> Expr:
        """The expression; a value of the target's dtype is left as it is."""
        if loads[0].dtype == self.target:
            return loads[0]
        return Cast(loads[0], self.target, self.rounding, self.saturate)


def conversions_of(source: DType) -> list[Conversion]:
    """To every dtype; between floats in every direction, with and without saturation."""
    found = [Conversion(target) for target in ALL_DTYPES]
    if not source.is_float:
        return found + [Conversion(t, "rn", False) for t in ALL_DTYPES if _clamps(t)]
    for target in ALL_DTYPES:
        if target.is_float and target != source:
            found += [Conversion(target, how) for how in ROUNDINGS[1:]]
        if _clamps(target) and target != source:
            found += [Conversion(target, how, False) for how in ROUNDINGS]
    return found


def _clamps(target: DType) -> bool:
    return target.is_float and target.bits == 8


def judge_conversions(
    source: DType, backends: Sequence[str], amount: Amount = "small"
) -> list[Cell]:
    """A cell for each conversion of a dtype on each backend."""
    plans = conversions_of(source)
    formulas = [Formula(plan.target, plan.cast) for plan in plans]
    programs = {name: Program(name, [source], formulas) for name in backends}
    found: dict[tuple[str, int], list[Cell]] = {}
    for codes in _pieces(source_codes(source, amount)):
        values = from_codes(codes, source)
        expected = [
            convert_codes(codes, source, plan.target, plan.rounding, plan.saturate)
            for plan in plans
        ]
        for name, program in programs.items():
            for place, result in enumerate(program.run([values])):
                plan = plans[place]
                cell = _judge(source, plan, name, codes, expected[place], result)
                found.setdefault((name, place), []).append(cell)
    return [merged(cells) for cells in found.values()]


def _pieces(codes: Array) -> Iterator[Array]:
    for start in range(0, len(codes), PIECE):
        piece = codes[start : start + PIECE]
        yield piece if len(codes) <= PIECE else np.resize(piece, PIECE)


def _judge(
    source: DType,
    plan: Conversion,
    backend: str,
    codes: Array,
    expected: Array,
    result: Result,
) -> Cell:
    dtypes = (str(source), str(plan.target))
    if isinstance(result, Refusal):
        return refused(plan.name, dtypes, backend, result)
    wrong = differences(codes_of(result), expected, plan.target, [codes])
    return judged(plan.name, dtypes, backend, len(codes), wrong)


def differences(
    found: Array, expected: Array, target: DType, operands: Sequence[Array]
) -> str:
    """What differs, as codes; any NaN is as good as any other."""
    unequal = found != expected
    if target.is_float:
        unequal &= ~(is_nan(found, target) & is_nan(expected, target))
    if not unequal.any():
        return ""
    rows = [
        f"({', '.join(hex(int(column[at])) for column in operands)}) gives "
        f"{int(found[at]):#x}, not {int(expected[at]):#x}"
        for at in np.flatnonzero(unequal)[:3]
    ]
    return f"{int(unequal.sum())} of {len(found)}: {'; '.join(rows)}"


def judge_bitcasts(source: DType, backend: str) -> list[Cell]:
    """The same bits in every dtype of the same width."""
    codes = source_codes(source, "small")[:PIECE]
    targets = [
        target
        for target in ALL_DTYPES
        if target.bits == source.bits
        and (target == source or "bool" not in (target, source))
    ]
    formulas = [Formula(target, partial(_bitcast, target)) for target in targets]
    results = Program(backend, [source], formulas).run([from_codes(codes, source)])
    cells = []
    for target, result in zip(targets, results, strict=True):
        dtypes = (str(source), str(target))
        if isinstance(result, Refusal):
            cells.append(refused("bitcast", dtypes, backend, result))
            continue
        wrong = differences(codes_of(result), codes, target, [codes])
        cells.append(judged("bitcast", dtypes, backend, len(codes), wrong))
    return cells


def _bitcast(target: DType, loads: tuple[Load, ...]) -> Expr:
    return Bitcast(loads[0], target)
