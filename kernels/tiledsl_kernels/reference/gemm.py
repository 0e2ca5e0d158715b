"""What ``gemm`` and ``grouped_gemm`` compute, in float64."""

from __future__ import annotations

import numpy as np

from tiledsl.testing import Array, Bounded, bounded_math, exact


def gemm_reference(a: Array, b: Array, out_dtype: str) -> Bounded:
    """A [M, K] times B [K, N], rounded once to ``out_dtype``."""
    return bounded_math.matmul(exact(a), exact(b)).cast(out_dtype)


def grouped_gemm_reference(
    x: Array, weights: Array, offsets: Array, out_dtype: str
) -> Bounded:
    """Rows offsets[e] to offsets[e + 1] of X [R, K] times weights[e]^T; others are zero."""
    shape = (x.shape[0], weights.shape[1])
    value, error = np.zeros(shape), np.zeros(shape)
    for expert, matrix in enumerate(weights):
        rows = slice(int(offsets[expert]), int(offsets[expert + 1]))
        part = gemm_reference(x[rows], matrix.T, out_dtype)
        value[rows], error[rows] = part.value, part.error
    return Bounded(value, error)
