"""Corner cases of whole tensors, hints and tunables on every backend (C25 to C27)."""

from __future__ import annotations

import numpy as np
import pytest
from ml_dtypes import bfloat16

import tiledsl
import tiledsl.language as T
from tiledsl.testing.scalar_evaluator import evaluate

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "llvm", "triton"])


@tiledsl.jit
def stages(X, P, size=None):
    """Producers and consumers that a careless fusion or tiling would get wrong."""
    M, N = T.dynamic("M, N")
    X: T.Tensor((M, N), "float32")
    P: T.Tensor((M,), "int32")
    rounded = T.empty((M, N), "bfloat16")  # an intermediate that is an output
    first, second = T.empty((M, N), "float32"), T.empty((M, N), "float32")
    turned, shifted = T.empty((N, M), "float32"), T.empty((M, N), "float32")
    gathered = T.empty((M, N), "float32")
    work = T.alloc_global((M, N), "float32")
    with T.tile_hint(size, size, reduce=size):
        T.copy(X, rounded)
        for i, j in T.Parallel(M, N):
            work[i, j] = rounded[i, j] * 3.0
        T.copy(work, first)
        for i, j in T.Parallel(M, N):  # overwritten between two consumers
            work[i, j] = work[i, j] - X[i, j]
        T.copy(work, second)
        for i, j in T.Parallel(N, M):
            turned[i, j] = work[j, i]
        for i, j in T.Parallel(M, N):
            shifted[i, j] = work[i + 1, j - 1]  # zeros past the ends
        for i, j in T.Parallel(M, N):
            gathered[i, j] = work[P[i], j]
    return rounded, first, second, turned, shifted, gathered


def expected(x: np.ndarray, p: np.ndarray) -> list[np.ndarray]:
    rounded = x.astype(bfloat16)
    first = rounded.astype(np.float32) * np.float32(3)
    second = first - x
    shifted = np.zeros_like(x)
    shifted[:-1, 1:] = second[1:, :-1]
    return [rounded, first, second, second.T, shifted, second[p]]


@BACKENDS
@pytest.mark.parametrize("shape", [(1, 1), (0, 3), (5, 0), (7, 6)])
@pytest.mark.parametrize("size", [None, 1, 3, 100])
def test_program_order_for_all_sizes(
    backend: str, shape: tuple[int, int], size: int | None
) -> None:
    if backend == "triton" and size == 1 and shape == (7, 6):
        shape = (3, 2)  # the interpreter of Triton runs one block at a time
    random = np.random.default_rng(7)
    x = random.standard_normal(shape).astype(np.float32)
    p = random.permutation(shape[0]).astype(np.int32)
    found = stages(x, p, size, backend=backend)
    for mine, theirs in zip(found, expected(x, p), strict=True):
        assert mine.tobytes() == theirs.tobytes()


def test_the_scalar_evaluator_agrees() -> None:
    x = np.random.default_rng(1).standard_normal((5, 4)).astype(np.float32)
    p = np.array([4, 0, 3, 1, 2], np.int32)
    function = stages.compile(size=2).function
    outputs = [np.zeros_like(part) for part in expected(x, p)]
    outputs[3] = np.zeros((4, 5), np.float32)
    evaluate(function, [x, p, *outputs], [5, 4])
    for mine, theirs in zip(outputs, expected(x, p), strict=True):
        assert mine.tobytes() == np.ascontiguousarray(theirs).tobytes()


@tiledsl.jit
def five_axes(X):
    A, B, C = T.dynamic("A, B, C")
    X: T.Tensor((A, B, 2, C, 3), "int32")
    Y, Z = T.empty((A, B, 2, C, 3), "int32"), T.empty((3, C, 2, B, A), "int32")
    with T.tile_hint(2, 2, 1, 2, 2):
        T.copy(X, Y)
        for a, b, c, d, e in T.Parallel(A, B, 2, C, 3):
            Z[e, d, c, b, a] = X[a, b, c, d, e]
    return Y, Z


@BACKENDS
def test_more_axes_than_a_grid_has(backend: str) -> None:
    x = np.arange(3 * 1 * 2 * 3 * 3, dtype=np.int32).reshape(3, 1, 2, 3, 3)
    y, z = five_axes(x, backend=backend)
    assert np.array_equal(y, x) and np.array_equal(z, x.T)


@tiledsl.jit(out_idx=-1)
def two_ways(
    N, way=T.tunable("way", ["tiles", "whole"]), rows=T.tunable("rows", [4, 1])
):
    @T.prim_func
    def main(X: T.Tensor((N,), "float32"), Y: T.Tensor((N,), "float32")):
        if way == "tiles":
            with T.Kernel(T.ceildiv(N, rows)) as bx:
                for i in T.Parallel(rows):
                    Y[bx * rows + i] = X[bx * rows + i] * 2
        else:
            with T.tile_hint(rows, name="all"):
                for i in T.Parallel(N):
                    Y[i] = X[i] * 2

    return main


@BACKENDS
def test_a_tunable_may_change_the_statements(backend: str) -> None:
    x = np.linspace(-1, 1, 9, dtype=np.float32)
    results = {
        two_ways(9, tunables={"way": way, "rows": rows})(x, backend=backend).tobytes()
        for way in ("tiles", "whole")
        for rows in (1, 4)
    }
    assert results == {(x * 2).tobytes()}


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_tuned_and_usual_values_agree(
    backend: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("TILEDSL_CACHE_DIR", str(tmp_path))
    x = np.linspace(-1, 1, 9, dtype=np.float32)
    tuned = tiledsl.autotune(warmup=1, rep=1)(two_ways)
    best = tuned.tune(9)
    assert not best.failures and set(best.config) == {"way", "rows"}
    assert best.kernel(x, backend=backend).tobytes() == (x * 2).tobytes()
