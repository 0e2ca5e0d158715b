"""Measured errors of the math functions, and their special values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from tiledsl.ir.dtypes import FLOAT32, FLOAT64, DType
from tiledsl.ir.nodes import Apply, Cast, Expr, Load
from tiledsl.ir.ops import SCALAR_OPS, ScalarOp
from tiledsl.testing.accuracy.elementwise import Array, Formula, Program, Refusal
from tiledsl.testing.accuracy.patterns import Amount
from tiledsl.testing.accuracy.references import reference_error
from tiledsl.testing.accuracy.samples import operands
from tiledsl.testing.accuracy.special_values import special_results
from tiledsl.testing.accuracy.ulps import errors

# what arguments are read from; they are evaluated in float32, or float64
ARGUMENTS: tuple[DType, ...] = (
    DType("float16"),
    DType("bfloat16"),
    FLOAT32,
    FLOAT64,
)
# operands whose errors are computed at once
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Measurement:
    """The largest error of a function on a backend, in ulp, and where it was seen.

    ``argument``: the dtype that operands have in memory.  ``specials``: what differs from
    the exact special values, or nothing.  ``refused``: why there is no result.
    """

    function: str
    argument: str
    backend: str
    limit: float
    worst: float = 0.0
    operands: tuple[float, ...] = ()
    samples: int = 0
    specials: str = ""
    refused: str = ""

    @property
    def ok(self) -> bool:
        """Within the published limit, special values exact."""
        return self.worst <= self.limit and not self.specials

    def __str__(self) -> str:
        place = f"{self.function} of {self.argument} on {self.backend}"
        if self.refused:
            return f"{place}: refused {self.refused}"
        text = f"{place}: {self.worst:.2f} ulp at {self.operands}, limit {self.limit:g}"
        return f"{text}; {self.specials}" if self.specials else text


def approximated() -> tuple[ScalarOp, ...]:
    """The functions that have a limit."""
    return tuple(op for op in SCALAR_OPS.values() if op.ulp)


def measure_functions(
    argument: DType,
    backend: str,
    amount: Amount = "small",
    names: Sequence[str] | None = None,
) -> list[Measurement]:
    """A measurement of every function, or of those named."""
    chosen = [op for op in approximated() if names is None or op.name in names]
    result = []
    unary = [op for op in chosen if op.arity == 1]
    if unary:
        columns = operands("", argument, 1, amount)
        result += _measure(unary, argument, backend, columns)
    for op in chosen:
        if op.arity == 2:
            columns = operands(op.name, argument, 2, amount)
            result += _measure([op], argument, backend, columns)
    return result


def _measure(
    ops: Sequence[ScalarOp], argument: DType, backend: str, columns: tuple[Array, ...]
) -> list[Measurement]:
    program = Program(backend, [argument] * len(columns), _formulas(ops, argument))
    worst: list[Measurement] = [
        Measurement(op.name, str(argument), backend, op.ulp) for op in ops
    ]
    for start in range(0, len(columns[0]), _CHUNK):
        part = tuple(column[start : start + _CHUNK] for column in columns)
        wide = tuple(column.astype(_evaluation(argument)) for column in part)
        for place, result in enumerate(program.run(part)):
            old = worst[place]
            if isinstance(result, Refusal):
                worst[place] = _without_result(old, result)
            else:
                worst[place] = _larger(old, wide, result, argument)
    return [_with_specials(row, argument) for row in worst]


def _formulas(ops: Sequence[ScalarOp], argument: DType) -> list[Formula]:
    evaluation = argument.evaluation
    return [Formula(evaluation, partial(_apply, op.name)) for op in ops]


def _apply(name: str, loads: tuple[Load, ...]) -> Expr:
    return Apply(name, tuple(_widened(load) for load in loads))


def _widened(load: Load) -> Expr:
    return load if load.dtype.is_arithmetic else Cast(load, load.dtype.evaluation)


def _evaluation(argument: DType) -> np.dtype[np.generic]:
    return argument.evaluation.as_numpy()


def _without_result(row: Measurement, why: Refusal) -> Measurement:
    worst = 0.0 if why.code else np.inf
    reason = why.code or f"failed: {why.reason}"
    return Measurement(
        row.function, row.argument, row.backend, row.limit, worst, refused=reason
    )


def _larger(
    row: Measurement, wide: tuple[Array, ...], found: Array, argument: DType
) -> Measurement:
    """The row, or a new one if these results have a larger error."""
    error = errors(row.function, wide, found)
    error = np.maximum(error - reference_error(argument.evaluation), 0)
    at = int(np.argmax(error))
    samples = row.samples + len(found)
    here = tuple(float(column[at]) for column in wide)
    larger = error[at] > row.worst
    return Measurement(
        row.function,
        row.argument,
        row.backend,
        row.limit,
        float(error[at]) if larger else row.worst,
        here if larger else row.operands,
        samples,
    )


def _with_specials(row: Measurement, argument: DType) -> Measurement:
    """The row, completed by what comes out for the special operands."""
    if row.refused:
        return row
    cases = special_results(row.function)
    carrier = argument.as_numpy()
    given = zip(*(place for place, _ in cases), strict=True)
    with np.errstate(over="ignore"):
        columns = [np.array(column).astype(carrier) for column in given]
    op = SCALAR_OPS[row.function]
    program = Program(row.backend, [argument] * len(columns), _formulas([op], argument))
    (found,) = program.run(columns)
    if isinstance(found, Refusal):
        return _without_result(row, found)
    wrong = [
        f"{row.function}{place} = {value}, not {result}"
        for (place, result), value in zip(cases, found.tolist(), strict=True)
        if not _same(value, result)
    ]
    return Measurement(
        row.function,
        row.argument,
        row.backend,
        row.limit,
        row.worst,
        row.operands,
        row.samples,
        "; ".join(wrong[:4]),
    )


def _same(found: float, right: float) -> bool:
    if np.isnan(right):
        return bool(np.isnan(found))
    return found == right and bool(np.signbit(found) == np.signbit(right))
