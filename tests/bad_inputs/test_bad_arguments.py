"""Cases 1 to 32: arguments of a call."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import Error
from tiledsl.runtime.kernel import JITKernel

Refused = Callable[..., Error]
M, N, K = (T.dynamic(name) for name in ("M", "N", "K"))


def compiled(function: object, **options: object) -> JITKernel:
    kernel = tiledsl.compile(function, **options)
    assert isinstance(kernel, JITKernel)
    return kernel


@pytest.fixture(params=["numpy", "llvm"])
def move(request: pytest.FixtureRequest) -> JITKernel:
    """Y = X for contiguous arrays of 8 columns."""

    @T.prim_func
    def move(X: T.Tensor((M, 8), "float32"), Y: T.Tensor((M, 8), "float32")):
        with T.Kernel(M) as bx:
            for j in T.Parallel(8):
                Y[bx, j] = X[bx, j]

    return compiled(move, backend=request.param)


@pytest.fixture(params=["numpy", "llvm"])
def matmul(request: pytest.FixtureRequest) -> JITKernel:
    @T.prim_func
    def matmul(
        A: T.Tensor((M, K), "float32"),
        B: T.Tensor((K, N), "float32"),
        C: T.Tensor((M, N), "float32"),
    ):
        with T.Kernel(T.ceildiv(M, 4), T.ceildiv(N, 4)) as (bx, by):
            a = T.alloc_shared((4, 4), "float32")
            b = T.alloc_shared((4, 4), "float32")
            c = T.alloc_fragment((4, 4), "float32")
            T.clear(c)
            for k in T.serial(T.ceildiv(K, 4)):
                T.copy(A[bx * 4, k * 4], a)
                T.copy(B[k * 4, by * 4], b)
                T.gemm(a, b, c)
            T.copy(c, C[bx * 4, by * 4])

    return compiled(matmul, out_idx=-1, backend=request.param)


def f32(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def _strided(shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    return np.lib.stride_tricks.as_strided(f32(64), shape, strides)


# case, the first argument of ``move``, what the message says
ARRAYS: list[tuple[int, Callable[[], object], str]] = [
    (1, lambda: np.zeros((2, 8)), "expected float32, got float64"),
    (1, lambda: np.zeros((2, 8), np.int32), "int32"),
    (2, lambda: f32(1, 2, 8), "'Y'"),
    (2, lambda: f32(8), "(8,)"),
    (3, lambda: f32(2, 7), "8"),
    (7, lambda: None, "'Y'"),
    (7, lambda: [[0.0] * 8] * 2, "list"),
    (7, lambda: "text", "str"),
    (7, lambda: np.zeros((2, 8), object), "object"),
    (7, lambda: Decimal(1), "Decimal"),
    (10, lambda: f32(2, 16)[:, ::2], "contiguous"),
    (10, lambda: f32(8, 2).T, "contiguous"),
    (19, lambda: np.zeros((2, 8), ">f4"), ">f4"),
    (19, lambda: np.zeros((2, 8), [("a", "f4")]), "structured"),
    (19, lambda: np.ma.zeros((2, 8), "f4"), "MaskedArray"),
    (19, lambda: np.asmatrix(f32(2, 8)), "matrix"),
]


@pytest.mark.parametrize(
    ("number", "make", "text"),
    ARRAYS,
    ids=[f"test_case_{row[0]:02}-{row[2]}" for row in ARRAYS],
)
def test_refused_array(
    refused: Refused,
    move: JITKernel,
    number: int,
    make: Callable[[], object],
    text: str,
) -> None:
    refused(number, lambda: move(make(), f32(2, 8)), text.replace("'Y'", "'X'"))
    refused(number, lambda: move(f32(2, 8), Y=make()), text)


def test_case_04_two_values_of_a_dim(refused: Refused, matmul: JITKernel) -> None:
    text = refused(4, lambda: matmul(f32(3, 64), f32(65, 2)), "K", "64", "65")
    assert "A" in str(text) and "B" in str(text)


def test_case_05_a_derived_dim(refused: Refused) -> None:
    @T.prim_func
    def halves(X: T.Tensor((2 * N,), "float32"), Y: T.Tensor((N - 3,), "float32")):
        with T.Kernel(N) as bx:
            X[bx] = Y[bx]

    kernel = compiled(halves)
    refused(5, lambda: kernel(f32(7), f32(1)), "2 * N")
    refused(5, lambda: kernel(f32(8), f32(2)), "N - 3")
    refused(5, lambda: kernel(f32(2), f32(0)), "N - 3")


def test_case_06_how_it_is_called(refused: Refused, move: JITKernel) -> None:
    x = f32(2, 8)
    for call in (
        lambda: move(),
        lambda: move(x),
        lambda: move(x, x, x),
        lambda: move(x, x, Z=1),
        lambda: move(x, X=x),
    ):
        refused(6, call, "move", "X: float32")


@pytest.mark.parametrize(
    "value",
    [1 << 31, -(1 << 31) - 1, 1 << 100, True, 1.0, "1", 1j, [1], np.float32(1)],
)
def test_case_08_scalars(refused: Refused, value: object) -> None:
    refused(8, lambda: _filled(value), "'s'", "int32")


@pytest.mark.parametrize("value", [np.ones(1, np.int32), np.ones((1, 1), np.int32)])
def test_case_09_one_element_arrays(refused: Refused, value: object) -> None:
    refused(9, lambda: _filled(value), "'s'")
    assert (_filled(np.array(7)) == 7).all()


@tiledsl.jit
def fill(s: T.int32):
    Y = T.empty((4,), "int32")
    with T.Kernel(4) as bx:
        Y[bx] = s
    return Y


def _filled(value: object) -> np.ndarray:
    result = fill(value)
    assert isinstance(result, np.ndarray)
    return result


@pytest.fixture(params=["numpy", "llvm"])
def strided(request: pytest.FixtureRequest) -> JITKernel:
    @T.prim_func
    def strided(
        X: T.StridedTensor((M, 8), (T.dynamic("sx"), T.dynamic("tx")), "float32"),
        Y: T.StridedTensor((M, 8), (T.dynamic("sy"), T.dynamic("ty")), "float32"),
    ):
        with T.Kernel(M) as bx:
            for j in T.Parallel(8):
                Y[bx, j] = X[bx, j] + 1.0

    return compiled(strided, backend=request.param)


def test_case_10_11_12_declared_strides(strided: JITKernel, refused: Refused) -> None:
    x = np.arange(64, dtype=np.float32).reshape(8, 8)
    for source in (x, x.T, x[::-1], x[:, ::-1], np.broadcast_to(x[0], (8, 8))):
        target = f32(8, 8)
        strided(source, target[::-1])
        assert np.array_equal(target[::-1], source + 1)
    refused(12, lambda: strided(x, _strided((8, 8), (0, 4))), "'Y'")
    refused(12, lambda: strided(x, np.broadcast_to(f32(8), (8, 8))), "'Y'")


def test_case_13_self_overlap(strided: JITKernel, refused: Refused) -> None:
    refused(13, lambda: strided(f32(7, 8), _strided((7, 8), (16, 4))), "'Y'")


def test_case_14_unaligned_memory(move: JITKernel) -> None:
    raw = np.zeros(2 * 8 * 4 + 1, np.uint8)
    x = np.ndarray((2, 8), np.float32, raw, offset=1)
    x[...] = 3
    y = f32(2, 8)
    move(x, y)
    assert (y == 3).all()


def test_case_15_read_only(move: JITKernel, refused: Refused) -> None:
    frozen = f32(2, 8)
    frozen.flags.writeable = False
    refused(15, lambda: move(f32(2, 8), frozen), "'Y'", "read-only")
    move(frozen, f32(2, 8))


def test_case_16_17_18_sharing(
    move: JITKernel, strided: JITKernel, refused: Refused
) -> None:
    memory = f32(4, 8)
    refused(16, lambda: move(memory, memory), "'X'", "'Y'")
    refused(17, lambda: move(memory[:3], memory[1:]), "'X'", "'Y'", "byte")
    move(memory[:2], memory[2:])

    @T.prim_func
    def both(X: T.Tensor((4,), "float32"), Y: T.Tensor((4,), "float32")):
        with T.Kernel(4) as bx:
            X[bx] = 1.0
            Y[bx] = 1.0

    line = f32(6)
    refused(18, lambda: compiled(both)(line[:4], line[2:]), "'X'", "'Y'")


def test_case_20_21_empty(matmul: JITKernel, move: JITKernel) -> None:
    assert np.array_equal(matmul(f32(3, 0), f32(0, 2)), f32(3, 2))
    assert matmul(f32(0, 5), f32(5, 2)).shape == (0, 2)
    move(f32(0, 8), f32(0, 8))


def test_case_22_offsets_beyond_32_bits(tmp_path: Path) -> None:
    @T.prim_func
    def last(X: T.Tensor((N,), "int8"), Y: T.Tensor((2,), "int8")):
        with T.Kernel(1):
            Y[0] = X[N - 1]
            Y[1] = X[N - (1 << 31) - 2]

    size = (1 << 31) + 7
    x = np.memmap(tmp_path / "sparse", np.int8, "w+", shape=(size,))
    x[-1], x[5] = 42, 43
    for backend in ("numpy", "llvm"):
        assert compiled(last, out_idx=-1, backend=backend)(x).tolist() == [42, 43]


def test_case_23_94_impossible_sizes(refused: Refused) -> None:
    @T.prim_func
    def wide(
        s: T.int64,
        X: T.Tensor((4,), "float32"),
        Y: T.Tensor((s, s), "float32"),  # noqa: F821
    ):
        with T.Kernel(1):
            Y[0, 0] = X[0]

    kernel = compiled(wide, out_idx=-1)
    for size in (1 << 62, 1 << 31, 1 << 25):
        refused(23, lambda size=size: kernel(size, f32(4)), "'Y'")
        refused(94, lambda size=size: kernel(size, f32(4)), "'Y'")
    assert kernel(2, f32(4)).shape == (2, 2)


def test_case_24_a_long_second_axis() -> None:
    @T.prim_func
    def corners(Y: T.Tensor((2,), "int32")):
        with T.Kernel(1, 70_000) as (bx, by):
            if by == 69_999:
                Y[bx] = by

    y = np.zeros(2, np.int32)
    compiled(corners, backend="llvm")(y)
    assert y.tolist() == [69_999, 0]


class ForeignArray:
    """DLPack of a device; ``kind`` 2 is CUDA, 99 does not exist."""

    def __init__(self, kind: int) -> None:
        self.kind = kind

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.kind, 0

    def __dlpack__(self, **_: object) -> object:
        raise BufferError("memory of a device")


@pytest.mark.parametrize(("number", "kind"), [(25, 2), (28, 99)])
def test_case_25_28_other_devices(
    refused: Refused, move: JITKernel, number: int, kind: int
) -> None:
    refused(number, lambda: move(ForeignArray(kind), f32(2, 8)), "'X'")


@pytest.mark.parametrize("name", ["nope", "../x", ""])
def test_case_26_missing_backends(refused: Refused, move: JITKernel, name: str) -> None:
    refused(26, lambda: move(f32(2, 8), f32(2, 8), backend=name), "numpy")


@pytest.mark.parametrize("kind", ["sparse", "meta", "conj", "neg", "grad"])
def test_case_27_torch(refused: Refused, move: JITKernel, kind: str) -> None:
    torch = pytest.importorskip("torch")
    tensor = {
        "sparse": lambda: torch.zeros(2, 8).to_sparse(),
        "meta": lambda: torch.zeros(2, 8, device="meta"),
        "conj": lambda: torch.zeros(2, 8, dtype=torch.complex64).conj(),
        "neg": lambda: torch.zeros(2, 8, dtype=torch.complex64).conj().imag,
        "grad": lambda: torch.zeros(2, 8, requires_grad=True),
    }[kind]()
    refused(27, lambda: move(torch.zeros(2, 8), tensor), "'Y'")


def test_case_29_an_array_resized_during_a_call() -> None:
    """A call holds what it works on: NumPy then refuses to move the memory."""
    x = f32(16)
    view = memoryview(x)
    with pytest.raises((ValueError, BufferError)):
        x.resize(1 << 20)
    assert len(view) == 16


def test_case_30_carriers(refused: Refused) -> None:
    @tiledsl.jit
    def widen(X):
        X: T.Tensor((4,), "bfloat16")
        Y = T.empty((4,), "float32")
        with T.Kernel(4) as bx:
            Y[bx] = X[bx]
        return Y

    raw = np.full(4, 0x3F80, np.uint16)
    for wrong in (raw, f32(4), np.zeros(4, np.float16)):
        refused(30, lambda wrong=wrong: widen(wrong), "bfloat16")
    assert (widen(raw.view(ml_dtypes.bfloat16)) == 1).all()
    assert (widen(tiledsl.as_dtype(raw, "bfloat16")) == 1).all()


def test_case_31_an_output_before_its_input() -> None:
    @T.prim_func
    def reverse(Y: T.Tensor((N,), "float32"), X: T.Tensor((N,), "float32")):
        with T.Kernel(N) as bx:
            Y[bx] = X[N - 1 - bx]

    x = np.arange(5, dtype=np.float32)
    assert np.array_equal(compiled(reverse, out_idx=0)(x), x[::-1])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_case_32_special_floats(value: float) -> None:
    @tiledsl.jit
    def spread(s: T.float32):
        Y = T.empty((2,), "float32")
        with T.Kernel(2) as bx:
            Y[bx] = s
        return Y

    assert np.array_equal(spread(value), np.full(2, value, np.float32), equal_nan=True)
