"""Ring mode's numbers: Z/2^32 with tagged infinities and NaN, held in int64.

A finite value is its payload, sign-extended from 32 bits; the infinities and NaN are
integers outside that range, chosen so that integer order is the order of the values.
"""

from __future__ import annotations

import math
import struct
from typing import Final

import numpy as np

INFINITY: Final = 2**40
NAN: Final = 2**50  # far enough that a sum with an infinity still shows
NO_NUMBER: Final = -(2**50)  # below every value: NaN, where a maximum ignores it
_GOLDEN: Final = 0x9E3779B97F4A7C15


def encode(value: float) -> int:
    """The ring value of a constant.

    Integers below 2^31 stand for themselves, so that identities with 0, 1 and 2 hold;
    every other number is a fixed odd (hence invertible) hash that keeps its sign.
    """
    if math.isnan(value):
        return NAN
    if math.isinf(value):
        return INFINITY if value > 0 else -INFINITY
    if value == int(value) and abs(value) < 2**31:
        return int(value)
    bits = int.from_bytes(struct.pack("<d", abs(value)), "little")
    payload = ((bits * _GOLDEN) % 2**64 >> 33) | 1
    return payload if value > 0 else -payload


def random_values(
    rng: np.random.Generator, shape: tuple[int, ...], *, specials: float = 0.0
) -> np.ndarray:
    """Random ring values; a share ``specials`` of them infinities and NaN."""
    values = rng.integers(-(2**31), 2**31, shape, dtype=np.int64)
    if specials:
        kinds = np.array([INFINITY, -INFINITY, NAN], np.int64)
        chosen = rng.random(shape) < specials
        values = np.where(chosen, rng.choice(kinds, shape), values)
    return values
