"""What operators compute, by the scalar evaluator, against plain Python (C2, C3, L30-L34)."""

from __future__ import annotations

import itertools
import math
import operator
import warnings
from collections.abc import Callable

import numpy as np
import pytest

import tiledsl.language as T
from tiledsl.frontend.buffers import BufferRef
from tiledsl.frontend.builder import Builder
from tiledsl.frontend.values import Value, wrap
from tiledsl.ir.dtypes import DType, from_numpy
from tiledsl.ir.nodes import Buffer, Function, Launch, index
from tiledsl.ir.verifier import verify
from tiledsl.testing.scalar_evaluator import evaluate

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def apply(
    function: Callable[..., Value], result: str, *columns: np.ndarray
) -> np.ndarray:
    """``function`` on every row of the columns, as one kernel of one block."""
    made = Builder()
    count = len(columns[0])
    params = []
    for position, column in enumerate(columns):
        dtype = from_numpy(column.dtype)
        assert dtype is not None
        params.append(Buffer(f"x{position}", (index(count),), dtype))
    params.append(Buffer("out", (index(count),), DType(result)))
    with made.activate(), made.block("host") as host, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with made.block("launch") as block:
            row = made.declare_index("i", index(0), index(count))
            at = wrap(row)
            *inputs, out = (BufferRef(param) for param in params)
            out[at] = function(*(ref[at] for ref in inputs))
        made.emit(Launch((row,), (index(count),), (1,), block.statements))
    kernel = Function("kernel", tuple(params), (), host.statements)
    verify(kernel)
    results = np.zeros(count, DType(result).as_numpy())
    evaluate(kernel, [*columns, results])
    return results


def _edges(dtype: str) -> list[int]:
    low, high = int(DType(dtype).minimum), int(DType(dtype).maximum)
    return sorted(
        {low, low + 1, 0, 1, 7, high - 1, high} | ({-1, -7} if low else set())
    )


