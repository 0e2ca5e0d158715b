"""Operands for measuring math functions: every exponent, and where functions are hard."""

from __future__ import annotations

import numpy as np

from tiledsl.ir.dtypes import DType
from tiledsl.testing.accuracy.elementwise import PIECE, Array
from tiledsl.testing.accuracy.exact_values import from_codes
from tiledsl.testing.accuracy.patterns import Amount, source_codes

_SEED = 30


def operands(name: str, dtype: DType, arity: int, amount: Amount) -> tuple[Array, ...]:
    """Equally long columns; binary functions meet every kind beside every other."""
    codes = _thin(source_codes(dtype, amount), amount)
    rng = np.random.default_rng(_SEED)
    zones = _hard_zones(dtype, len(codes) if amount == "small" else 1 << 20, rng)
    single = np.concatenate([from_codes(codes, dtype), zones])
    if arity == 1:
        return (single,)
    first, second = single, rng.permutation(single)
    near = _pairs(name, dtype, len(zones), rng)
    return (np.concatenate([first, near[0]]), np.concatenate([second, near[1]]))


def _thin(codes: Array, amount: Amount) -> Array:
    """A piece of the small sets of wide dtypes, spread over all of them."""
    if amount == "full" or len(codes) <= PIECE:
        return codes
    order = np.random.default_rng(_SEED + 1).permutation(len(codes))
    return codes[np.sort(order[: PIECE // 2])]


def _hard_zones(dtype: DType, count: int, rng: np.random.Generator) -> Array:
    """Near zeros, poles, ties of argument reductions, ends of ranges."""
    carrier = dtype.as_numpy()
    part = count // 8
    reach = 110 if dtype.bits <= 32 else 750
    turns = np.rint(np.exp(rng.uniform(0, 16, part))) * (np.pi / 2)
    small = np.exp2(rng.uniform(-dtype.fraction_bits - 3, 0, part))
    signs = rng.choice([-1.0, 1.0], part)
    parts = [
        rng.normal(size=part) * 20,
        rng.uniform(0.5, 2, part),
        rng.normal(size=part),
        rng.uniform(-reach, reach, part),
        turns * signs,
        signs + small * rng.choice([-1.0, 1.0], part),
        small * signs,
        np.rint(rng.uniform(-reach, reach, part)),
    ]
    return _finite(np.concatenate(parts), carrier)


def _pairs(
    name: str, dtype: DType, count: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Operands whose result is ordinary; for powers over the whole range of results."""
    carrier = dtype.as_numpy()
    if name == "pow":
        base = np.exp2(rng.normal(size=count) * np.exp2(rng.uniform(-20, 4, count)))
        goal = rng.uniform(-1.05, 1.05, count) * (128 if dtype.bits <= 32 else 1024)
        # of the base as it will be, so that the result is where it shall be
        with np.errstate(divide="ignore"):
            exponent = goal / np.log2(_finite(base, carrier).astype(np.float64))
        whole = rng.random(count) < 0.25
        exponent = np.where(whole, np.rint(exponent), exponent)
        base = np.where(whole & (rng.random(count) < 0.5), -base, base)
        return _finite(base, carrier), _finite(exponent, carrier)
    scale = np.exp2(rng.uniform(-60, 60, count))
    near = np.exp2(rng.normal(size=count) * 4)
    sign = rng.choice([-1.0, 1.0], count)
    return _finite(scale * sign, carrier), _finite(scale * near, carrier)


def _finite(values: Array, carrier: np.dtype[np.generic]) -> Array:
    with np.errstate(all="ignore"):
        narrow: Array = np.where(np.isfinite(values), values, 1.0).astype(carrier)
    return narrow
