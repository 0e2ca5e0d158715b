"""Bit patterns to test with: all codes of narrow dtypes, structured ones of wide dtypes.

``small`` sets have about 2**18 patterns, for every run of the tests; ``full`` sets of
32-bit dtypes have 2**24: each of the 65,536 upper halves with 256 lower halves.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import numpy as np

from tiledsl.ir.dtypes import DType
from tiledsl.testing.accuracy.elementwise import Array

Amount: TypeAlias = Literal["small", "full"]

_SEED: Final = 20


def source_codes(dtype: DType, amount: Amount) -> Array:
    """Codes of a dtype as unsigned integers."""
    if dtype.kind == "bool":
        return np.arange(2, dtype=np.uint64)
    if dtype.bits <= 16:
        return np.arange(1 << dtype.bits, dtype=np.uint64)
    if dtype.bits == 32 and amount == "full":
        upper = np.arange(1 << 16, dtype=np.uint64) << np.uint64(16)
        return np.ravel(upper[:, None] | _lower_halves())
    if dtype.is_float:
        return _structured_floats(dtype, amount)
    return _structured_integers(dtype, amount)


def _lower_halves() -> Array:
    """256 values of 16 bits: ends, halfway points at every place, and random ones."""
    ends = [0, 1, 2, 3, 0x7FFE, 0x7FFF, 0x8000, 0x8001, 0xFFFD, 0xFFFE, 0xFFFF]
    places = [(1 << k) + d for k in range(16) for d in (-1, 0, 1)]
    # above the last place of float16: three bits with every kind of rest
    halves = [(top << 13) + rest for top in range(8) for rest in _rests(13)]
    chosen = {value & 0xFFFF for value in ends + places + halves}
    rng = np.random.default_rng(_SEED)
    for value in rng.permutation(1 << 16).tolist():
        if len(chosen) == 256:
            break
        chosen.add(value)
    return np.array(sorted(chosen), np.uint64)


def _rests(bits: int) -> list[int]:
    half = 1 << (bits - 1)
    return [0, 1, half - 1, half, half + 1, 2 * half - 1]


def _structured_floats(dtype: DType, amount: Amount) -> Array:
    """Every sign and exponent with fractions around each place where one may be cut."""
    fraction = dtype.fraction_bits
    # tfloat32 is stored and converted as float32 is
    small = {"tfloat32": 1 << 14, "float64": 1 << 17}.get(dtype, 1 << 18)
    count = (small if amount == "small" else 1 << 22) >> (dtype.bits - fraction)
    upper = np.arange(1 << (dtype.bits - fraction), dtype=np.uint64)
    fractions = np.array(_fractions(fraction, max(count, 32)), np.uint64)
    codes = ((upper[:, None] << np.uint64(fraction)) | fractions).ravel()
    return np.concatenate([codes, _moderate(dtype, small >> 2)])


def _fractions(bits: int, count: int) -> list[int]:
    """Fractions whose upper part is kept, at a tie or next to it."""
    last = (1 << bits) - 1
    chosen = {0, 1, last, last - 1, 1 << (bits - 1)}
    rng = np.random.default_rng(_SEED + 1)
    # fraction bits of the other formats first, then all places
    cuts = [bits - kept for kept in (7, 10, 3, 2, 0, 23) if bits > kept]
    while len(chosen) < count:
        cut = cuts.pop(0) if cuts else int(rng.integers(1, bits + 1))
        kept = int(rng.integers(0, 1 << (bits - cut))) << cut
        half = 1 << (cut - 1)
        chosen.update(kept | (half + d) & last for d in (-1, 0, 1))
        odd = (kept | 1 << cut) & last
        chosen.update({kept, odd, odd | half, (odd | half) - 1, odd | half | 1})
    # a few too many were added last; leave out any
    return [int(value) for value in rng.permutation(sorted(chosen))[:count]]


def _moderate(dtype: DType, count: int) -> Array:
    """Values in the range of the narrow formats, half of them next to a tie."""
    rng = np.random.default_rng(_SEED + 3)
    carrier = dtype.as_numpy()
    exponents = rng.integers(-28, 20, count)
    cuts = rng.choice([3, 4, 8, 11], count)
    whole = rng.integers(1, 1 << 11, count) >> (11 - cuts)
    ties = np.ldexp(2.0 * whole + 1, (exponents - cuts).astype(np.int32))
    values = (ties * rng.choice([-1.0, 1.0], count)).astype(carrier)
    codes = values.view(f"u{dtype.bytes}").astype(np.int64)
    nudged = codes + rng.integers(-1, 2, count)
    return np.asarray(nudged.astype(np.uint64) & np.uint64((1 << dtype.bits) - 1))


def _structured_integers(dtype: DType, amount: Amount) -> Array:
    """Powers of two, ties of every float format with rests, and random magnitudes."""
    mask = np.uint64((1 << dtype.bits) - 1)
    edges = {0, 1, 2, 3}
    for k in range(dtype.bits):
        for rest in (
            0,
            1,
            1 << max(k - 24, 0),
            1 << max(k - 8, 0),
            1 << max(k - 53, 0),
        ):
            for step in (-1, 0, 1):
                edges.update({(1 << k) + rest + step, (1 << k) - rest + step})
    exact = [value & int(mask) for value in edges]
    exact += [-value & int(mask) for value in edges]
    count = 1 << 15 if amount == "small" else 1 << 22
    rng = np.random.default_rng(_SEED + 4)
    noise = rng.integers(0, 1 << 64, count, dtype=np.uint64, endpoint=False)
    sized = noise >> rng.integers(64 - dtype.bits, 64, count).astype(np.uint64)
    ties = _integer_ties(dtype, rng, count)
    parts = [np.array(sorted(set(exact)), np.uint64), sized, ~sized + np.uint64(1)]
    return np.concatenate([*parts, ties]) & mask


def _integer_ties(dtype: DType, rng: np.random.Generator, count: int) -> Array:
    """Integers halfway between neighbors of a float format, or one beside."""
    kept = rng.choice([2, 3, 7, 10, 23, 52], count)
    length = np.maximum(rng.integers(2, dtype.bits + 1, count), 2)
    cut = np.maximum(length - 1 - kept, 1)
    upper = rng.integers(1 << 53, 1 << 54, count) >> (53 - kept)
    upper = np.minimum(upper, (1 << (length - cut)) - 1)
    codes = (upper.astype(np.uint64) << cut.astype(np.uint64)) | (
        np.uint64(1) << (cut - 1).astype(np.uint64)
    )
    signs = rng.choice([0, 1], count).astype(bool)
    nudged = codes + rng.integers(0, 3, count).astype(np.uint64) - np.uint64(1)
    return np.asarray(np.where(signs, ~nudged + np.uint64(1), nudged))
