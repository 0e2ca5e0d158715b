"""T.dp4a (rule L76) on every backend."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.testing import runnable_backends

BACKENDS = runnable_backends()


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_dots_of_rows(backend: str, dtype: str) -> None:
    """In a loop over k, into elements of a tile; from tiles, tensors and words."""
    word = "int32" if dtype == "int8" else "uint32"

    @T.prim_func
    def kernel(
        A: T.Tensor((6, 16), dtype),
        B: T.Tensor((6, 16), dtype),
        W: T.Tensor((6, 4), word),
        C: T.Tensor((6,), "int32"),
        D: T.Tensor((6,), "int32"),
        E: T.Tensor((1,), "int32"),
    ):
        with T.Kernel(1):
            b = T.alloc_shared((6, 16), dtype)
            acc = T.alloc_fragment((6,), "int32")
            T.copy(B, b)
            T.clear(acc)
            for i in T.Parallel(6):
                for k in T.serial(4):
                    T.dp4a(A[i, k * 4], b[i, k * 4], acc[i])
            T.copy(acc, C)
            T.fill(acc, 7)
            for i in T.Parallel(6):
                for k in T.serial(4):
                    T.dp4a(W[i, k], b[i, 4 * k : 4 * k + 4], acc[i])
            T.copy(acc, D)
            total = T.alloc_var("int32", init=-1)
            T.dp4a(A[5, 12], B[5, 12], total)
            E[0] = total

    rng = np.random.default_rng(0)
    bounds = np.iinfo(dtype)
    a, b = rng.integers(bounds.min, bounds.max + 1, (2, 6, 16), dtype=dtype)
    found = [np.zeros(6, np.int32), np.zeros(6, np.int32), np.zeros(1, np.int32)]
    tiledsl.compile(kernel, backend=backend)(a, b, a.view(word), *found)
    exact = (a.astype(np.int32) * b.astype(np.int32)).sum(1, dtype=np.int32)
    np.testing.assert_array_equal(found[0], exact)
    np.testing.assert_array_equal(found[1], exact + 7)
    last = a[5, 12:].astype(np.int32) @ b[5, 12:].astype(np.int32)
    assert found[2][0] == last - 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_iterations_may_share_the_sum(backend: str) -> None:
    @T.prim_func
    def kernel(A: T.Tensor((32,), "int8"), C: T.Tensor((1,), "int32")):
        with T.Kernel(1):
            acc = T.alloc_fragment((1,), "int32")
            T.clear(acc)
            for k in T.Parallel(8):
                T.dp4a(A[k * 4], A[k * 4], acc[0])
            T.copy(acc, C)

    a = np.arange(-16, 16, dtype=np.int8)
    found = np.zeros(1, np.int32)
    tiledsl.compile(kernel, backend=backend)(a, found)
    assert found[0] == (a.astype(np.int32) ** 2).sum()


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("E0205", lambda a, f, c: T.dp4a(f[0], a[0], c[0])),
        ("E0205", lambda a, f, c: T.dp4a(a[0], a[0], f[0])),
        ("E0206", lambda a, f, c: T.dp4a(3, a[0], c[0])),
        ("E0206", lambda a, f, c: T.dp4a(a[0], a[0], c[0:4])),
        ("E0201", lambda a, f, c: T.dp4a(a[0:3], a[0], c[0])),
    ],
)
def test_mistakes(
    code: str, call: Callable[..., None], builder: object, buffer: Callable[..., object]
) -> None:
    tiles = [buffer(n, (8,), d, "shared") for n, d in (("a", "int8"), ("f", "float32"))]
    with pytest.raises(KernelError, match=code):
        call(*tiles, buffer("c", (8,), "int32", "shared"))
