"""Content of memory that nothing has written yet: garbage that shows.

With seed 0 floats are NaN and integers 0xA5A5...; other seeds give other patterns, and
finite floats, because ``max`` ignores NaN.  Two runs with different seeds differ in every
element that depends on undefined memory.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tiledsl.ir.dtypes import DType


def poisoned(shape: tuple[int, ...], dtype: DType, seed: int) -> np.ndarray:
    """A new array of undefined elements."""
    return np.full(shape, _garbage(dtype, seed), dtype.as_numpy())


@lru_cache(maxsize=256)
def _garbage(dtype: DType, seed: int) -> np.ndarray:
    carrier = dtype.as_numpy()
    if dtype.kind == "bool":
        return np.array(seed % 2 == 0)
    if dtype.is_packed:
        value = seed % 7 + 1
        return np.array(value, carrier) if dtype.is_integer else _code(value, carrier)
    if dtype.is_float and seed == 0:
        return np.array(np.nan, carrier)
    # of the float formats none has a NaN, an infinity or a zero in 0x31 ... 0x70 repeated
    byte = 0x31 + (0x17 * seed) % 0x3F if dtype.is_float else (0xA5 ^ seed) & 0xFF or 1
    return np.frombuffer(bytes([byte]) * carrier.itemsize, carrier).reshape(())


def _code(code: int, carrier: np.dtype[np.generic]) -> np.ndarray:
    return np.array(code, np.uint8).view(carrier)
