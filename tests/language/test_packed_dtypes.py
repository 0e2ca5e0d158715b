"""int4, uint4 and float4_e2m1fn on every backend (rules L46, L47, L66; C5, C22)."""

from __future__ import annotations

from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import ArgumentError, KernelError
from tiledsl.frontend.prim_func import PrimFunc
from tiledsl.testing import runnable_backends
from tiledsl.testing.scalar_evaluator import evaluate

BACKENDS = runnable_backends()
DTYPES = ("int4", "uint4", "float4_e2m1fn")
CARRIERS = {
    "int4": ml_dtypes.int4,
    "uint4": ml_dtypes.uint4,
    "float4_e2m1fn": ml_dtypes.float4_e2m1fn,
}


def storage(dtype: str) -> np.dtype[np.generic]:
    return np.dtype(np.int8 if dtype == "int4" else np.uint8)


def pairs(dtype: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Random packed elements; ``shape`` counts elements."""
    sizes = (*shape[:-1], shape[-1] // 2)
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, sizes, np.uint8).view(storage(dtype))


def numbers(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Values of all sizes, ties between neighbors, NaN, infinities and zeros."""
    rng = np.random.default_rng(seed)
    found = (rng.standard_normal(shape) * 4).astype(np.float32)
    few = [0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0, -5.0, -0.25, -0.0, 0.0]
    few += [np.nan, np.inf, -np.inf, 7.9, -8.9, 15.5, 1e30]
    return np.where(rng.random(shape) < 0.5, rng.choice(few, shape), found).astype(
        np.float32
    )


def check(kernel: PrimFunc, backend: str, *arrays: np.ndarray) -> list[np.ndarray]:
    """Runs the kernel; every byte is the one that the evaluator writes."""
    expected = [array.copy() for array in arrays]
    evaluate(kernel.function, expected)
    found = [array.copy() for array in arrays]
    tiledsl.compile(kernel, backend=backend)(*found)
    for one, other in zip(found, expected, strict=True):
        assert one.tobytes() == other.tobytes(), (one, other)
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_copies_with_tails_and_odd_starts(backend: str, dtype: str) -> None:
    """Slices that start or end inside a byte leave the other half alone."""

    @T.prim_func
    def kernel(
        X: T.Tensor((6, 34), "float32"),
        P: T.Tensor((6, 34), dtype),
        Q: T.Tensor((6, 40), dtype),
        Y: T.Tensor((6, 40), "float32"),
    ):
        with T.Kernel(2) as b:
            t = T.alloc_shared((4, 16), dtype)
            T.copy(X[b * 4, 25], t)  # a tail in both dimensions, and a conversion
            T.copy(t, P[b * 4, 3])
            T.copy(P[b * 4 : b * 4 + 4, 1:8], Q[b * 4 : b * 4 + 4, 4:11])
            T.copy(P[b * 4, 2], Q[b * 4, 17:30])
            T.fill(Q[b * 4 : b * 4 + 4, 31:34], 3)
            T.copy(P[b * 4 : b * 4 + 4, 33], Q[b * 4 : b * 4 + 4, 0])
            T.copy(Q[b * 4, 0], Y[b * 4 : b * 4 + 4, :])

    arrays = numbers((6, 34)), pairs(dtype, (6, 34)), pairs(dtype, (6, 40), 1)
    check(kernel, backend, *arrays, np.zeros((6, 40), np.float32))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_element_stores_in_one_byte(backend: str, dtype: str) -> None:
    """Iterations that store to halves of one byte never disturb each other (L47)."""

    @T.prim_func
    def kernel(
        X: T.Tensor((5, 18), "float32"),
        ORDER: T.Tensor((18,), "int32"),
        P: T.Tensor((5, 20), dtype),
        Q: T.Tensor((5, 20), dtype),
        R: T.Tensor((5, 20), dtype),
    ):
        with T.Kernel(1):
            for i, j in T.Parallel(5, 17):
                P[i, j + 1] = X[i, j]  # next to each other
            for i, j in T.Parallel(5, 9):
                Q[i, 2 * j] = X[i, 2 * j]  # by pairs
                Q[i, 2 * j + 1] = X[i, 2 * j + 1] * 2
            for i, j in T.Parallel(5, 18):
                if X[i, j] > 0:
                    R[i, ORDER[j]] = X[i, j]  # anywhere
            P[4, 19] = Q[0, 0]
            R[0, 19] = P[1, 1]

    x = numbers((5, 18), 2)
    order = np.random.default_rng(4).permutation(19)[:18].astype(np.int32)
    tensors = [pairs(dtype, (5, 20), seed) for seed in (1, 2, 3)]
    check(kernel, backend, x, order, *tensors)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_reading_everywhere(backend: str, dtype: str) -> None:
    """Elements, fills, reductions, sorting, selects, bits; tiles and tensors alike."""
    other = "uint4" if dtype != "uint4" else "int4"

    @T.prim_func
    def kernel(
        P: T.Tensor((4, 12), dtype),
        S: T.Tensor((4, 12), "int32"),
        M: T.Tensor((4,), "float32"),
        I: T.Tensor((4, 3), "int32"),  # noqa: E741
        B: T.Tensor((4, 12), other),
        N: T.Tensor((4, 2), dtype),
    ):
        with T.Kernel(1):
            T.annotate_safe_value({P: 2})
            t = T.alloc_fragment((4, 12), dtype)
            T.copy(P, t)
            T.reduce_max(P, M)
            T.topk(P, None, I, 3)
            for i, j in T.Parallel(4, 12):
                far = P[i, j + 7]  # past the end: the safe value
                S[i, j] = T.if_then_else(t[i, j] > far, t[i, j] + far, t[i, j] * 100)
                B[i, j] = T.reinterpret(t[i, j], other)
            n = T.alloc_fragment((4, 2), dtype)
            T.fill(n, 0)
            T.reduce_sum(t[:, 1:7], n[:, 0], dim=1)
            T.reduce_sum(P[:, 6:12], n[:, 1], dim=1)
            T.copy(n, N)

    zeros = np.zeros((4, 12), np.int32), np.zeros(4, np.float32)
    more = np.zeros((4, 3), np.int32), pairs(other, (4, 12)), pairs(dtype, (4, 2))
    check(kernel, backend, pairs(dtype, (4, 12), 5), *zeros, *more)


@pytest.mark.parametrize(
    ("a", "b", "c"),
    [
        ("float4_e2m1fn", "float4_e2m1fn", "float32"),
        ("float8_e4m3fn", "float4_e2m1fn", "float32"),
        ("int4", "int4", "int32"),
        ("uint4", "int8", "int32"),
    ],
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_products(backend: str, a: str, b: str, c: str) -> None:
    """From tiles and from tensors; exact, since all values are small."""
    m, n, k = 20, 18, 32

    @T.prim_func
    def kernel(
        A: T.Tensor((m, k), a),
        B: T.Tensor((n, k), b),
        C: T.Tensor((m, n), c),
        D: T.Tensor((m, n), c),
    ):
        with T.Kernel(1):
            left, right = T.alloc_shared((m, k), a), T.alloc_shared((n, k), b)
            acc = T.alloc_fragment((m, n), c)
            T.copy(A, left)
            T.copy(B, right)
            T.gemm(left, right, acc, transpose_B=True, clear_accum=True)
            T.copy(acc, C)
            T.clear(acc)
            T.gemm(A[:, 1:8], B[:, 3:10], acc, transpose_B=True)
            T.copy(acc, D)

    rng = np.random.default_rng(9)
    arrays, exact = [], []
    for dtype, rows in ((a, m), (b, n)):
        if dtype in CARRIERS:
            arrays.append(pairs(dtype, (rows, k), rows))
            values = tiledsl.unpack(arrays[-1], dtype)
        else:
            values = rng.integers(-4, 5, (rows, k)).astype(T.dtype(dtype).as_numpy())
            arrays.append(values)
        exact.append(values.astype(np.float64))
    out = [np.zeros((m, n), T.dtype(c).as_numpy()) for _ in "CD"]
    tiledsl.compile(kernel, backend=backend)(*arrays, *out)
    left, right = exact
    np.testing.assert_array_equal(out[0], left @ right.T)
    np.testing.assert_array_equal(out[1], left[:, 1:8] @ right[:, 3:10].T)


@tiledsl.jit
def w4a16(X, W, S, block=32, group=16):
    """``Y = X @ (W * S)^T`` with 4-bit weights and a scale per group of k."""
    m, n = T.dynamic("m, n")
    k, groups = T.const("k, groups")
    X: T.Tensor((m, k), "float16")
    W: T.Tensor((n, k), "int4")
    S: T.Tensor((n, groups), "float16")
    Y = T.empty((m, n), "float32")
    with T.Kernel(T.ceildiv(n, block), T.ceildiv(m, block)) as (bx, by):
        x = T.alloc_shared((block, group), "float16")
        codes = T.alloc_shared((block, group), "int4")
        w = T.alloc_shared((block, group), "float16")
        acc = T.alloc_fragment((block, block), "float32")
        T.clear(acc)
        for g in T.Pipelined(groups, num_stages=2):
            T.copy(X[by * block, g * group], x)
            T.copy(W[bx * block, g * group], codes)
            for i, j in T.Parallel(block, group):
                w[i, j] = codes[i, j] * S[bx * block + i, g]
            T.gemm(x, w, acc, transpose_B=True)
        T.copy(acc, Y[by * block, bx * block])
    return Y


@pytest.mark.parametrize("backend", BACKENDS)
def test_weights_of_four_bits(backend: str) -> None:
    """All backends are within the bound of float32 sums of a float64 reference."""
    m, n, k, group = 37, 50, 64, 16
    rng = np.random.default_rng(11)
    x = rng.standard_normal((m, k)).astype(np.float16)
    packed = pairs("int4", (n, k), 12)
    scales = (rng.random((n, k // group)) + 0.1).astype(np.float16)
    y = w4a16(x, packed, scales, backend=backend)
    codes = tiledsl.unpack(packed, "int4").astype(np.float64)
    exact = codes * np.repeat(scales.astype(np.float64), group, axis=1)
    weights = exact.astype(np.float16).astype(np.float64)  # stored once as float16
    reference = x.astype(np.float64) @ weights.T
    size = np.abs(x.astype(np.float64)) @ np.abs(weights).T
    assert (np.abs(y - reference) <= k * 2.0**-23 * size).all()


@tiledsl.jit
def quantized(X, group=32):
    """Blocks of e2m1 elements with a power of two each."""
    m, n = T.const("m, n")
    X: T.Tensor((m, n), "bfloat16")
    Q = T.empty((m, n), "float4_e2m1fn")
    E = T.empty((m, n // group), "float8_e8m0fnu")
    with T.Kernel(n // group) as g:
        x = T.alloc_fragment((m, group), "bfloat16")
        largest = T.alloc_fragment((m,), "float32")
        T.copy(X[0, g * group], x)
        T.reduce_absmax(x, largest, dim=1)
        for i in T.Parallel(m):
            power = T.ceil(T.log2(T.max(largest[i], 1e-4) / 6.0))
            E[i, g] = T.exp2(power)
        for i, j in T.Parallel(m, group):
            Q[i, g * group + j] = x[i, j] / E[i, g]
    return Q, E


@pytest.mark.parametrize("backend", BACKENDS)
def test_quantization_with_scales(backend: str) -> None:
    x = np.random.default_rng(3).standard_normal((5, 96)).astype(ml_dtypes.bfloat16)
    q, scales = quantized(x, backend=backend)
    assert q.dtype == np.uint8 and q.shape == (5, 48)
    wide = x.astype(np.float64)
    groups = np.abs(wide).reshape(5, 3, 32).max(-1)
    expected = 2.0 ** np.ceil(np.log2(groups / 6))
    np.testing.assert_array_equal(scales.astype(np.float64), expected)
    scaled = wide / np.repeat(expected, 32, axis=1)
    np.testing.assert_array_equal(
        tiledsl.unpack(q, "float4_e2m1fn").view(np.uint8),
        scaled.astype(ml_dtypes.float4_e2m1fn).view(np.uint8),
    )


def test_packing_round_trips() -> None:
    for dtype, carrier in CARRIERS.items():
        codes = np.arange(16, dtype=np.uint8)
        elements = tiledsl.unpack(codes | codes[::-1] << 4, dtype)
        assert elements.dtype == carrier
        again = tiledsl.pack(elements)
        np.testing.assert_array_equal(again.view(np.uint8), codes | codes[::-1] << 4)
        assert tiledsl.pack(elements.reshape(4, 8)).shape == (4, 4)


def test_sizes_come_from_bytes() -> None:
    """A dim of a packed tensor is twice the bytes of its argument."""

    @tiledsl.jit
    def widened(P):
        m, n = T.dynamic("m, n")
        P: T.Tensor((m, n), "uint4")
        Y = T.empty((m, n), "int32")
        with T.Kernel(m) as i:
            for j in T.Parallel(n):
                Y[i, j] = P[i, j]
        return Y

    packed = pairs("uint4", (3, 10))
    found = widened(packed)
    np.testing.assert_array_equal(found, tiledsl.unpack(packed, "uint4").astype(int))
    assert widened(packed[:, :0]).shape == (3, 0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_rows_with_gaps(backend: str) -> None:
    """Strides count elements; every second row of a tensor of bytes."""

    @tiledsl.jit
    def negated(P):
        m, s = T.dynamic("m, s")
        P: T.StridedTensor((m, 8), (s, 1), "int4")
        Y = T.empty((m, 8), "int4")
        with T.Kernel(m) as i:
            for j in T.Parallel(8):
                Y[i, j] = 1 - P[i, j]
        return Y

    rows = pairs("int4", (6, 8), 7)[::2]
    codes = tiledsl.unpack(rows, "int4").astype(np.int32)
    expected = tiledsl.pack((1 - codes).astype(ml_dtypes.int4))
    np.testing.assert_array_equal(negated(rows, backend=backend), expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_another_shape(backend: str) -> None:
    """``T.reshape`` of tensors and tiles: the pairs stay pairs."""

    @T.prim_func
    def kernel(P: T.Tensor((4, 8), "float4_e2m1fn"), Y: T.Tensor((16, 2), "float32")):
        with T.Kernel(1):
            t = T.alloc_shared((2, 16), "float4_e2m1fn")
            T.copy(T.reshape(P, (2, 16)), t)
            T.copy(T.reshape(t, (16, 2)), Y)
            T.fill(T.reshape(P, (32,))[3:6], -3.0)

    packed = pairs("float4_e2m1fn", (4, 8), 8)
    found, y = packed.copy(), np.zeros((16, 2), np.float32)
    tiledsl.compile(kernel, backend=backend)(found, y)
    values = tiledsl.unpack(packed, "float4_e2m1fn")
    np.testing.assert_array_equal(y.ravel(), values.astype(np.float32).ravel())
    values.ravel()[3:6] = -3.0
    np.testing.assert_array_equal(found, tiledsl.pack(values))


@pytest.mark.parametrize(
    ("array", "hint"),
    [
        (np.zeros((2, 8), ml_dtypes.int4), r"tiledsl\.pack\(P\)"),
        (
            np.zeros((2, 4), np.float32),
            r"tiledsl\.pack\(P\.astype\(ml_dtypes\.int4\)\)",
        ),
        (np.zeros((2, 8), np.int8)[:, ::2], "contiguous"),
        (np.zeros((2, 5), np.int8), r"P\.shape\[1\]"),
    ],
)
def test_wrong_arrays(array: np.ndarray, hint: str) -> None:
    @T.prim_func
    def kernel(P: T.Tensor((2, 8), "int4"), Y: T.Tensor((2, 8), "int32")):
        with T.Kernel(1):
            T.copy(P, Y)

    with pytest.raises(ArgumentError, match=hint):
        tiledsl.compile(kernel)(array, np.zeros((2, 8), np.int32))


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("E0320", lambda: T.alloc_shared((4, 3), "int4")),
        ("E0320", lambda: T.empty((4, 7), "float4_e2m1fn")),
        ("E0320", lambda: T.alloc_fragment((5,), "uint4")),
        ("E0302", lambda: T.fill(T.alloc_shared((4,), "int4"), 8)),
    ],
)
def test_mistakes(code: str, make: Callable[[], object], builder: object) -> None:
    with pytest.raises(KernelError, match=code):
        make()


def test_no_sums_in_four_bits() -> None:
    with pytest.raises(KernelError, match="E0215"):

        @T.prim_func
        def kernel(X: T.Tensor((8,), "int4")):
            with T.Kernel(1):
                r = T.alloc_fragment((2,), "int4")
                for i in T.Parallel(8):
                    r[i // 4] += X[i]

        assert kernel.function


@pytest.mark.parametrize(
    "tensor",
    [
        T.Tensor((), "int4"),
        T.Tensor((3,), "int4"),
        T.StridedTensor((2, 4), (1, 2), "uint4"),
        T.StridedTensor((2, 4), (5, 1), "uint4"),
    ],
)
def test_parameters_that_cannot_be_packed(tensor: object) -> None:
    with pytest.raises(KernelError, match="E0320"):

        @T.prim_func
        def kernel(X: tensor):
            with T.Kernel(1):
                T.clear(X)

        assert kernel.function
