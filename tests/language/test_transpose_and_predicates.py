"""T.transpose, T.any_of, T.all_of: what they compute, by the scalar evaluator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.frontend.buffers import BufferRef
from tiledsl.frontend.builder import Builder
from tiledsl.frontend.values import wrap
from tiledsl.ir.dtypes import INDEX, DType, from_numpy
from tiledsl.ir.nodes import Buffer, Function, Launch, Var, index
from tiledsl.ir.verifier import verify
from tiledsl.testing.scalar_evaluator import evaluate


def run(body: Callable[..., None], *arrays: np.ndarray) -> None:
    """Traces ``body`` over one block, verifies it and evaluates it in place."""
    made = Builder()
    params = []
    for position, array in enumerate(arrays):
        dtype = from_numpy(array.dtype)
        assert dtype is not None
        shape = tuple(index(extent) for extent in array.shape)
        params.append(Buffer(f"p{position}", shape, dtype))
    with made.activate(), made.block("host") as host:
        with made.block("launch") as block:
            var = made.declare_index("bx", index(0), index(1))
            body(*(BufferRef(param) for param in params))
        made.emit(Launch((var,), (index(1),), (1,), block.statements))
    function = Function("kernel", tuple(params), (), host.statements)
    verify(function)
    evaluate(function, arrays)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (3, 5), (4, 1), (1, 4)])
def test_transpose(m: int, n: int) -> None:
    source = np.arange(m * n, dtype=np.float32).reshape(m, n)
    target = np.zeros((n, m), np.float16)
    run(lambda a, b: T.transpose(a, b), source, target)
    np.testing.assert_array_equal(target, source.T.astype(np.float16))


def test_transpose_of_slices_and_leading_units() -> None:
    source = np.arange(2 * 3 * 5, dtype=np.int32).reshape(2, 3, 5)
    target = np.zeros((5, 4), np.int32)
    run(lambda a, b: T.transpose(a[1, :, 1:4], b[1:4, 0:3]), source, target)
    expected = np.zeros((5, 4), np.int32)
    expected[1:4, 0:3] = source[1, :, 1:4].T
    np.testing.assert_array_equal(target, expected)


def test_transpose_of_a_batch() -> None:
    source = np.arange(24, dtype=np.int8).reshape(2, 3, 4)
    target = np.zeros((2, 4, 3), np.int8)
    run(lambda a, b: T.transpose(a, b), source, target)
    np.testing.assert_array_equal(target, source.transpose(0, 2, 1))


@pytest.mark.parametrize("rows", [0, 2, 3, 7])
def test_transpose_past_the_end_of_a_slice(rows: int) -> None:
    source = np.arange(1, 13, dtype=np.int32).reshape(4, 3)
    count = np.array([rows], np.int32)
    target = np.full((3, 4), -1, np.int32)

    def body(a: BufferRef, n: BufferRef, b: BufferRef) -> None:
        tile = T.alloc_shared((3, 4), "int32")
        T.transpose(a[0 : n[0], :], tile)
        T.copy(tile, b)

    run(body, source, count, target)
    expected = np.zeros((3, 4), np.int32)
    expected[:, : min(rows, 4)] = source[:rows].T
    np.testing.assert_array_equal(target, expected)


def test_transpose_checks_its_operands(builder, buffer) -> None:
    a = buffer("a", (3, 5), "float32", "shared")
    with pytest.raises(KernelError, match=r"E0201.*\(5, 3\)"):
        T.transpose(a, buffer("b", (3, 5), "float32", "shared"))
    with pytest.raises(KernelError, match="E0201"):
        T.transpose(a, buffer("c", (15,), "float32", "shared"))
    square = buffer("s", (4, 4), "float32", "shared")
    with pytest.raises(KernelError, match="E0207"):
        T.transpose(square, square)
    with builder.block("parallel"), pytest.raises(KernelError, match="E0210"):
        T.transpose(a, a)


_PATTERNS = [
    np.zeros((2, 3)), np.ones((2, 3)), np.eye(2, 3), 1 - np.eye(2, 3),
    np.full((2, 3), np.nan),
]  # fmt: skip


@pytest.mark.parametrize("pattern", range(len(_PATTERNS)))
def test_predicates_over_elements(pattern: int) -> None:
    x = _PATTERNS[pattern].astype(np.float32)
    out = np.zeros(4, np.int32)

    def body(a: BufferRef, b: BufferRef) -> None:
        b[0] = T.any_of(a)
        b[1] = T.all_of(a)
        b[2] = T.any_of(a[1, 0:2])
        b[3] = T.all_of(a[0, 1:2])

    run(body, x, out)
    truth = x != 0
    expected = [truth.any(), truth.all(), truth[1, :2].any(), truth[0, 1:2].all()]
    np.testing.assert_array_equal(out, np.array(expected, np.int32))


def test_predicates_over_scalars(builder) -> None:
    x, y = (wrap(Var(name, DType("int32"))) for name in "xy")
    assert T.any_of(x > 0, y > 0).dtype == "bool"
    assert T.all_of(x, y, True).dtype == "bool"
    with pytest.raises(KernelError, match="E0209"):
        T.any_of()
    n = wrap(Var("n", INDEX))
    big = BufferRef(Buffer("big", (n.expr,), DType("int32")))
    with pytest.raises(KernelError, match="E0208"):
        T.any_of(big)