def _wrapped(value: int, dtype: str) -> int:
    bits = DType(dtype).bits
    value &= (1 << bits) - 1
    signed = DType(dtype).is_signed
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def _pairs(dtype: str, other: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    rows = list(itertools.product(_edges(dtype), _edges(other or dtype)))
    left, right = zip(*rows, strict=True)
    return np.array(left, dtype), np.array(right, other or dtype)


_EXACT: dict[str, tuple[Callable[..., Value], Callable[[int, int], int]]] = {
    "+": (operator.add, operator.add),
    "-": (operator.sub, operator.sub),
    "*": (operator.mul, operator.mul),
    "//": (operator.floordiv, lambda a, b: a // b if b else 0),
    "%": (operator.mod, lambda a, b: a % b if b else a),
    "truncdiv": (
        T.truncdiv,
        lambda a, b: (abs(a) // abs(b)) * (1 if (a < 0) == (b < 0) else -1) if b else 0,
    ),
    "ceildiv": (T.ceildiv, lambda a, b: -(-a // b) if b else 0),
    "&": (operator.and_, operator.and_),
    "|": (operator.or_, operator.or_),
    "^": (operator.xor, operator.xor),
    "max": (T.max, max),
    "min": (T.min, min),
}


@pytest.mark.parametrize("op", sorted(_EXACT))
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_operations_are_total_and_wrap(op: str, dtype: str) -> None:
    ours, exact = _EXACT[op]
    a, b = _pairs(dtype)
    expected = [
        _wrapped(exact(int(x), int(y)), dtype) for x, y in zip(a, b, strict=True)
    ]
    np.testing.assert_array_equal(apply(ours, dtype, a, b), np.array(expected, dtype))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_shifts_read_their_count_as_unsigned(dtype: str) -> None:
    a, b = _pairs(dtype)
    bits = DType(dtype).bits
    left, right = [], []
    for x, y in zip(a.tolist(), b.tolist(), strict=True):
        beyond = not 0 <= y < bits
        left.append(0 if beyond else _wrapped(x << y, dtype))
        right.append((-1 if x < 0 else 0) if beyond else x >> y)
    np.testing.assert_array_equal(
        apply(operator.lshift, dtype, a, b), np.array(left, dtype)
    )
    np.testing.assert_array_equal(
        apply(operator.rshift, dtype, a, b), np.array(right, dtype)
    )


@pytest.mark.parametrize("op", ["lt", "le", "gt", "ge", "eq", "ne"])
@pytest.mark.parametrize(
    ("a", "b"), list(itertools.product(("int8", "int32", "int64"), INTEGERS))
)
def test_integers_compare_by_value(op: str, a: str, b: str) -> None:
    compare = getattr(operator, op)
    left, right = _pairs(a, b)
    expected = [compare(int(x), int(y)) for x, y in zip(left, right, strict=True)]
    np.testing.assert_array_equal(
        apply(compare, "bool", left, right), np.array(expected)
    )


@pytest.mark.parametrize("literal", [-1, 0, 128, 255, 256, 2**31, 2**32 - 1, 2**63])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_compare_with_literals_by_value(dtype: str, literal: int) -> None:
    x = np.array(_edges(dtype), dtype)
    expected = np.array([int(v) < literal for v in x])
    np.testing.assert_array_equal(apply(lambda v: v < literal, "bool", x), expected)
    np.testing.assert_array_equal(apply(lambda v: literal > v, "bool", x), expected)


SPECIALS = [0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 3.0, 1e30, math.inf, -math.inf, math.nan]


def _floats() -> tuple[np.ndarray, np.ndarray]:
    rows = list(itertools.product(SPECIALS, SPECIALS))
    left, right = zip(*rows, strict=True)
    return np.array(left, np.float64), np.array(right, np.float64)


def _same(a: np.ndarray, b: np.ndarray) -> None:
    np.testing.assert_array_equal(a, b)
    signs = ~np.isnan(a)
    np.testing.assert_array_equal(np.signbit(a)[signs], np.signbit(b)[signs])


def _python_remainder(x: float, y: float) -> float:
    """Rule L33: fmod, plus y if that is non-zero with the other sign."""
    if math.isnan(x) or math.isnan(y) or math.isinf(x) or y == 0:
        return math.nan
    rest = math.fmod(x, y)
    return rest + y if rest != 0 and (rest < 0) != (y < 0) else rest


def test_float_remainder_and_floor_division() -> None:
    x, y = _floats()
    expected = [_python_remainder(a, b) for a, b in zip(x, y, strict=True)]
    _same(apply(operator.mod, "float64", x, y), np.array(expected))
    with np.errstate(all="ignore"):
        _same(apply(operator.floordiv, "float64", x, y), np.floor(x / y))


def _total_max(a: float, b: float) -> float:
    if math.isnan(a) or math.isnan(b):
        return b if math.isnan(a) else a
    if a == b == 0:
        return a if math.copysign(1, a) > 0 else b
    return max(a, b)


def test_extrema_ignore_nan_and_order_zeros() -> None:
    x, y = _floats()
    expected = [_total_max(a, b) for a, b in zip(x, y, strict=True)]
    _same(apply(T.max, "float64", x, y), np.array(expected))
    lowest = [-_total_max(-a, -b) for a, b in zip(x, y, strict=True)]
    _same(apply(T.min, "float64", x, y), np.array(lowest))
    spread = apply(lambda a, b: T.max(a, b, nan_propagate=True), "float64", x, y)
    assert (np.isnan(spread) == (np.isnan(x) | np.isnan(y))).all()


def test_clamp_turns_nan_into_the_lower_bound() -> None:
    x = np.array([math.nan, -5.0, 0.5, 7.0], np.float32)
    clamped = apply(lambda v: T.clamp(v, 0.0, 1.0), "float32", x)
    np.testing.assert_array_equal(clamped, np.array([0, 0, 0.5, 1], np.float32))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 8])
def test_static_powers(count: int) -> None:
    x = np.array([-3, -1, 0, 2, 7], np.int8)
    expected = np.array([_wrapped(int(v) ** count, "int8") for v in x], np.int8)
    np.testing.assert_array_equal(apply(lambda v: v**count, "int8", x), expected)
    f = np.array([-1.5, 0.0, 3.0], np.float64)
    np.testing.assert_allclose(
        apply(lambda v: v**count, "float64", f), f**count, rtol=1e-15
    )


def test_narrow_floats_round_only_when_stored() -> None:
    rng = np.random.default_rng(3)
    a, b, c = (rng.standard_normal(200).astype(np.float16) for _ in range(3))
    wide = a.astype(np.float32) * b.astype(np.float32)
    once = (wide + c.astype(np.float32)).astype(np.float16)
    _same(apply(lambda x, y, z: x * y + z, "float16", a, b, c), once)
    rounded = wide.astype(np.float16).astype(np.float32) + c.astype(np.float32)
    _same(
        apply(lambda x, y, z: T.float16(x * y) + z, "float16", a, b, c),
        rounded.astype(np.float16),
    )
    _same(apply(lambda x, y: x * y, "float32", a, b), wide)


def test_index_positions_do_not_wrap() -> None:
    big = np.array([2**30], np.int32)
    table = Buffer("table", (index(4),), DType("int32"))
    made = Builder()
    ids = Buffer("ids", (index(1),), DType("int32"))
    with made.activate(), made.block("host") as host:
        with made.block("launch") as block:
            var = made.declare_index("b", index(0), index(1))
            p = BufferRef(ids)[0]
            # wraps to 0 in int32, and is far outside in 64 bits
            BufferRef(table)[p * 4] = 5
        made.emit(Launch((var,), (index(1),), (1,), block.statements))
    out = np.zeros(4, np.int32)
    evaluate(Function("k", (ids, table), (), host.statements), [big, out])
    assert out.tolist() == [0, 0, 0, 0]
