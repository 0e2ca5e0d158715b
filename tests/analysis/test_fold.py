"""Folding against an independent evaluation of the same operations."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
from tiledsl_numpy import NumpyBackend

from tiledsl.analysis.fold import fold_apply, fold_bitcast, fold_cast
from tiledsl.backend import Arguments, ArrayRef, BuildOptions, Target
from tiledsl.ir.dtypes import BOOL, INDEX, WHOLE_DTYPES, DType
from tiledsl.ir.literals import fits
from tiledsl.ir.nodes import (
    Apply,
    Bitcast,
    Buffer,
    Cast,
    Const,
    Expr,
    Function,
    Launch,
    Load,
    Store,
    Var,
    index,
)
from tiledsl.ir.ops import SCALAR_OPS

CASES = [
    (op, dtype)
    for op in SCALAR_OPS.values()
    for dtype in WHOLE_DTYPES
    if op.accepts(dtype)
]


def values_of(dtype: DType) -> list[int | float | bool]:
    if dtype == BOOL:
        return [False, True]
    if dtype.is_float:
        special = (0.0, -0.0, 1.0, -1.0, 2.5, -3.5, 0.5, 300.7, 3e9, -1e20, 2.0**64)
        rest = (math.inf, -math.inf, math.nan, 2.0**-140, float(dtype.maximum))
        return [value for value in (*special, *rest) if fits(value, dtype)]
    edges = (0, 1, 2, 3, 7, 8, 31, 32, 63, 64, 100, -1, -2, -7)
    ends = (dtype.minimum, dtype.minimum + 1, dtype.maximum, dtype.maximum - 1)
    return sorted(
        {int(v) for v in (*edges, *ends) if dtype.minimum <= v <= dtype.maximum}
    )


def interpreted(expressions: list[Expr]) -> list[int | float | bool]:
    """What the interpreter makes of expressions without variables, loaded at run time."""
    outputs = [
        Buffer(f"y{at}", (index(1),), e.dtype) for at, e in enumerate(expressions)
    ]
    inputs: list[Buffer] = []
    arrays: list[np.ndarray] = []

    def loaded(const: Const) -> Expr:
        buffer = Buffer(f"x{len(inputs)}", (index(1),), const.dtype)
        inputs.append(buffer)
        carrier = const.dtype.as_numpy()
        wide = np.float64 if const.dtype.is_float else carrier
        arrays.append(np.array([const.value], dtype=wide).astype(carrier))
        return Load(buffer, (index(0),))

    def at_run_time(expr: Expr) -> Expr:
        if isinstance(expr, Apply):
            return Apply(expr.op, tuple(loaded(arg) for arg in expr.args))
        return type(expr)(loaded(expr.value), expr.dtype)

    body = tuple(
        Store(output, (index(0),), at_run_time(expr))
        for output, expr in zip(outputs, expressions, strict=True)
    )
    launch = Launch((Var("b", INDEX),), (index(1),), (1,), body)
    results = [np.zeros(1, output.dtype.as_numpy()) for output in outputs]
    references = tuple(
        ArrayRef(a.ctypes.data, (1,), (1,), buffer.dtype, "cpu", a, a)
        for a, buffer in zip((*arrays, *results), (*inputs, *outputs), strict=True)
    )
    function = Function("f", (*inputs, *outputs), (), (launch,))
    executable = NumpyBackend().build(function, Target("host"), BuildOptions())
    executable.launch(Arguments(references, ()))
    return [result[0].item() for result in results]


def assert_same(folded: Const, exact: int | float | bool, what: object) -> None:
    assert folded == Const(exact, folded.dtype), (what, folded, exact)
    assert fits(folded.value, folded.dtype), what


@pytest.mark.parametrize("op, dtype", CASES, ids=str)
def test_operations(op: object, dtype: DType) -> None:
    values = [Const(value, dtype) for value in values_of(dtype)]
    if op.arity > 1 and len(values) > 12:
        values = values[:4] + values[-7:] if not dtype.is_float else values
    rows = list(itertools.product(values, repeat=min(op.arity, 2)))
    rows = [(*row, row[0]) if op.arity == 3 else row for row in rows]
    folded = [(Apply(op.name, row), fold_apply(op.name, row)) for row in rows]
    known = [(expr, const) for expr, const in folded if const is not None]
    if not dtype.is_float:
        assert len(known) == len(folded), "integer operations always fold"
    if not known:
        assert op.ulp > 0 or op.name in (
            "fma",
            "fmod",
            "ldexp",
            "nextafter",
            "round_away",
        )
        return
    exact = interpreted([expr for expr, _ in known])
    for (expr, const), value in zip(known, exact, strict=True):
        assert_same(const, value, expr)


@pytest.mark.parametrize("source", WHOLE_DTYPES)
def test_casts_and_bitcasts(source: DType) -> None:
    casts = [
        Cast(Const(value, source), target)
        for target in WHOLE_DTYPES
        for value in values_of(source)
    ]
    bitcasts = [
        Bitcast(Const(value, source), target)
        for target in WHOLE_DTYPES
        for value in values_of(source)
        if target.bits == source.bits and BOOL not in (source, target)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        folded = [(cast, fold_cast(cast)) for cast in casts]
        folded += [(bitcast, fold_bitcast(bitcast)) for bitcast in bitcasts]
    known = [(expr, const) for expr, const in folded if const is not None]
    assert len(known) > len(folded) // 2
    exact = interpreted([expr for expr, _ in known])
    for (expr, const), value in zip(known, exact, strict=True):
        assert_same(const, value, expr)
