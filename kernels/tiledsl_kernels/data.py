"""Random inputs of workloads."""

from __future__ import annotations

import ml_dtypes  # noqa: F401  (registers bfloat16 and the 8-bit floats with NumPy)
import numpy as np

from tiledsl.testing import Array


def normal(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: str, scale: float = 1.0
) -> Array:
    """Normally distributed values, rounded to ``dtype``."""
    values: Array = rng.standard_normal(shape, dtype=np.float32) * np.float32(scale)
    return values.astype(np.dtype(dtype))


def small_integers(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: str
) -> Array:
    """Integers of -4 to 4: sums of up to 2^20 of their products are exact in float32."""
    return rng.integers(-4, 5, shape).astype(np.float32).astype(np.dtype(dtype))


def integers_or_normal(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: str, integers: bool
) -> Array:
    make = small_integers if integers else normal
    return make(rng, shape, dtype)
