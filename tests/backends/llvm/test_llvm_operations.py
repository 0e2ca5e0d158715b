"""Every scalar operation over special and random values, in vectors and one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tiledsl_llvm import LlvmBackend
from tiledsl_numpy import NumpyBackend

from tiledsl.backend import Arguments, ArrayRef, BuildOptions
from tiledsl.ir.dtypes import ALL_DTYPES, BOOL, INDEX, DType
from tiledsl.ir.nodes import (
    Apply,
    Buffer,
    For,
    Function,
    Launch,
    Load,
    Parallel,
    Store,
    Var,
    index,
)
from tiledsl.ir.ops import SCALAR_OPS, ScalarOp

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
        near = {0, 1, 2, 3, 7, bits - 1, bits, bits + 1, 85}
        near |= {-value for value in near} | {
            low,
            low + 1,
            high - 1,
            high,
            high // 2 + 1,
        }
        return sorted(value for value in near if low <= value <= high)
    step = 2.0**-dtype.fraction_bits
    tiny, normal = (
        (2.0**-1074, 2.0**-1022) if dtype.bits == 64 else (2.0**-149, 2.0**-126)
    )
    positive = [
        0.0,
        tiny,
        3 * tiny,
        normal - tiny,
        normal,
        0.25,
        0.5 - step / 4,
        0.5,
        0.75,
    ]
    positive += [
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
        1e4,
    ]
    positive += [2.0**23 - 0.5, 2.0**24 + 2, 2.0**53, 1e30, float(dtype.maximum)]
    return [*positive, *(-value for value in positive), np.inf, -np.inf, np.nan]


def operands(op: ScalarOp, dtype: DType) -> list[np.ndarray]:
    """All combinations of special values, then random ones; an odd number."""
    special = special_values(dtype)
    if op.arity == 3:
        special = special[::3] + special[-4:]
    rows = list(itertools.product(special, repeat=op.arity))
    carrier = dtype.as_numpy()
    rng = np.random.default_rng(len(op.name))
    columns = []
    for column in zip(*rows, strict=True):
        if dtype.is_float:
            bits = rng.integers(0, 256, 1000 * dtype.bytes, dtype=np.uint8).view(
                carrier
            )
            noise = np.concatenate([bits, (rng.normal(size=2000) * 4).astype(carrier)])
        else:
            noise = rng.integers(0, 256, 500 * dtype.bytes, dtype=np.uint8).view(
                carrier
            )
            noise = (
                rng.integers(0, 2, 500).astype(bool) if dtype.kind == "bool" else noise
            )
        columns.append(
            np.concatenate([np.array(column, carrier), noise])[: len(rows) + 499]
        )
        if dtype.is_float:
            columns[-1] = np.concatenate([np.array(column, carrier), noise])
    return columns


def function_of(op: ScalarOp, dtype: DType, count: int, *, vectors: bool) -> Function:
    i = Var("i", INDEX)
    inputs = [Buffer(f"X{k}", (index(count),), dtype) for k in range(op.arity)]
    value = Apply(op.name, tuple(Load(x, (i,), proved=(True,)) for x in inputs))
    out = Buffer("out", (index(count),), BOOL if op.result == "bool" else dtype)
    body = (Store(out, (i,), value, (True,)),)
    loop = (
        Parallel((i,), (index(count),), body)
        if vectors
        else For(i, index(0), index(count), index(1), body)
    )
    launch = Launch((Var("bx", INDEX),), (index(1),), (1,), (loop,))
    return Function(f"{op.name}_{dtype}", (*inputs, out), (), (launch,))


def run(backend: object, function: Function, arrays: list[np.ndarray]) -> None:
    executable = backend.build(function, backend.targets()[0], BuildOptions())  # type: ignore[attr-defined]
    executable.launch(
        Arguments(
            tuple(
                ArrayRef(a.ctypes.data, a.shape, (1,), p.dtype, "cpu", a, a)
                for a, p in zip(arrays, function.params, strict=True)
            ),
            (),
        )
    )


@pytest.mark.parametrize(("op", "dtype"), CELLS)
def test_operation(op: ScalarOp, dtype: DType) -> None:
    columns = operands(op, dtype)
    count = len(columns[0])
    result = np.bool_ if op.result == "bool" else columns[0].dtype
    results = []
    for vectors in (True, False):
        function = function_of(op, dtype, count, vectors=vectors)
        results.append(np.zeros(count, result))
        run(LlvmBackend(), function, [*columns, results[-1]])
    expected = np.zeros(count, result)
    run(
        NumpyBackend(),
        function_of(op, dtype, count, vectors=True),
        [*columns, expected],
    )
    for found in results:
        check(op, columns, found, expected)


def check(
    op: ScalarOp, columns: list[np.ndarray], found: np.ndarray, expected: np.ndarray
) -> None:
    if found.dtype.kind != "f":
        wrong = found != expected
    else:
        with np.errstate(all="ignore"):
            wrong = far(op, columns, found, expected)
    rows = [tuple(column[k] for column in columns) for k in np.nonzero(wrong)[0][:5]]
    details = [
        (*row, f, e)
        for row, f, e in zip(rows, found[wrong], expected[wrong], strict=False)
    ]
    assert not wrong.any(), (
        f"{op.name}: {wrong.sum()} wrong, (operands, found, expected): {details}"
    )


def far(
    op: ScalarOp, columns: list[np.ndarray], found: np.ndarray, expected: np.ndarray
) -> np.ndarray:
    """Where a float result is wrong; the reference is itself correctly rounded in float32."""
    if not op.ulp:
        bits = f"u{found.itemsize}"
        exact = found.view(bits) == expected.view(bits)
        return ~(exact | np.isnan(found) & np.isnan(expected))
    slack = 0.5 if found.itemsize == 4 else 1.5
    spacing = np.spacing(np.maximum(np.abs(expected), np.finfo(found.dtype).tiny))
    near = np.abs(found.astype(np.longdouble) - expected) <= (op.ulp + slack) * spacing
    top = np.finfo(found.dtype).max * (1 - 4 * np.finfo(found.dtype).eps)
    edge = (
        (np.abs(expected) >= top)
        & (np.abs(found) >= top)
        & (np.sign(found) == np.sign(expected))
    )
    tiny = np.finfo(found.dtype).tiny
    flushed = (np.abs(expected) < tiny) & (np.abs(found) < 2 * tiny)
    both_nan = np.isnan(found) & np.isnan(expected)
    subnormal = np.zeros(len(found), bool)
    for column in columns:
        subnormal |= (np.abs(column) < tiny) & (column != 0)
    infinite = np.isinf(expected) & (found == expected)
    return ~(
        near & ~np.isinf(expected) | infinite | edge | flushed | both_nan | subnormal
    )
