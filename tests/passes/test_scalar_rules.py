"""Both sides of every rule evaluate alike, and every rule applies to its left side."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from tiledsl_numpy import NumpyBackend

from tiledsl.backend import Arguments, ArrayRef, BuildOptions, Target
from tiledsl.ir.dtypes import BOOL, INDEX, DType
from tiledsl.ir.nodes import (
    Apply,
    Buffer,
    Const,
    Expr,
    Function,
    Launch,
    Load,
    Parallel,
    Select,
    Store,
    Var,
    index,
)
from tiledsl.ir.verifier import verify
from tiledsl.passes.canonicalize import canonical
from tiledsl.passes.equations import Pattern, Rule
from tiledsl.passes.scalar_rules import SCALAR_RULES

DTYPES = {
    "b": ("bool",),
    "i": ("int8", "uint8", "int32", "uint32", "int64", "uint64"),
    "f": ("float32", "float64"),
    "n": ("bfloat16",),
}
LANE = Var("i", INDEX)


def special_values(dtype: DType) -> list[int | float | bool]:
    if dtype == BOOL:
        return [False, True]
    if dtype.is_float:
        tiny = 1e-40 if dtype != "bfloat16" else 2.0**-130
        return [0.0, -0.0, 1.0, -1.0, 3.5, -2.25, tiny, math.inf, -math.inf, math.nan]
    edges = (0, 1, -1, 2, -2, 7, dtype.minimum, dtype.minimum + 1, dtype.maximum)
    return sorted({int(edge) for edge in edges if dtype.minimum <= edge})


def instance(pattern: Pattern, letters: dict[str, Expr], dtype: DType) -> Expr | None:
    """The side with letters replaced, folds as ordinary operations; None if ill-typed."""
    if pattern.letter:
        return letters[pattern.letter]
    if not pattern.op:
        return pattern.build({}, BOOL if isinstance(pattern.value, bool) else dtype)
    parts = [instance(arg, letters, dtype) for arg in pattern.args]
    if None in parts:
        return None
    op = pattern.op.removeprefix("fold_")
    return Select(*parts) if op == "select" else Apply(op, tuple(parts))


def well_typed(rule: Rule, dtype: DType) -> bool:
    """Whether the literals of the rule are values of the dtype."""
    letters = {name: Var(name, BOOL if name == "p" else dtype) for name in "xypcd"}
    return all(instance(side, letters, dtype) is not None for side in rule.sides)


CASES = [
    (rule, DType(name))
    for rule in SCALAR_RULES
    for kind in rule.kinds
    for name in DTYPES[kind]
    if well_typed(rule, DType(name))
]


def letters_of(pattern: Pattern) -> set[str]:
    inner = (letters_of(arg) for arg in pattern.args)
    return set().union(*inner) | ({pattern.letter} if pattern.letter else set())


def column(values: list[int | float | bool], dtype: DType) -> np.ndarray:
    wide = np.float64 if dtype.is_float else dtype.as_numpy()
    return np.array(values, dtype=wide).astype(dtype.as_numpy())


def run(function: Function, arrays: list[np.ndarray]) -> None:
    buffers = [param for param in function.params if isinstance(param, Buffer)]
    values = tuple(
        ArrayRef(a.ctypes.data, a.shape, (1,), buffer.dtype, "cpu", a, a)
        for a, buffer in zip(arrays, buffers, strict=True)
    )
    backend = NumpyBackend()
    backend.build(function, Target("host"), BuildOptions()).launch(
        Arguments(values, ())
    )


@pytest.mark.parametrize(
    "rule, dtype", CASES, ids=lambda part: getattr(part, "name", part)
)
def test_sides_are_equal(rule: Rule, dtype: DType) -> None:
    left, right = rule.sides
    names = sorted(letters_of(left))
    kinds = [BOOL if name == "p" else dtype for name in names]
    rows = list(itertools.product(*(special_values(kind) for kind in kinds)))
    count = index(len(rows))
    inputs = [Buffer(name, (count,), k) for name, k in zip(names, kinds, strict=True)]
    letters = {buffer.name: Load(buffer, (LANE,)) for buffer in inputs}
    sides = [instance(side, letters, dtype) for side in (left, right)]
    outputs = [
        Buffer(f"out{at}", (count,), side.dtype) for at, side in enumerate(sides)
    ]
    stores = tuple(
        Store(output, (LANE,), side)
        for output, side in zip(outputs, sides, strict=True)
    )
    loop = Parallel((LANE,), (count,), stores)
    launch = Launch((Var("block", INDEX),), (index(1),), (1,), (loop,))
    function = Function("sides", (*inputs, *outputs), (), (launch,))
    verify(function)
    arrays = [
        column([row[at] for row in rows], buffer.dtype)
        for at, buffer in enumerate(inputs)
    ]
    results = [np.zeros(len(rows), output.dtype.as_numpy()) for output in outputs]
    run(function, [*arrays, *results])
    one, other = (
        result.astype(np.float64) if dtype.is_float else result for result in results
    )
    np.testing.assert_array_equal(one, other)
    if dtype.is_float:
        number = ~np.isnan(one)
        np.testing.assert_array_equal(
            np.signbit(one)[number], np.signbit(other)[number]
        )


@pytest.mark.parametrize(
    "rule, dtype", CASES, ids=lambda part: getattr(part, "name", part)
)
def test_rule_applies(rule: Rule, dtype: DType) -> None:
    left = rule.sides[0]
    nonzero = special_values(dtype)[-2] if dtype != BOOL else True
    letters: dict[str, Expr] = {
        name: Var(name, BOOL if name == "p" else dtype)
        if name in "xyp"
        else Const(nonzero, dtype)
        for name in letters_of(left)
    }
    expr = instance(left, letters, dtype)
    result = rule.apply(expr)
    assert result is not None and result != expr
    assert canonical(expr) != expr


def test_names_are_unique() -> None:
    names = [rule.name for rule in SCALAR_RULES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("text", ["x + 0", "x * 0", "x - x", "x >= x"])
def test_what_is_wrong_on_floats_is_left_alone(text: str) -> None:
    pattern = Rule("", text, "x", "f").sides[0]
    dtype = DType("float32")
    expr = instance(pattern, {"x": Var("x", dtype)}, dtype)
    assert canonical(expr) == expr
