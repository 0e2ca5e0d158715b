"""T.sort and T.topk (rule L117) on every backend, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.analysis.claims import recheck_claims
from tiledsl.backend import Capabilities
from tiledsl.diagnostics import KernelError
from tiledsl.ir.dtypes import ALL_DTYPES, DType
from tiledsl.ir.nodes import Function, Sort
from tiledsl.ir.parser import parse_function
from tiledsl.ir.printer import print_function
from tiledsl.ir.visitor import walk
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing import runnable_backends
from tiledsl.testing.ring import RingMode, random_values
from tiledsl.testing.scalar_evaluator import evaluate

BACKENDS = runnable_backends()
NO_LIMITS = Capabilities(frozenset(), frozenset(), block_bytes=1 << 30)
DTYPES = [dtype for dtype in ALL_DTYPES if dtype != "index" and not dtype.is_packed]


def ordered(rows, n, k, dtype, descending=False):
    @T.prim_func
    def main(
        X: T.Tensor((rows, n), dtype),
        V: T.Tensor((rows, n), dtype),
        I: T.Tensor((rows, n), "int32"),  # noqa: E741
        B: T.Tensor((rows, k), dtype),
        J: T.Tensor((rows, k), "int32"),
    ):
        with T.Kernel(1):
            x = T.alloc_shared((rows, n), dtype)
            T.copy(X, x)
            T.sort(x, V, I, descending=descending)
            T.topk(x, B, J, k, dim=1, largest=descending)

    return main


def compiled(
    backend: str, rows: int, n: int, k: int, dtype: str, descending: bool
) -> JITKernel:
    return tiledsl.compile(ordered(rows, n, k, dtype, descending), backend=backend)


def codes(dtype: DType, shape: tuple[int, int]) -> np.ndarray:
    """Random elements, every special value and many equal ones among them."""
    carrier = dtype.as_numpy()
    rng = np.random.default_rng(3)
    size = f"u{carrier.itemsize}"
    raw = rng.integers(0, 1 << (8 * carrier.itemsize), shape, dtype=size)
    if dtype.kind == "bool":
        return (raw & 1).astype(np.bool_)
    few = np.array([0, 1, -1, 2], np.float64)
    if dtype.is_float and dtype.minimum < 0:
        few = np.array([0.0, -0.0, 1.0, np.nan, np.inf, -np.inf, -1.5], np.float64)
    few = few[few >= 0] if dtype.minimum >= 0 else few
    chosen = rng.choice(few, shape).astype(carrier)
    result = np.where(rng.random(shape) < 0.6, chosen, raw.view(carrier))
    return np.ascontiguousarray(result)


def expected_order(line: np.ndarray, *, descending: bool) -> list[int]:
    """By Python's stable sort of numbers, NaN apart."""
    if line.dtype.kind in "biu":
        numbers = [int(value) for value in line]
    else:
        numbers = [float(value) for value in line.astype(np.float64)]
    sign = -1 if descending else 1

    def key(at: int) -> tuple[bool, float, float]:
        value = numbers[at]
        if value != value:
            return True, 0, 0
        return False, sign * value, sign * np.copysign(1.0, value or float(line[at]))

    return sorted(range(len(numbers)), key=key)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_dtype(backend: str, dtype: DType, descending: bool) -> None:
    rows, n, k = 2, 13, 5
    x = codes(dtype, (rows, n))
    outputs = [np.zeros_like(x), np.zeros((rows, n), np.int32)]
    outputs += [np.zeros_like(x[:, :k]), np.zeros((rows, k), np.int32)]
    compiled(backend, rows, n, k, str(dtype), descending)(x, *outputs)
    order = np.array([expected_order(line, descending=descending) for line in x])
    values, indices, best, first = outputs
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_array_equal(first, order[:, :k])
    right = np.take_along_axis(x, order, 1)
    for found, wanted in ((values, right), (best, right[:, :k])):
        same = found.view(f"u{x.itemsize}") == wanted.view(f"u{x.itemsize}")
        nan = np.isnan(wanted.astype(np.float64)) & np.isnan(found.astype(np.float64))
        assert (same | nan).all()


@pytest.mark.parametrize("n", [1, 2, 64, 65, 300])
@pytest.mark.parametrize("backend", BACKENDS)
def test_lengths(backend: str, n: int) -> None:
    """Short and long lines; sizes that are no power of two."""
    k = min(n, 20)
    x = np.random.default_rng(n).integers(-9, 9, (3, n)).astype(np.float32)
    outputs = [np.zeros_like(x), np.zeros((3, n), np.int32)]
    outputs += [np.zeros((3, k), np.float32), np.zeros((3, k), np.int32)]
    compiled(backend, 3, n, k, "float32", True)(x, *outputs)
    order = np.argsort(-x, axis=1, kind="stable")
    np.testing.assert_array_equal(outputs[1], order)
    np.testing.assert_array_equal(outputs[3], order[:, :k])
    np.testing.assert_array_equal(outputs[2], np.take_along_axis(x, order, 1)[:, :k])


@tiledsl.jit
def sorted_slices(X, k=3):
    m, n = T.const("m, n")
    X: T.Tensor((m, n), "int32")
    C = T.empty((k, n), "int32")
    R = T.empty((m,), "int32")
    with T.Kernel(n) as column:
        T.topk(X[:, column], C[:, column], None, k, dim=0, largest=False)
    with T.Kernel(m) as row:
        T.topk(X[row, 1:6], None, R[row : row + 1], 1, dim=1)
    return C, R


@pytest.mark.parametrize("backend", BACKENDS)
def test_slices_and_other_dimensions(backend: str) -> None:
    x = np.random.default_rng(5).integers(-50, 50, (7, 8), dtype=np.int32)
    smallest, best = sorted_slices(x, backend=backend)
    np.testing.assert_array_equal(smallest, np.sort(x, axis=0)[:3])
    np.testing.assert_array_equal(best, x[:, 1:6].argmax(1))


