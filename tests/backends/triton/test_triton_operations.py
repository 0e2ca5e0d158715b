"""Every scalar operation and conversion as generated code, against the NumPy backend."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest

from tiledsl.ir import nodes as ir
from tiledsl.ir.dtypes import BOOL, INDEX, WHOLE_DTYPES, DType
from tiledsl.ir.ops import SCALAR_OPS, ScalarOp

Run = Callable[..., list[np.ndarray]]
Pair = Callable[..., tuple[list[np.ndarray], list[np.ndarray]]]
CELLS = [
    pytest.param(op, dtype, id=f"{op.name}-{dtype}")
    for op in SCALAR_OPS.values()
    for dtype in WHOLE_DTYPES
    if op.accepts(dtype)
]
Build = Callable[[tuple[ir.Load, ...]], ir.Expr]
STORED = [dtype for dtype in WHOLE_DTYPES if dtype != "index"]


def special_values(dtype: DType) -> list[int | float | bool]:
    if dtype.kind == "bool":
        return [False, True]
    if not dtype.is_float:
        low, high, bits = int(dtype.minimum), int(dtype.maximum), dtype.bits
        near = [0, 1, 2, 3, 7, bits - 1, bits, high, high - 1, low, low + 1]
        near += [-1, -2, -7, high // 2 + 1]
        return sorted({value for value in near if low <= value <= high})
    big = 2.0**100
    values = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 3.0, 10.0, 88.5, 2.0**23 - 0.5, big]
    return [*values, *(-value for value in values), math.inf, -math.inf, math.nan]


def operands(op: ScalarOp, dtype: DType) -> list[np.ndarray]:
    """Combinations of special values, then random ones."""
    special = special_values(dtype)
    rows = list(itertools.product(special, repeat=op.arity))
    if op.arity == 3:
        rows = rows[:: max(1, len(rows) // 1500)]
    carrier = dtype.as_numpy()
    columns = [np.array(column, carrier) for column in zip(*rows, strict=True)]
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 256, (op.arity, 300 * dtype.bytes), dtype=np.uint8)
    noise = codes % 2 != 0 if dtype == BOOL else codes.view(carrier)
    return [np.concatenate(pair) for pair in zip(columns, noise, strict=True)]


def elementwise(
    count: int, sources: list[DType], target: DType, build: Build
) -> ir.Function:
    """One vectorized statement: Y[i] = build(X0[i], X1[i], ...)."""
    at = ir.Var("i", INDEX)
    extent = ir.index(count)
    inputs = [ir.Buffer(f"X{k}", (extent,), dtype) for k, dtype in enumerate(sources)]
    result = ir.Buffer("Y", (extent,), target)
    loads = tuple(ir.Load(buffer, (at,)) for buffer in inputs)
    store = ir.Store(result, (at,), build(loads))
    loop = ir.Parallel((at,), (extent,), (store,))
    launch = ir.Launch((ir.Var("b", INDEX),), (ir.index(1),), (128,), (loop,))
    return ir.Function("f", (*inputs, result), (), (launch,))


def close_enough(found: np.ndarray, wanted: np.ndarray, ulp: float) -> np.ndarray:
    """Within ``ulp`` of a value that is itself within one."""
    with np.errstate(all="ignore"):
        same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
        unit = np.spacing(np.abs(wanted))
        near = np.abs(found.astype(np.longdouble) - wanted) <= (ulp + 1) * unit
    return same | near


@pytest.mark.parametrize(("op", "dtype"), CELLS)
def test_operation(op: ScalarOp, dtype: DType, run_pair: Pair) -> None:
    values = operands(op, dtype)
    target = BOOL if op.result == "bool" else dtype
    function = elementwise(
        len(values[0]),
        [dtype] * op.arity,
        target,
        lambda loads: ir.Apply(op.name, loads),
    )
    empty = np.zeros(len(values[0]), target.as_numpy())
    found, wanted = run_pair(function, *values, empty)
    if op.ulp:
        good = close_enough(found[-1], wanted[-1], op.ulp)
    else:
        good = found[-1] == wanted[-1]
        if dtype.is_float and target.is_float:
            good &= np.signbit(found[-1]) == np.signbit(wanted[-1])
            good |= np.isnan(found[-1]) & np.isnan(wanted[-1])
    bad = np.flatnonzero(~good)[:5]
    rows = [([v[k] for v in values], found[-1][k], wanted[-1][k]) for k in bad]
    assert not rows


def codes_of(dtype: DType) -> np.ndarray:
    """All values of a narrow dtype; special and random ones of a wide one."""
    carrier = dtype.as_numpy()
    if dtype == BOOL:
        return np.array([False, True])
    if dtype.bits <= 16:
        return (
            np.arange(1 << dtype.bits, dtype=np.uint32)
            .astype(f"u{dtype.bytes}")
            .view(carrier)
        )
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 256, 4000 * dtype.bytes, dtype=np.uint8).view(carrier)
    special = np.array(special_values(dtype), carrier)
    if not dtype.is_float:
        return np.concatenate([special, noise])
    moderate = rng.normal(size=4000) * np.exp2(rng.integers(-30, 30, 4000))
    ties = np.ldexp(rng.integers(1, 1 << 12, 4000) + 0.5, rng.integers(-40, 10, 4000))
    nudged = ties * (1 + 2.0**-40) if dtype == "float64" else ties
    parts = [special, noise, moderate, ties, nudged]
    return np.concatenate([part.astype(carrier) for part in parts])


@pytest.mark.parametrize("source", STORED)
@pytest.mark.parametrize("target", STORED)
def test_conversion(source: DType, target: DType, run: Run) -> None:
    values = codes_of(source)
    function = elementwise(
        len(values), [source], target, lambda loads: ir.Cast(loads[0], target)
    )
    run(function, values, np.zeros(len(values), target.as_numpy()))


FLOATS = [dtype for dtype in STORED if dtype.is_float and dtype != "float8_e8m0fnu"]


@pytest.mark.parametrize("how", ["rz", "rp", "rm", "overflow"])
@pytest.mark.parametrize("target", FLOATS)
@pytest.mark.parametrize("source", ["float16", "bfloat16", "float32", "float64"])
def test_directed_conversion(source: str, target: DType, how: str, run: Run) -> None:
    values = codes_of(DType(source))
    options = {"saturate": False} if how == "overflow" else {"rounding": how}

    def cast(loads: tuple[ir.Load, ...]) -> ir.Expr:
        return ir.Cast(loads[0], target, **options)  # type: ignore[arg-type]

    function = elementwise(len(values), [DType(source)], target, cast)
    run(function, values, np.zeros(len(values), target.as_numpy()))
