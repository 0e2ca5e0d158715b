"""Parameters that are addresses, on every backend (rule L48)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import ArgumentError, KernelError, UnsupportedByTarget
from tiledsl.testing import runnable_backends

BACKENDS = runnable_backends()


@T.prim_func
def widen(a: T.ptr, c: T.ptr, m: T.int32, k: T.int32, ld: T.int32):
    A = T.make_tensor(a, (m, k), "float16")
    C = T.make_tensor(c, (m, k), "float32", strides=(ld, 1))
    with T.Kernel(T.ceildiv(m, 8)) as b:
        tile = T.alloc_shared((8, 16), "float16")
        T.copy(A[b * 8, 0], tile)
        T.copy(tile, C[b * 8, 0])


@pytest.fixture(scope="module")
def kernel() -> tiledsl.JITKernel:
    return tiledsl.compile(widen)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("rows", [20, 19, 0])
def test_arrays_and_addresses(
    kernel: tiledsl.JITKernel, backend: str, rows: int
) -> None:
    a = np.arange(320, dtype=np.float16).reshape(20, 16) / 8
    expected = np.zeros((20, 24), np.float32)
    expected[:rows, :16] = a[:rows]
    c, d = np.zeros((20, 24), np.float32), np.zeros((20, 24), np.float32)
    kernel(a[:rows], c[:rows, :16], rows, 16, 24, backend=backend)
    kernel(a.ctypes.data, d.ctypes.data, rows, 16, 24, backend=backend)
    assert (c == expected).all() and (d == expected).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_declared_shape_bounds_every_access(
    kernel: tiledsl.JITKernel, backend: str
) -> None:
    a, c = np.ones((8, 16), np.float16), np.zeros((8, 16), np.float32)
    kernel(a.ctypes.data, c.ctypes.data, 3, 5, 16, backend=backend)
    assert (c[:3, :5] == 1).all() and c.sum() == 15


@pytest.mark.parametrize("backend", BACKENDS)
def test_eager_functions_take_them(backend: str) -> None:
    @tiledsl.jit(backend=backend)
    def add(x: T.ptr, y: T.ptr, n: int):
        x = T.make_tensor(x, (n,), "int32")
        y = T.make_tensor(y, (n,), "int32")
        z = T.empty((n,), "int32")
        with T.Kernel(1):
            for i in T.Parallel(n):
                z[i] = x[i] + y[n - 1 - i]
        return z

    x, y = np.arange(6, dtype=np.int32), np.arange(0, 60, 10, dtype=np.int32)
    add.par_compile([{"x": T.ptr(), "y": T.ptr(), "n": 6}])
    assert (add(x, y, 6) == x + y[::-1]).all()
    assert (add(x.ctypes.data, y.ctypes.data, 6) == x + y[::-1]).all()


@pytest.mark.parametrize(
    ("c", "m", "code"),
    [
        (0, 1, "E1004"),
        (-4, 1, "E1004"),
        (6, 1, "E1004"),
        (1 << 63, 1, "E1004"),
        (True, 1, "E1004"),
        (4.0, 1, "E1004"),
        (1 << 40, -1, "E1008|E1022"),
        (1 << 40, 1 << 30, "E1008"),
    ],
)
def test_what_is_no_address(
    kernel: tiledsl.JITKernel, c: object, m: int, code: str
) -> None:
    a = np.zeros((1, 16), np.float16)
    with pytest.raises(ArgumentError, match=code):
        kernel(a.ctypes.data, c, m, 16, 1 << 20)


def test_memory_that_is_written_is_no_other_arguments(
    kernel: tiledsl.JITKernel,
) -> None:
    memory = np.zeros(100, np.float32)
    with pytest.raises(ArgumentError, match="E1012 arguments 'c' and 'a'"):
        kernel(memory.ctypes.data + 32, memory.ctypes.data, 2, 16, 16)
    kernel(memory.ctypes.data + 128, memory.ctypes.data, 2, 16, 16)  # beside it


def unused(a: T.ptr):
    with T.Kernel(1):
        pass


def twice(a: T.ptr):
    X = T.make_tensor(a, (4,), "int32")
    Y = T.make_tensor(a, (8,), "int16")
    with T.Kernel(1):
        X[0] = Y[0]


def read_shape(n: T.Tensor((1,), "int32"), a: T.ptr):
    with T.Kernel(1):
        X = T.make_tensor(a, (n[0],), "int32")
        X[0] = 1


def ranks(a: T.ptr):
    X = T.make_tensor(a, (4, 4), "int32", strides=(1,))
    with T.Kernel(1):
        X[0, 0] = 1


def no_pointer(a: T.Tensor((4,), "int32")):
    X = T.make_tensor(a, (4,), "int32")
    with T.Kernel(1):
        X[0] = 1


def arithmetic(a: T.ptr):
    X = T.make_tensor(a + 4, (4,), "int32")
    with T.Kernel(1):
        X[0] = 1


@pytest.mark.parametrize(
    ("function", "code"),
    [
        (unused, "E0614 the pointer a never"),
        (twice, "E0614 the pointer a is"),
        (read_shape, "E0320 .* read from memory"),
        (ranks, "E0320 .* one stride"),
        (no_pointer, "E0206"),
        (arithmetic, "E0315"),
    ],
)
def test_mistakes(function: Callable[..., None], code: str) -> None:
    with pytest.raises(KernelError, match=code):
        tiledsl.compile(T.prim_func(function))


def test_tables_of_addresses_are_refused_where_one_is_read() -> None:
    @T.prim_func
    def main(table: T.Tensor([4], T.ptr), out: T.Tensor((4,), "float32")):
        with T.Kernel(4) as b:
            X = T.make_tensor(table[b], (4,), "float32")
            out[b] = X[0]

    with pytest.raises(UnsupportedByTarget, match="E2001 a tensor at an address"):
        tiledsl.compile(main)
