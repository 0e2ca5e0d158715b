"""Honest float32 evaluations stay within the bound; planted errors leave it."""

from __future__ import annotations

import math
from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiledsl.ir.dtypes import DType
from tiledsl.testing import Bounded, as_bounded, bounded_math, exact, roundoff
from tiledsl.testing.bounds import half_subnormal, summation_factor

F32 = np.float32
seeds = st.integers(0, 2**32 - 1)


def within(computed: np.ndarray, expected: Bounded) -> bool:
    known = ~np.isinf(expected.error)
    got, value = computed.astype(np.float64), expected.value
    same = (got == value) | (np.isnan(got) & np.isnan(value))
    with np.errstate(invalid="ignore"):
        near = np.abs(got - value) <= expected.error
    return bool(np.all((same | near)[known]))


def reals(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Values over many magnitudes, some zero, some subnormal."""
    values = rng.standard_normal(shape) * 2.0 ** rng.integers(-20, 20, shape)
    values = np.where(rng.random(shape) < 0.05, 0.0, values)
    return np.where(rng.random(shape) < 0.05, values * 2.0**-130, values).astype(F32)


@given(seeds)
def test_arithmetic_is_within_its_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, c = reals(rng, 50), reals(rng, 50), reals(rng, 50)
    with np.errstate(all="ignore"):
        assert within(a + b, exact(a) + exact(b))
        assert within(a - b, exact(a) - exact(b))
        assert within(a * b, exact(a) * exact(b))
        assert within(a / b, exact(a) / exact(b))
        assert within(a * b + c, exact(a) * exact(b) + exact(c))
        fused = (a.astype(np.longdouble) * b + c).astype(F32)
        assert within(fused, bounded_math.fma(exact(a), exact(b), exact(c)))
        assert within(F32(3.1) * a, 3.1 * exact(a))
        assert within(F32(1) / (F32(2) - a), 1.0 / (2.0 - exact(a)))


@given(seeds)
def test_chains_propagate_errors(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, c = (rng.standard_normal(80).astype(F32) for _ in range(3))

    def formula(x: object, y: object, z: object, root: Callable[..., object]) -> object:
        return (x * y - z) * x / root(y * y + z * z + 0.1)  # type: ignore[operator]

    computed = formula(a, b, c, lambda v: np.sqrt(v.astype(F32)))
    expected = formula(exact(a), exact(b), exact(c), bounded_math.sqrt)
    assert within(computed, expected)  # type: ignore[arg-type]


@given(seeds, st.integers(1, 300))
@settings(max_examples=60)
def test_sums_in_any_order(seed: int, terms: int) -> None:
    rng = np.random.default_rng(seed)
    x = reals(rng, 6, terms)
    expected = bounded_math.sum_along(exact(x), -1)
    shuffled = x[:, rng.permutation(terms)]
    running = np.zeros(6, F32)
    for column in shuffled.T:
        running = running + column
    assert within(running, expected)
    assert within(np.sum(shuffled, axis=1, dtype=F32), expected)


@given(seeds, st.integers(1, 64), st.sampled_from(["float32", "bfloat16", "float16"]))
@settings(max_examples=40)
def test_products_of_matrices_in_any_order(seed: int, depth: int, out: str) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((5, depth)), rng.standard_normal((depth, 7))
    a, b = a.astype(ml_dtypes.bfloat16), b.astype(ml_dtypes.bfloat16)
    total = np.zeros((5, 7), F32)
    for k in rng.permutation(depth):
        total = total + a[:, k : k + 1].astype(F32) * b[k : k + 1].astype(F32)
    expected = bounded_math.matmul(exact(a), exact(b)).cast(out)
    assert within(total.astype(DType(out).as_numpy()), expected)


FUNCTIONS: list[tuple[str, Callable[[np.ndarray], np.ndarray], float, float]] = [
    ("exp", np.exp, -110, 90),
    ("exp2", np.exp2, -160, 128),
    ("log", np.log, 0, 1e6),
    ("log2", np.log2, 0, 1e6),
    ("sqrt", np.sqrt, 0, 1e6),
    ("tanh", np.tanh, -12, 12),
    ("rsqrt", lambda x: 1 / np.sqrt(x), 0, 1e6),
    ("sigmoid", lambda x: 1 / (1 + np.exp(-x)), -100, 100),
]


@pytest.mark.parametrize(("name", "function", "low", "high"), FUNCTIONS)
def test_functions_with_inexact_operands(
    name: str, function: Callable[[np.ndarray], np.ndarray], low: float, high: float
) -> None:
    rng = np.random.default_rng(3)
    bounded = getattr(bounded_math, name)
    a = rng.uniform(low, high, 2000).astype(F32)
    b = (1 + rng.uniform(0, 2.0**-10, 2000)).astype(F32)
    with np.errstate(all="ignore"):
        true = function((a * b).astype(np.float64)).astype(F32)
        up = true if name == "sqrt" else np.nextafter(true, F32(np.inf))
    expected = bounded(exact(a) * exact(b))
    assert within(true, expected)
    assert within(up, expected)
    # ten ulps are too many wherever the operand is exact
    direct = bounded(exact(a))
    with np.errstate(all="ignore"):
        off = function(a.astype(np.float64)) * (1 + 24 * 2.0**-24)
    normal = (np.abs(direct.value) > 2.0**-100) & (np.abs(direct.value) < 2.0**100)
    wrong = np.abs(off - direct.value) > direct.error
    assert normal.any()
    assert np.all(wrong[normal])


@pytest.mark.parametrize(
    "dtype", ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"]
)
@given(seed=seeds)
@settings(max_examples=30)
def test_casts_are_rounding_points(dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = reals(rng, 200)
    target = DType(dtype)
    saturates = target.bits == 8
    x_stored = np.clip(x, target.minimum, target.maximum) if saturates else x
    with np.errstate(over="ignore"):
        computed = x_stored.astype(target.as_numpy())
    assert within(computed, exact(x).cast(dtype))


def test_selection_covers_both_arms_when_undecided() -> None:
    x = exact(np.float32([1.0])) / 3.0
    third = as_bounded(float(np.float32(1.0) / np.float32(3.0)), x.dtype)
    chosen = bounded_math.where(x < third, 5.0, exact(np.float32([7.0])))
    assert abs(5 - chosen.value[0]) <= chosen.error[0]
    assert abs(7 - chosen.value[0]) <= chosen.error[0]
    far = bounded_math.where(x < 0.5, 5.0, exact(np.float32([7.0])))
    assert far.value[0] == 5
    assert far.error[0] == 0


def test_extremes_ignore_nan_and_keep_infinities() -> None:
    x = exact(np.float32([[np.nan, 2, 1], [-np.inf, -np.inf, -np.inf], [np.nan] * 3]))
    largest = bounded_math.max_along(x, -1)
    np.testing.assert_array_equal(largest.value[:2], [2, -np.inf])
    assert not largest.error[:2].any()
    smaller = bounded_math.minimum(exact(np.float32([1, 5])), 3.0)
    np.testing.assert_array_equal(smaller.value, [1, 3])


def test_the_bound_of_a_maximum_is_that_of_its_candidates() -> None:
    values = np.array([[1.0, 5.0, 4.9]])
    x = Bounded(values, np.array([[9e9, 0.1, 0.3]]) * [[0, 1, 1]])
    largest = bounded_math.max_along(x, -1)
    np.testing.assert_allclose(largest.error, [0.2])


def test_specials_are_exact_and_overflow_is_infinite() -> None:
    x = exact(np.float32([np.inf, -np.inf, np.nan, 3e38]))
    doubled = x * 2.0
    np.testing.assert_array_equal(doubled.value, [np.inf, -np.inf, np.nan, np.inf])
    assert not doubled.error.any()
    assert bounded_math.exp(exact(np.float32([-np.inf]))).error[0] == 0
    border = exact(np.float32([3.4028234e38])) + exact(np.float32([1e31]))
    assert np.isinf(border.error[0])


@pytest.mark.parametrize("planted", ["dropped", "repeated", "half precision", "scaled"])
def test_planted_errors_of_a_product_are_seen(planted: str) -> None:
    rng = np.random.default_rng(5)
    a, b = rng.standard_normal((16, 200)), rng.standard_normal((200, 16))
    a, b = a.astype(F32), b.astype(F32)
    expected = bounded_math.matmul(exact(a), exact(b))
    wrong = {
        "dropped": a[:, :-1] @ b[:-1],
        "repeated": a @ b + np.outer(a[:, 3], b[3]),
        "half precision": a.astype(np.float16).astype(F32) @ b,
        "scaled": (a @ b) * F32(1.0001),
    }[planted]
    assert within(a @ b, expected)
    assert not within(wrong, expected)


def test_facts_of_dtypes() -> None:
    assert roundoff(DType("float32")) == pytest.approx(2.0**-24, rel=1e-4)
    assert roundoff(DType("bfloat16")) == pytest.approx(2.0**-8, rel=1e-4)
    assert half_subnormal(DType("float32")) == pytest.approx(2.0**-150, rel=1e-4)
    assert half_subnormal(DType("float16")) == pytest.approx(2.0**-25, rel=1e-4)
    assert half_subnormal(DType("float8_e4m3fn")) == pytest.approx(2.0**-10, rel=1e-4)
    assert math.isinf(summation_factor(2**30, DType("float32")))
