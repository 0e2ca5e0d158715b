"""Every scalar operation over special and random values, against the scalar evaluator."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from tiledsl_numpy.operations import OPERATIONS

from tiledsl.ir.dtypes import ALL_DTYPES, DType
from tiledsl.ir.ops import SCALAR_OPS, ScalarOp
from tiledsl.testing.scalar_evaluator.operations import apply

CELLS = [
    pytest.param(op, dtype, id=f"{op.name}-{dtype}")
    for op in SCALAR_OPS.values()
    for dtype in ALL_DTYPES
    if op.accepts(dtype)
]


def special_values(dtype: DType) -> list[int | float | bool]:
    if dtype.kind == "bool":
        return [False, True]
    if not dtype.is_float:
        low, high, bits = int(dtype.minimum), int(dtype.maximum), dtype.bits
        near = {0, 1, 2, 3, 7, bits - 1, bits, bits + 1, high, high - 1, low, low + 1}
        near |= {-value for value in near} | {high // 2, high // 2 + 1, 85}
        return sorted(value for value in near if low <= value <= high)
    tiny = 2.0**-1074 if dtype == "float64" else 2.0**-149
    normal = 2.0**-1022 if dtype == "float64" else 2.0**-126
    step = 2.0**-dtype.fraction_bits
    positive = [0.0, tiny, 3 * tiny, normal - tiny, normal, 0.25, 0.5 - step / 4, 0.5]
    positive += [
        0.75,
        1 - step / 2,
        1.0,
        1 + step,
        1.5,
        2.5,
        3.0,
        10.0,
        33.0,
        88.5,
        127.0,
    ]
    positive += [1e4, 2.0**23 - 0.5, 2.0**24 + 2, 2.0**53, 1e30, float(dtype.maximum)]
    exact = [float(dtype.as_numpy().type(value)) for value in positive]
    return [*exact, *(-value for value in exact), math.inf, -math.inf, math.nan]


def random_values(dtype: DType, count: int) -> np.ndarray:
    rng = np.random.default_rng(7)
    if dtype.kind == "bool":
        return rng.integers(0, 2, count).astype(bool)
    codes = rng.integers(0, 256, count * dtype.bytes, dtype=np.uint8)
    values = codes.view(dtype.as_numpy())
    if not dtype.is_float:
        small = rng.integers(-9, 9, count).astype(dtype.as_numpy())
        return np.where(rng.integers(0, 2, count) == 0, values, small)
    moderate = (rng.normal(size=count) * 4).astype(values.dtype)
    return np.where(rng.integers(0, 3, count) == 0, values, moderate)


def operands(op: ScalarOp, dtype: DType) -> list[np.ndarray]:
    """All combinations of special values, then random ones."""
    special = special_values(dtype)
    if op.arity == 3:
        special = special[::3] + special[-4:]
    rows = list(itertools.product(special, repeat=op.arity))
    columns = [np.array(column, dtype.as_numpy()) for column in zip(*rows, strict=True)]
    count = 400
    noise = random_values(dtype, count * op.arity).reshape(op.arity, count)
    return [np.concatenate(pair) for pair in zip(columns, noise, strict=True)]


def same(found: object, expected: object) -> bool:
    if isinstance(expected, float) and math.isnan(expected):
        return isinstance(found, float) and math.isnan(found)
    if isinstance(expected, float):
        return found == expected and math.copysign(1, found) == math.copysign(
            1, expected
        )
    return found == expected and type(found) is type(expected)


def ulps(found: float, expected: float, dtype: DType) -> float:
    if math.isnan(expected) or math.isnan(found):
        return 0.0 if math.isnan(expected) and math.isnan(found) else math.inf
    if math.isinf(expected) or math.isinf(found):
        return 0.0 if expected == found else math.inf
    _, exponent = math.frexp(expected)
    smallest = -1074 if dtype == "float64" else -149
    spacing = max(exponent - 1 - dtype.fraction_bits, smallest)
    return math.ldexp(abs(found - expected), -spacing)


@pytest.mark.parametrize(("op", "dtype"), CELLS)
def test_operation(op: ScalarOp, dtype: DType) -> None:
    columns = operands(op, dtype)
    with np.errstate(all="ignore"):
        found = OPERATIONS[op.name](*columns)
    assert found.dtype == (np.bool_ if op.result == "bool" else dtype.as_numpy())
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for value, row in zip(found.tolist(), rows, strict=True):
        expected = apply(op.name, row, dtype)
        if op.ulp:
            # the reference is libm's float64, itself up to two ulp away from the truth
            bound = op.ulp + 2 if dtype == "float64" else 1
            assert ulps(value, expected, dtype) <= bound, (row, value, expected)
        else:
            assert same(value, expected), (row, value, expected)


@pytest.mark.parametrize(("op", "dtype"), CELLS)
def test_scalars_and_arrays_agree(op: ScalarOp, dtype: DType) -> None:
    columns = [column[::37] for column in operands(op, dtype)]
    with np.errstate(all="ignore"):
        found = OPERATIONS[op.name](*columns)
        single = [OPERATIONS[op.name](*row) for row in zip(*columns, strict=True)]
    np.testing.assert_array_equal(found, np.array(single, found.dtype))


def test_every_operation_is_there() -> None:
    assert set(OPERATIONS) == set(SCALAR_OPS)
