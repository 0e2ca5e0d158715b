"""Forms of calls on every backend (C28)."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import ArgumentError

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "llvm", "triton"])
X = np.arange(6, dtype=np.float32)


def build(masked: bool) -> object:
    N = T.dynamic("N")

    @T.prim_func
    def main(
        Y: T.Tensor((N,), "float32"),  # the output stands before what sizes it
        X: T.Tensor((N,), "float32"),
        M: T.Tensor((N,), "bool"),
        s: T.float32,
        Z: T.Tensor((N,), "float32"),
    ):
        with T.Kernel(T.ceildiv(N, 4)) as bx:
            for i in T.Parallel(4):
                at = bx * 4 + i
                if masked:
                    Y[at] = T.if_then_else(M[at], X[at] * s, 0)
                else:
                    Y[at] = X[at] * s
                Z[at] = X[at]

    return tiledsl.compile(main, out_idx=0)


@BACKENDS
def test_by_position_and_by_name(backend: str) -> None:
    kernel, z = build(masked=True), np.zeros(6, np.float32)
    mask = np.array([1, 0, 1, 1, 0, 1], bool)
    expected = np.where(mask, X * 2, 0)
    assert np.array_equal(kernel(X, mask, 2.0, z, backend=backend), expected)
    assert np.array_equal(z, X)
    mixed = kernel(X, s=2, Z=z, M=mask, backend=backend)
    assert np.array_equal(mixed, expected)
    with pytest.raises(ArgumentError, match="E1001"):
        kernel(X, mask, 2.0, backend=backend)
    with pytest.raises(ArgumentError, match="E1002"):
        kernel(X, mask, 2.0, z, T=1, backend=backend)


@BACKENDS
def test_none_for_what_is_not_accessed(backend: str) -> None:
    z = np.zeros(6, np.float32)
    assert np.array_equal(build(masked=False)(X, None, 3.0, z, backend=backend), X * 3)
    with pytest.raises(ArgumentError, match="'M'"):
        build(masked=True)(X, None, 3.0, z, backend=backend)


@BACKENDS
def test_memory_that_may_not_be_written(backend: str) -> None:
    kernel, frozen = build(masked=False), np.zeros(6, np.float32)
    frozen.flags.writeable = False
    with pytest.raises(ArgumentError, match="read-only"):
        kernel(X, None, 1.0, frozen, backend=backend)
    memory = np.arange(9, dtype=np.float32)
    before = memory.copy()
    with pytest.raises(ArgumentError, match="E10"):
        kernel(memory[:6], None, 1.0, memory[3:], backend=backend)
    assert np.array_equal(memory, before)
    assert np.array_equal(
        kernel(frozen, None, 1.0, memory[:6], backend=backend), frozen
    )


@BACKENDS
def test_the_first_array_decides_the_kind(backend: str) -> None:
    torch = pytest.importorskip("torch")
    kernel, z = build(masked=False), np.zeros(6, np.float32)
    tensor = torch.arange(6.0)
    found = kernel(tensor, None, 2.0, z, backend=backend)
    assert isinstance(found, torch.Tensor) and found.tolist() == (X * 2).tolist()
    found = kernel(X, None, 2.0, torch.zeros(6), backend=backend)
    assert isinstance(found, np.ndarray)
