"""Programs that draw random numbers."""

from __future__ import annotations

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Array, Case, Source, program

_LOW = 2**32 - 1


def _philox(seed: int, sequence: int, position: int) -> int:
    """Philox4x32-10 by its definition, on Python's ints."""
    block = position // 4
    a, b, c, d = block & _LOW, block >> 32, sequence & _LOW, sequence >> 32
    k, m = seed & _LOW, seed >> 32
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = q >> 32 ^ b ^ k, q & _LOW, p >> 32 ^ d ^ m, p & _LOW
        k, m = k + 0x9E3779B9 & _LOW, m + 0xBB67AE85 & _LOW
    return (a, b, c, d)[position % 4]


def _numbers(seed: int, sequence: int, start: int, count: int) -> Array:
    found = [_philox(seed, sequence, start + i) for i in range(count)]
    return np.array(found, np.uint32)


@program
def random_numbers_in_order(source: Source) -> Case:
    @tiledsl.jit
    def kernel(seed):
        seed: T.int64
        Y = T.empty((2, 3, 5), "uint32")
        Z = T.empty((2, 4), "uint32")
        F = T.empty((2, 6), "float64")
        with T.Kernel(2) as block:
            T.rng_init(seed, block + 2**33, 6)
            for i, j in T.Parallel(3, 5):
                Y[block, i, j] = T.rng_rand()
            for i in T.serial(4):
                Z[block, i] = T.rng_rand()
            for i in T.Parallel(6):
                F[block, i] = T.rng_rand_float(64)
        return Y, Z, F

    seed = 2**40 + 77
    rows = np.stack([_numbers(seed, block + 2**33, 6, 25) for block in range(2)])
    floats = (rows[:, 19:].astype(np.float64) + 0.5) * 2.0**-32
    tile, after = rows[:, :15].reshape(2, 3, 5).copy(), rows[:, 15:19].copy()
    return Case(kernel, (seed,), (tile, after, floats))
