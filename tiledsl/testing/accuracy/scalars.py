"""Every scalar operation on every dtype that it takes, at special values and others."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from tiledsl.ir.dtypes import ALL_DTYPES, BOOL, DType
from tiledsl.ir.nodes import Apply, Expr, Load, Select
from tiledsl.ir.ops import SCALAR_OPS, ScalarOp
from tiledsl.testing.accuracy.cells import Cell, judged, refused
from tiledsl.testing.accuracy.conversions import differences
from tiledsl.testing.accuracy.elementwise import Array, Formula, Program, Refusal
from tiledsl.testing.accuracy.exact_values import codes_of, from_codes, is_nan
from tiledsl.testing.accuracy.patterns import source_codes
from tiledsl.testing.accuracy.references import reference_error
from tiledsl.testing.accuracy.ulps import errors
from tiledsl.testing.scalar_evaluator.conversion import Value, from_bits, to_bits
from tiledsl.testing.scalar_evaluator.operations import apply

# operand tuples of special values, and of other ones
_SPECIAL_ROWS = 800
_OTHER_ROWS = 400


def accepting_dtypes() -> tuple[DType, ...]:
    """Dtypes that some operation takes: narrow floats are cast first (rule L32)."""
    return tuple(
        dtype
        for dtype in ALL_DTYPES
        if any(op.accepts(dtype) for op in SCALAR_OPS.values())
    )


def judge_scalars(dtype: DType, backends: Sequence[str]) -> list[Cell]:
    """A cell for each operation that takes ``dtype``, on each backend."""
    cells: list[Cell] = []
    for arity in (1, 2, 3):
        ops = [
            op for op in SCALAR_OPS.values() if op.arity == arity and op.accepts(dtype)
        ]
        if not ops:
            continue
        columns = operand_codes(dtype, arity)
        values = [from_codes(column, dtype) for column in columns]
        exact = {op.name: _expected(op, dtype, columns) for op in ops if not op.ulp}
        formulas = [Formula(_result(op, dtype), partial(_apply, op.name)) for op in ops]
        for name in backends:
            results = Program(name, [dtype] * arity, formulas).run(values)
            for op, result in zip(ops, results, strict=True):
                if isinstance(result, Refusal):
                    cells.append(refused(op.name, (str(dtype),), name, result))
                elif op.ulp:
                    cells.append(_within(op, dtype, name, values, result))
                else:
                    expected = exact[op.name]
                    cells.append(_same(op, dtype, name, columns, expected, result))
    return cells


def judge_selects(dtype: DType, backends: Sequence[str]) -> list[Cell]:
    """Both kinds of selects; any dtype may be an arm."""
    first, second = operand_codes(dtype, 2)
    condition = np.arange(len(first), dtype=np.uint64) % np.uint64(3) == 0
    sources = [BOOL, dtype, dtype]
    columns = [condition, from_codes(first, dtype), from_codes(second, dtype)]
    formulas = [Formula(dtype, partial(_select, lazy)) for lazy in (True, False)]
    expected = np.where(condition, first, second)
    cells = []
    for name in backends:
        results = Program(name, sources, formulas).run(columns)
        for label, result in zip(("select lazy", "select"), results, strict=True):
            if isinstance(result, Refusal):
                cells.append(refused(label, (str(dtype),), name, result))
                continue
            codes = codes_of(result)
            wrong = differences(codes, expected, dtype, [first, second])
            cells.append(judged(label, (str(dtype),), name, len(first), wrong))
    return cells


def operand_codes(dtype: DType, arity: int) -> list[Array]:
    """Combinations of special values, then others; codes in columns."""
    special = [to_bits(value, dtype) for value in special_values(dtype)]
    rows = list(itertools.product(special, repeat=arity))
    rng = np.random.default_rng(40 + arity)
    if len(rows) > _SPECIAL_ROWS:
        rows = [rows[at] for at in rng.permutation(len(rows))[:_SPECIAL_ROWS].tolist()]
    codes = source_codes(dtype, "small")
    others = rng.choice(codes, (arity, _OTHER_ROWS))
    near = rng.integers(0, min(len(codes), 9), (arity, _OTHER_ROWS)).astype(np.uint64)
    if arity > 1 and dtype.has_nan:
        # copysign may see the sign of a NaN, which is unspecified
        nan = is_nan(others.ravel(), dtype).reshape(others.shape)
        others = np.where(nan, np.uint64(to_bits(math.nan, dtype)), others)
    columns = zip(zip(*rows, strict=True), others, near, strict=True)
    return [np.concatenate([np.array(a, np.uint64), b, c]) for a, b, c in columns]


def special_values(dtype: DType) -> list[Value]:
    """Where operations have their corners."""
    if dtype.kind == "bool":
        return [False, True]
    if not dtype.is_float:
        low, high, bits = int(dtype.minimum), int(dtype.maximum), dtype.bits
        near = [0, 1, 2, 3, 7, bits - 1, bits, bits + 1, high, high - 1, low, low + 1]
        near += [-1, -2, -3, -7, high // 2, high // 2 + 1, low // 2, 100, -100]
        return sorted({value for value in near if low <= value <= high})
    if dtype == "float4_e2m1fn":
        return [from_bits(code, dtype) for code in range(16)]
    if dtype == "float8_e8m0fnu":
        return [2.0**-127, 0.5, 1.0, 2.0, 2.0**127, math.nan]
    normal = 2.0 ** (2 - 2 ** (dtype.bits - dtype.fraction_bits - 2))
    least = normal * 2.0**-dtype.fraction_bits
    parts = [0.0, least, normal, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, float(dtype.maximum)]
    if dtype.bits >= 32:
        whole = 2.0**dtype.fraction_bits
        parts += [88.5, whole - 0.5, whole, 2.0 * whole + 2, 0.25, whole / 2 + 0.5]
    ends = [math.inf, -math.inf] if dtype.has_infinity else []
    return [*parts, *(-value for value in parts), *ends, math.nan]


def _result(op: ScalarOp, dtype: DType) -> DType:
    return BOOL if op.result == "bool" else dtype


def _apply(name: str, loads: tuple[Load, ...]) -> Expr:
    return Apply(name, loads)


def _select(lazy: bool, loads: tuple[Load, ...]) -> Expr:
    return Select(loads[0], loads[1], loads[2], lazy)


def _expected(op: ScalarOp, dtype: DType, columns: Sequence[Array]) -> Array:
    """Codes, from plain Python and exact rationals."""
    target = _result(op, dtype)
    values = [[from_bits(code, dtype) for code in c.tolist()] for c in columns]
    rows = zip(*values, strict=True)
    codes = [to_bits(apply(op.name, row, dtype), target) for row in rows]
    return np.array(codes, np.uint64)


def _same(
    op: ScalarOp,
    dtype: DType,
    backend: str,
    columns: Sequence[Array],
    expected: Array,
    result: Array,
) -> Cell:
    wrong = differences(codes_of(result), expected, _result(op, dtype), columns)
    return judged(op.name, (str(dtype),), backend, len(expected), wrong)


def _within(
    op: ScalarOp, dtype: DType, backend: str, values: Sequence[Array], result: Array
) -> Cell:
    error = errors(op.name, tuple(values), result) - reference_error(dtype)
    worst = int(np.argmax(error))
    wrong = ""
    if error[worst] > op.ulp:
        place = tuple(float(column[worst]) for column in values)
        wrong = f"{error[worst]} ulp at {place}: {float(result[worst])}"
    return judged(op.name, (str(dtype),), backend, len(result), wrong)
