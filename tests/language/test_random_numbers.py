"""Random numbers are those of Philox4x32-10, on every backend (rule L83, C14)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.testing import runnable_backends

every_backend = pytest.mark.parametrize("backend", runnable_backends())


def philox(seed: int, sequence: int, position: int) -> int:
    """The generator by its definition (Salmon and others, 2011), on Python's ints."""
    low = 2**32 - 1
    block = position // 4
    a, b, c, d = block & low, block >> 32, sequence & low, sequence >> 32
    k, m = seed & low, seed >> 32
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = q >> 32 ^ b ^ k, q & low, p >> 32 ^ d ^ m, p & low
        k, m = k + 0x9E3779B9 & low, m + 0xBB67AE85 & low
    return (a, b, c, d)[position % 4]


def test_the_known_answers() -> None:
    """Of the authors' own test vectors: all zero."""
    answers = [philox(0, 0, position) for position in range(4)]
    assert answers == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


@every_backend
@pytest.mark.parametrize(
    ("seed", "sequence", "start"),
    [(0, 0, 0), (42, 5, 3), (-1, 2**40 + 7, 2**34 + 2), (2**63 - 1, 1, 2**40 - 2)],
)
def test_loops_and_branches_go_on_where_the_last_one_was(
    backend: str, seed: int, sequence: int, start: int
) -> None:
    @tiledsl.jit(backend=backend)
    def draw(seed, start, n):
        seed: T.int64
        start: T.int64
        n: T.int32
        tile = T.empty((2, 3, 5), "uint32")
        after = T.empty((2, 4), "uint32")
        with T.Kernel(2) as b:
            T.rng_init(seed, b + sequence, start)
            for i, j in T.Parallel(3, 5):
                if i != 1:
                    tile[b, i, j] = T.rng_rand()
                else:
                    tile[b, i, j] = 0
            for i in T.serial(n):
                if i != 2:
                    after[b, i] = T.rng_rand()
                else:
                    after[b, i] = 7

        return tile, after

    tile, after = draw(seed, start, 4)
    for b in range(2):
        numbers = [philox(seed % 2**64, b + sequence, start + i) for i in range(18)]
        first = np.array(numbers[:15], np.uint32).reshape(3, 5)
        first[1] = 0
        assert (tile[b] == first).all()
        assert list(after[b]) == [numbers[15], numbers[16], 7, numbers[17]]


@every_backend
def test_two_places_and_run_time_extents(backend: str) -> None:
    @tiledsl.jit(backend=backend)
    def draw(n):
        n: T.int32
        Y = T.empty((2, n), "uint32")
        with T.Kernel(1):
            T.rng_init(9, 0)
            for i in T.Parallel(n):
                Y[0, i] = T.rng_rand()
                Y[1, i] = T.rng_rand()
        return Y

    numbers = np.array([philox(9, 0, i) for i in range(14)], np.uint32)
    assert (draw(7) == numbers.reshape(2, 7)).all()


@every_backend
def test_each_thread_has_its_own(backend: str) -> None:
    @tiledsl.jit(backend=backend)
    def draw():
        Y = T.empty((2, 8, 2), "uint32")
        with T.Kernel(2, threads=8) as b:
            tx = T.get_thread_binding()
            T.rng_init(3)
            if tx % 2 == 0:
                Y[b, tx, 0] = T.rng_rand()
            else:
                Y[b, tx, 0] = 0
            Y[b, tx, 1] = T.rng_rand()
        return Y

    for b, block in enumerate(draw()):
        for tx, (first, second) in enumerate(block):
            even = tx % 2 == 0
            assert first == (philox(3, 8 * b + tx, 0) if even else 0)
            assert second == philox(3, 8 * b + tx, int(even))


@every_backend
@pytest.mark.parametrize("bit", [32, 64])
def test_floats(backend: str, bit: int) -> None:
    count = 2000

    @tiledsl.jit(backend=backend)
    def draw():
        uniform = T.empty((count,), f"float{bit}")
        normal = T.empty((count,), f"float{bit}")
        with T.Kernel(1):
            T.rng_init(1, 0)
            for i in T.Parallel(count):
                uniform[i] = T.rng_rand_float(bit)
            for i in T.Parallel(count):
                normal[i] = T.rng_rand_float(bit, dist="normal")
        return uniform, normal

    uniform, normal = draw()
    numbers = np.array([philox(1, 0, i) for i in range(3 * count)], np.float64)
    exact = (numbers + 0.5) / 2**32
    close = 2.0**-22 if bit == 32 else 2.0**-50
    np.testing.assert_allclose(uniform, exact[:count], rtol=close)
    assert (uniform > 0).all() and (uniform <= 1).all()
    first, second = exact[count:].reshape(2, count)
    expected = np.sqrt(-2 * np.log(first)) * np.sin(2 * np.pi * second)
    np.testing.assert_allclose(normal, expected, rtol=0, atol=64 * close)


def without_begin():
    with T.Kernel(1):
        T.rng_rand()


def begun_in_an_arm(n: T.int32):
    with T.Kernel(1):
        if n > 1:
            T.rng_init(1, 0)
        T.rng_rand()


def in_a_loop_of_a_parallel(Y: T.Tensor((4,), "uint32")):
    with T.Kernel(1):
        T.rng_init(1, 0)
        for i in T.Parallel(4):
            for _ in T.serial(2):
                Y[i] = T.rng_rand()


def in_a_parallel_of_threads(Y: T.Tensor((4,), "uint32")):
    with T.Kernel(1):
        T.get_thread_binding()
        T.rng_init(1, 0)
        for i in T.Parallel(4):
            Y[i] = T.rng_rand()


def inside_parallel():
    with T.Kernel(1):
        for _ in T.Parallel(4):
            T.rng_init(1, 0)


def another_generator():
    with T.Kernel(1):
        T.rng_init(1, 0, generator="mine")


def another_distribution():
    with T.Kernel(1):
        T.rng_init(1, 0)
        T.rng_rand_float(dist="cauchy")


@pytest.mark.parametrize(
    ("function", "code"),
    [
        (without_begin, "E0210 no random"),
        (begun_in_an_arm, "E0210 no random"),
        (in_a_loop_of_a_parallel, "E0210 T.rng_rand"),
        (in_a_parallel_of_threads, "E0210 T.rng_rand"),
        (inside_parallel, "E0210 T.rng_init"),
        (another_generator, "E0209"),
        (another_distribution, "E0209"),
    ],
)
def test_mistakes(function: Callable[..., None], code: str) -> None:
    with pytest.raises(KernelError, match=code):
        tiledsl.compile(T.prim_func(function))
