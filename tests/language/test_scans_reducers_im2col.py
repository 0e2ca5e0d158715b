"""T.cumsum, T.cummax, reducers and T.im2col through T.prim_func and the evaluator."""

from __future__ import annotations

import linecache

import numpy as np
import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.frontend.prim_func import PrimFunc
from tiledsl.ir.nodes import Accumulate
from tiledsl.ir.verifier import verify
from tiledsl.ir.visitor import walk
from tiledsl.testing.scalar_evaluator import evaluate


def run(kernel: object, *arrays: np.ndarray) -> None:
    assert isinstance(kernel, PrimFunc)
    verify(kernel.function)
    evaluate(kernel.function, arrays)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_scans_of_a_matrix(dim: int, reverse: bool) -> None:
    @T.prim_func
    def kernel(
        X: T.Tensor((4, 6), "int32"),
        S: T.Tensor((4, 6), "int32"),
        M: T.Tensor((4, 6), "int32"),
    ):
        with T.Kernel(1):
            x = T.alloc_shared((4, 6), "int32")
            T.copy(X, x)
            T.cummax(x, M, dim=dim, reverse=reverse)
            T.cumsum(x, dim=dim, reverse=reverse)
            T.copy(x, S)

    x = np.random.default_rng(0).integers(-9, 9, (4, 6), dtype=np.int32)
    sums, largest = np.zeros_like(x), np.zeros_like(x)
    run(kernel, x, sums, largest)
    lines = np.flip(x, dim) if reverse else x
    for found, ufunc in ((sums, np.add), (largest, np.maximum)):
        expected = ufunc.accumulate(lines, axis=dim)
        np.testing.assert_array_equal(
            found, np.flip(expected, dim) if reverse else expected
        )


def test_narrow_sums_are_carried_wide() -> None:
    @T.prim_func
    def kernel(X: T.Tensor((3000,), "float16"), S: T.Tensor((3000,), "float16")):
        with T.Kernel(1):
            T.cumsum(X, S)

    x = np.ones(3000, np.float16)
    sums = np.zeros_like(x)
    run(kernel, x, sums)
    np.testing.assert_array_equal(sums, np.arange(1, 3001).astype(np.float16))


def test_scans_of_slices() -> None:
    @T.prim_func
    def kernel(X: T.Tensor((3, 8), "int32"), S: T.Tensor((3, 8), "int32")):
        with T.Kernel(1):
            T.cumsum(X[1:2, 2:6], S[2:3, 0:4], dim=1)

    x = np.arange(24, dtype=np.int32).reshape(3, 8)
    sums = np.zeros_like(x)
    run(kernel, x, sums)
    expected = np.zeros_like(x)
    expected[2, :4] = np.cumsum(x[1, 2:6])
    np.testing.assert_array_equal(sums, expected)


def test_scans_check_their_operands(builder, buffer) -> None:
    x = buffer("x", (4, 6), "float32", "shared")
    with pytest.raises(KernelError, match="E0201"):
        T.cumsum(x, buffer("y", (6, 4), "float32", "shared"))
    with pytest.raises(KernelError, match="E0214"):
        T.cumsum(x, dim=2)
    with pytest.raises(KernelError, match="E0215"):
        T.cummax(buffer("b", (4,), "bool", "shared"))
    with pytest.raises(KernelError, match="E0207"):
        T.cumsum(x[0:2, :], x[1:3, :])
    with pytest.raises(KernelError, match="E0208"):
        T.cumsum(buffer("g", ("n",)))


_OPS = {
    "sum": np.add, "max": np.maximum, "min": np.minimum,
    "bitand": np.bitwise_and, "bitor": np.bitwise_or, "bitxor": np.bitwise_xor,
}  # fmt: skip


@pytest.mark.parametrize("op", sorted(_OPS))
def test_reducers(op: str) -> None:
    @T.prim_func
    def kernel(X: T.Tensor((4, 16), "int32"), R: T.Tensor((4,), "int32")):
        with T.Kernel(1):
            r = T.alloc_reducer((4,), "int32", op=op)
            T.reducer_init(r)
            for i, j in T.Parallel(4, 16):
                T.reducer_update(r[i], X[i, j])
            T.finalize_reducer(r, R)

    x = np.random.default_rng(1).integers(-99, 99, (4, 16), dtype=np.int32)
    found = np.zeros(4, np.int32)
    run(kernel, x, found)
    np.testing.assert_array_equal(found, _OPS[op].reduce(x, axis=1))


