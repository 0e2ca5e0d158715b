"""Packs of lanes and their bits on every backend (rules L27, L36)."""

from __future__ import annotations

from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.testing import runnable_backends

BACKENDS = runnable_backends()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_functions_of_two_lanes(backend: str, dtype: str) -> None:
    pair = f"{dtype}x2"

    @T.prim_func
    def kernel(
        A: T.Tensor((16,), dtype),
        B: T.Tensor((16,), dtype),
        Y: T.Tensor((6, 16), dtype),
    ):
        with T.Kernel(1):
            for i in T.Parallel(8):
                a = make(A[2 * i], A[2 * i + 1])
                b = make(B[2 * i], B[2 * i + 1])
                results = (
                    T.add2(a, b),
                    T.mul2(a, b),
                    T.max2(a, b),
                    T.min2(a, b),
                    T.fma2(a, b, a),
                    T.abs2(a - 2 * b),
                )
                for row, result in enumerate(results):
                    Y[row, 2 * i] = result[0]
                    Y[row, 2 * i + 1] = result[1]

    carrier = T.dtype(dtype).as_numpy()
    a, b = np.random.default_rng(0).integers(-8, 9, (2, 16)).astype(carrier)
    y = np.zeros((6, 16), carrier)
    tiledsl.compile(kernel, backend=backend)(a, b, y)
    p, q = a.astype(np.float64), b.astype(np.float64)
    expected = [p + q, p * q, np.maximum(p, q), np.minimum(p, q), p * q + p]
    np.testing.assert_array_equal(y.astype(np.float64), [*expected, abs(p - 2 * q)])
    assert pair == make_name(dtype)


def make(a: object, b: object) -> object:
    return getattr(T, make_name(str(a.dtype)))(a, b)  # type: ignore[attr-defined]


def make_name(dtype: str) -> str:
    return f"{dtype}x2"


@pytest.mark.parametrize("backend", BACKENDS)
def test_words_and_lanes(backend: str) -> None:
    """Every width of lanes, there and back; the first lane is in the lowest bits."""

    @T.prim_func
    def kernel(
        W: T.Tensor((8,), "uint32"),
        H: T.Tensor((8, 2), "bfloat16"),
        I: T.Tensor((8, 4), "int8"),  # noqa: E741
        N: T.Tensor((8, 8), "int32"),
        F: T.Tensor((8, 8), "float32"),
        V: T.Tensor((8, 4), "uint32"),
        D: T.Tensor((8,), "float64"),
    ):
        with T.Kernel(1):
            for i in T.Parallel(8):
                halves = T.reinterpret(W[i], "bfloat16x2")
                bytes_ = T.reinterpret(W[i], "int8x4")
                nibbles = T.reinterpret(W[i], "int4x8")
                codes = T.reinterpret(W[i], "float4_e2m1fnx8")
                for lane in T.unroll(2):
                    H[i, lane] = T.if_then_else(lane == 0, halves[0], halves[1])
                I[i, 0] = bytes_[0]
                I[i, 1] = bytes_[1]
                I[i, 2] = bytes_[2]
                I[i, 3] = bytes_[3]
                for number, (n, f) in enumerate(zip(nibbles, codes)):  # noqa: B905
                    N[i, number] = n
                    F[i, number] = f
                V[i, 0] = T.reinterpret(halves, "uint32")
                V[i, 1] = T.reinterpret(bytes_, "uint32")
                V[i, 2] = T.reinterpret(nibbles, T.uint32)
                V[i, 3] = T.reinterpret(T.reinterpret(codes, "int8x4"), "uint32")
                D[i] = T.reinterpret(T.cast(bytes_, "int16x4"), "float64")

    words = np.random.default_rng(2).integers(0, 1 << 32, 8, np.uint32)
    words &= np.uint32(0xBF7FBF7F)  # no NaN among the halves
    pairs = words.view(np.uint8).reshape(8, 4)
    arrays = [
        np.zeros((8, 2), ml_dtypes.bfloat16),
        np.zeros((8, 4), np.int8),
        np.zeros((8, 8), np.int32),
        np.zeros((8, 8), np.float32),
        np.zeros((8, 4), np.uint32),
        np.zeros(8, np.float64),
    ]
    tiledsl.compile(kernel, backend=backend)(words, *arrays)
    halves, bytes_, nibbles, codes, again, wide = arrays
    assert halves.tobytes() == words.tobytes()
    assert bytes_.tobytes() == words.tobytes()
    np.testing.assert_array_equal(nibbles, tiledsl.unpack(pairs, "int4").astype(int))
    exact = tiledsl.unpack(pairs, "float4_e2m1fn").astype(np.float32)
    np.testing.assert_array_equal(codes, exact)
    np.testing.assert_array_equal(again, np.stack([words] * 4, 1))
    assert wide.tobytes() == bytes_.astype(np.int16).tobytes()


def test_names_of_packs() -> None:
    assert T.bfloat16x2 == "bfloat16x2" and T.float32x2.bytes == 8
    assert T.float16x2.lane == "float16"


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("E0209", lambda x: T.bfloat16x2(x[0])),
        ("E0310", lambda x: T.add2(x[0], x[1])),
        ("E0310", lambda x: T.add2(T.float16x2(1, 2), T.bfloat16x2(1, 2))),
        ("E0310", lambda x: bool(T.float16x2(1, 2))),
        ("E0308", lambda x: T.reinterpret(x[0], "float16x4")),
        ("E0308", lambda x: T.reinterpret(1, "float16x2")),
        ("E0308", lambda x: T.reinterpret(T.float32x2(1, 2), "int8x4")),
        ("E0316", lambda x: T.cast(T.float16x2(1, 2), "float32x4")),
        ("E0301", lambda x: T.reinterpret(T.float16x2(1, 2), "float16x3")),
    ],
)
def test_mistakes(
    code: str,
    call: Callable[..., object],
    builder: object,
    buffer: Callable[..., object],
) -> None:
    with pytest.raises(KernelError, match=code):
        call(buffer("x", (8,), "float32", "shared"))