@tiledsl.jit
def in_place(X, n=100):
    m = T.dynamic("m")
    X: T.Tensor((m, n), "int16")
    Y = T.empty((m, n), "float32")
    with T.Kernel(T.ceildiv(m, 4)) as b:
        x = T.alloc_fragment((4, n), "int16")
        T.copy(X[b * 4, 0], x)
        T.sort(x, x, descending=True)
        T.sort(x, Y[b * 4 : b * 4 + 4, :])
    return Y


@pytest.mark.parametrize("backend", BACKENDS)
def test_in_place_with_a_tail(backend: str) -> None:
    """The tile sorts itself; values convert; rows past the tensor are not written."""
    x = np.random.default_rng(6).integers(-500, 500, (6, 100), dtype=np.int16)
    np.testing.assert_array_equal(in_place(x, backend=backend), np.sort(x, axis=1))


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != "triton"])
def test_long_rows(backend: str) -> None:
    n, k = 32768, 2048
    x = np.random.default_rng(8).standard_normal((1, n)).astype(np.float32)
    x[0, ::7] = 0.5
    outputs = [np.zeros_like(x), np.zeros((1, n), np.int32)]
    outputs += [np.zeros((1, k), np.float32), np.zeros((1, k), np.int32)]
    compiled(backend, 1, n, k, "float32", True)(x, *outputs)
    np.testing.assert_array_equal(outputs[1], np.argsort(-x, axis=1, kind="stable"))
    np.testing.assert_array_equal(outputs[3], outputs[1][:, :k])


def traced(descending: bool = False) -> Function:
    return ordered(2, 9, 4, "float32", descending).function


@pytest.mark.parametrize("descending", [False, True])
def test_the_evaluator_agrees(descending: bool) -> None:
    function = traced(descending)
    assert sum(isinstance(node, Sort) for node in walk(function)) == 2
    text = print_function(function)
    assert print_function(parse_function(text, settle_claims=recheck_claims)) == text
    x = codes(DType("float32"), (2, 9))
    outputs = [np.zeros((2, 9), np.float32), np.zeros((2, 9), np.int32)]
    outputs += [np.zeros((2, 4), np.float32), np.zeros((2, 4), np.int32)]
    evaluate(function, [x, *outputs])
    order = [expected_order(line, descending=descending) for line in x]
    np.testing.assert_array_equal(outputs[1], order)


@pytest.mark.parametrize("descending", [False, True])
def test_ring_mode(descending: bool) -> None:
    """Ring values are ordered as their integers: all backends agree, NaN is last."""
    x = random_values(np.random.default_rng(1), (2, 9), specials=0.5)
    results = []
    for backend in BACKENDS:
        ring = RingMode().run(traced(descending), NO_LIMITS)
        outputs = [np.zeros((2, 9), np.int64), np.zeros((2, 9), np.int32)]
        outputs += [np.zeros((2, 4), np.int64), np.zeros((2, 4), np.int32)]
        JITKernel(ring, backend=backend)(x, *outputs)
        results.append(outputs)
    for found in results[1:]:
        for one, other in zip(results[0], found, strict=True):
            np.testing.assert_array_equal(one, other)
    values = results[0][0]
    finite = values[values != values.max()]
    assert len(finite) > 2


def test_checked_mode_sees_undefined_elements() -> None:
    @tiledsl.jit
    def unwritten():
        @T.prim_func
        def main(Y: T.Tensor((8,), "int32")):
            with T.Kernel(1):
                x = T.alloc_shared((8,), "float32")
                T.fill(x[0:7], 1.0)
                T.sort(x, None, Y)

        return main

    report = unwritten().check(np.zeros(8, np.int32))
    assert [finding.code for finding in report.errors] == ["E5011"]


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("E0214", lambda x, v, i: T.sort(x, v, i, dim=2)),
        ("E0214", lambda x, v, i: T.topk(x, v, i, 7, dim=1)),
        ("E0214", lambda x, v, i: T.topk(x, v, i, True)),
        ("E0201", lambda x, v, i: T.topk(x, v, None, 3, dim=0)),
        ("E0201", lambda x, v, i: T.sort(x, None, i[0:3, :])),
        ("E0207", lambda x, v, i: T.sort(x[:, 0:3], x[:, 1:4])),
        ("E0207", lambda x, v, i: T.sort(i, None, i)),
        ("E0207", lambda x, v, i: T.sort(x, i, i)),
        ("E0209", lambda x, v, i: T.sort(x, None)),
        ("E0215", lambda x, v, i: T.sort(x, None, v)),
        ("E0206", lambda x, v, i: T.sort(3, v)),
    ],
)
def test_mistakes(
    code: str, call: Callable[..., None], builder: object, buffer: Callable[..., object]
) -> None:
    tiles = [buffer(name, (4, 6), "float32", "shared") for name in "xv"]
    with pytest.raises(KernelError, match=code):
        call(*tiles, buffer("i", (4, 6), "int32", "shared"))


def test_run_time_extents(builder: object, buffer: Callable[..., object]) -> None:
    with pytest.raises(KernelError, match="E0208"):
        T.sort(buffer("g", (4, "n")), None, buffer("i", (4, "n"), "int32"))


def test_outside_a_kernel() -> None:
    @tiledsl.jit
    def whole(X):
        n = T.const("n")
        X: T.Tensor((n,), "int32")
        Y = T.empty((n,), "int32")
        T.sort(X, Y)
        return Y

    with pytest.raises(KernelError, match=r"E0210 T\.sort"):
        whole(np.zeros(4, np.int32))