def test_the_older_form_of_reducers() -> None:
    @T.prim_func
    def kernel(X: T.Tensor((4, 16), "float32"), R: T.Tensor((4,), "float32")):
        with T.Kernel(1):
            r = T.alloc_reducer((4,), "float32", op="sum", replication="all")
            T.fill(r, 1)
            for i, j in T.Parallel(4, 16):
                r[i] += X[i, j]
            T.finalize_reducer(r)
            T.copy(r, R)

    x = np.random.default_rng(1).integers(-9, 9, (4, 16)).astype(np.float32)
    found = np.zeros(4, np.float32)
    run(kernel, x, found)
    np.testing.assert_array_equal(found, 1 + x.sum(axis=1))
    assert any(isinstance(node, Accumulate) for node in walk(kernel.function))


def test_reducers_are_read_at_the_end_only() -> None:
    @T.prim_func
    def kernel(R: T.Tensor((4,), "float32")):
        with T.Kernel(1):
            total = T.alloc_reducer((4,), "float32")
            T.reducer_init(total, 0)
            T.copy(total, R)

    with pytest.raises(KernelError, match="E0218 the reducer total") as caught:
        _ = kernel.function
    assert caught.value.span is not None
    line = caught.value.span.line
    assert "T.copy(total, R)" in linecache.getline(__file__, line)


def test_reducers_are_checked(builder, buffer) -> None:
    for op, dtype in (("mean", "int32"), ("bitand", "float32"), ("sum", "bool")):
        with pytest.raises(KernelError, match="E0215"):
            T.alloc_reducer((4,), dtype, op=op)
    tile = buffer("tile", (4,), "float32", "shared")
    for wrong in (lambda: T.reducer_init(tile), lambda: T.finalize_reducer(tile),
                  lambda: T.reducer_update(tile[0], 1.0)):  # fmt: skip
        with pytest.raises(KernelError, match="E0206"):
            wrong()


def _patches(img: np.ndarray, kernel: int, stride: int, dilation: int, pad: int):
    n, h, w, c = img.shape
    padded = np.zeros((n, h + 2 * pad, w + 2 * pad, c), img.dtype)
    padded[:, pad : pad + h, pad : pad + w] = img
    reach = dilation * (kernel - 1) + 1
    oh = (h + 2 * pad - reach) // stride + 1
    ow = (w + 2 * pad - reach) // stride + 1
    rows = []
    for image in padded:
        for y in range(oh):
            for x in range(ow):
                ys = slice(y * stride, y * stride + reach, dilation)
                xs = slice(x * stride, x * stride + reach, dilation)
                rows.append(image[ys, xs].reshape(-1))
    return np.array(rows)


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "pad"),
    [(3, 1, 1, 1), (3, 2, 1, 0), (2, 1, 2, 1), (1, 1, 1, 0)],
)
def test_im2col(kernel: int, stride: int, dilation: int, pad: int) -> None:
    img = np.arange(1, 2 * 5 * 6 * 3 + 1, dtype=np.int32).reshape(2, 5, 6, 3)
    expected = _patches(img, kernel, stride, dilation, pad)
    rows, columns = 8, 4

    @T.prim_func
    def gather(
        IMG: T.Tensor((2, 5, 6, 3), "int32"),
        C: T.Tensor(expected.shape, "int32"),
    ):
        with T.Kernel(T.ceildiv(expected.shape[0], rows)) as by:
            col = T.alloc_shared((rows, columns), "int32")
            for k in T.serial(T.ceildiv(expected.shape[1], columns)):
                T.im2col(IMG, col, by, k, kernel, stride, dilation, pad)
                T.copy(col, C[by * rows, k * columns])

    found = np.zeros_like(expected)
    run(gather, img, found)
    np.testing.assert_array_equal(found, expected)


def test_im2col_checks_its_operands(builder, buffer) -> None:
    img = buffer("img", (1, 4, 4, 2))
    col = buffer("col", (4, 4), "float32", "shared")
    with pytest.raises(KernelError, match="E0201"):
        T.im2col(col, img, 0, 0, 3, 1, 1, 1)
    with pytest.raises(KernelError, match="E0209"):
        T.im2col(img, col, 0, 0, 3, 0, 1, 1)
