"""Whole-tensor statements: one meaning on every backend, whatever the tiles (L87 to L92)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tiledsl_numpy import NumpyBackend

import tiledsl
import tiledsl.language as T
from tiledsl.backend import Target
from tiledsl.diagnostics import ArgumentError, KernelError, UnsupportedByTarget
from tiledsl.ir.nodes import Launch, TileHint
from tiledsl.passes.tile import Tile
from tiledsl.testing.ring import RingMode

CAPABILITIES = NumpyBackend().capabilities(Target("host"))
BACKENDS = pytest.mark.parametrize("backend", ["numpy", "llvm", "triton"])
SIZES = [(1, 1, 1), (7, 5, 3), (33, 70, 17), (0, 4, 2), (4, 0, 3), (5, 3, 0)]


@tiledsl.jit
def layer(X, W, b):
    M, K, N = T.dynamic("M, K, N")
    X: T.Tensor((M, K), "float16")
    W: T.Tensor((N, K), "float16")
    b: T.Tensor((N,), "float32")
    Y = T.empty((M, N), "float16")
    sums = T.alloc_global((M, N), "float32")
    T.gemm(X, W, sums, transpose_B=True, clear_accum=True)
    for i, j in T.Parallel(M, N):
        Y[i, j] = T.max(sums[i, j] + b[j], 0)
    return Y


@BACKENDS
@pytest.mark.parametrize(("m", "k", "n"), SIZES)
def test_a_layer(m: int, k: int, n: int, backend: str) -> None:
    random = np.random.default_rng(m + k)
    x, w = (random.integers(-2, 3, s).astype(np.float16) for s in ((m, k), (n, k)))
    b = random.integers(-3, 4, n).astype(np.float32)
    expected = np.maximum(x.astype(int) @ w.T.astype(int) + b, 0).astype(np.float16)
    assert np.array_equal(layer(x, w, b, backend=backend), expected)


@tiledsl.jit
def statistics(X, J):
    M, N = T.dynamic("M, N")
    X: T.Tensor((M, N), "float32")
    J: T.Tensor((M, N), "int32")
    rows, columns = T.empty((M,), "float32"), T.empty((N,), "float32")
    turned, filled = T.empty((N, M), "bfloat16"), T.empty((M, N), "int8")
    sums, best = T.empty((M, N), "int32"), T.empty((M, N), "float32")
    counts, total = T.empty((8,), "int32"), T.empty((1,), "int32")
    T.reduce_max(X, rows, dim=1)
    T.fill(columns, 100)
    T.reduce_absmax(X, columns, dim=0, clear=False)
    T.transpose(X, turned)
    T.clear(filled)
    T.fill(filled[1:3, 2:], 5)
    T.cumsum(J, sums, dim=0)
    T.cummax(X, best, dim=1, reverse=True)
    T.fill(counts, 0)
    for i, j in T.Parallel(M, N):
        counts[J[i, j]] += 1
    T.reduce_bitxor(counts, total, dim=0)
    return rows, columns, turned, filled, sums, best, counts, total


@pytest.mark.parametrize(
    ("m", "n", "backend"),
    [
        *((m, n, name) for m, n in ((1, 1), (40, 300)) for name in ("numpy", "llvm")),
        (9, 5, "triton"),  # the interpreter of Triton is slow
    ],
)
def test_every_other_statement(m: int, n: int, backend: str) -> None:
    random = np.random.default_rng(m)
    x = random.integers(-300, 300, (m, n)).astype(np.float32)
    i = random.integers(0, 8, (m, n)).astype(np.int32)
    rows, columns, turned, filled, sums, best, counts, total = statistics(
        x, i, backend=backend
    )
    assert np.array_equal(rows, x.max(1))
    assert np.array_equal(columns, np.maximum(np.abs(x).max(0), 100))
    assert np.array_equal(turned, x.T.astype(turned.dtype))
    expected = np.zeros((m, n), np.int8)
    expected[1:3, 2:] = 5
    assert np.array_equal(filled, expected)
    assert np.array_equal(sums, i.cumsum(0))
    assert np.array_equal(best, np.maximum.accumulate(x[:, ::-1], 1)[:, ::-1])
    assert np.array_equal(counts, np.bincount(i.ravel(), minlength=8))
    assert total[0] == np.bitwise_xor.reduce(counts)


@tiledsl.jit
def hinted(X, Y, rows=None, columns=None, reduce=None):
    M, K, N = T.dynamic("M, K, N")
    X: T.Tensor((M, K), "int8")
    Y: T.Tensor((K, N), "int8")
    Z = T.empty((M, N), "int32")
    with T.tile_hint(rows, name="outer"), T.tile_hint(None, columns, reduce=reduce):
        T.fill(Z, 3)
        T.gemm(X, Y, Z)
        for i, j, k, a in T.Parallel(M, N, K, 2):
            Z[i, j] += X[i, k] * a
    return Z


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_no_result_depends_on_tiles(backend: str) -> None:
    random = np.random.default_rng(0)
    x = random.integers(-9, 9, (13, 11)).astype(np.int8)
    y = random.integers(-9, 9, (11, 20)).astype(np.int8)
    wide = x.astype(np.int32)
    expected = 3 + wide @ y.astype(np.int32) + wide.sum(1)[:, None]
    for rows, columns, reduce in itertools.product((None, 1, 5, 64), (3, 20), (1, 7)):
        found = hinted(x, y, rows, columns, reduce, backend=backend)
        assert np.array_equal(found, expected), (rows, columns, reduce)


def test_tiles_of_a_schedule() -> None:
    function = hinted.compile(rows=3, columns=2).function
    assert isinstance(function.body[0], TileHint)
    launches = Tile().run(function, CAPABILITIES).body
    assert all(isinstance(part, Launch) for part in launches)
    kernel = hinted.compile(rows=3, columns=2)
    tiled = kernel.source("tiled")
    assert "row * 3" in tiled and "column * 2" in tiled
    assert "tile_hint" in kernel.source("trace")


def test_the_option_schedule() -> None:
    @tiledsl.jit(schedule={"all": {"sizes": (5,), "reduce": 3}})
    def sums(X):
        M = T.dynamic("M")
        X: T.Tensor((M, 4), "int32")
        S = T.empty((M,), "int32")
        with T.tile_hint(2, name="all"):
            T.reduce_sum(X, S)
        return S

    assert "row * 5" in sums.compile().source("tiled")
    assert sums(np.ones((7, 4), np.int32)).tolist() == [4] * 7
    for wrong in ({"other": {}}, {"all": 3}, {"all": {"sizes": 3}}, {"all": {"x": 3}}):
        with pytest.raises(ArgumentError, match="E0615"):
            tiledsl.jit(schedule=wrong)(sums.python).compile()


def test_conditions_at_host_level() -> None:
    @tiledsl.jit
    def chosen(X, n: T.int32):
        M = T.dynamic("M")
        X: T.Tensor((M,), "int32")
        Y = T.empty((M,), "int32")
        T.fill(Y, 0)
        if n > 2:
            T.copy(X, Y)
        else:
            for i in T.Parallel(M):
                Y[i] = n
        return Y

    x = np.arange(5, dtype=np.int32)
    assert chosen(x, 3).tolist() == x.tolist()
    assert chosen(x, 1).tolist() == [1] * 5


def test_what_is_checked() -> None:
    x = np.ones((3, 4), np.float32)
    report = statistics.check(x, np.full((3, 4), 9, np.int32))
    assert not report.ok  # counts has no element 9
    assert statistics.check(x, np.zeros((3, 4), np.int32)).ok


def trace(body: str) -> None:
    import linecache

    text = (
        "def kernel(X, n: T.int32):\n"
        "    M = T.dynamic('M')\n"
        "    X: T.Tensor((M, 8), 'int32')\n"
        "    Y = T.empty((M, 8), 'int32')\n"
        "    T.fill(Y, 0)\n"
        f"    {body}\n"
        "    return Y\n"
    )
    name = "<whole tensors>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    space = {"T": T}
    exec(compile(text, name, "exec"), space)
    tiledsl.jit(space["kernel"]).compile()


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("E0210", "T.im2col(X, Y, 0, 0, 1, 1, 1, 0)"),
        ("E0413", "T.copy(X[X[0, 0], :], Y[0, :])"),
        ("E0413", "T.fill(Y, X[0, 0])"),
        ("E0203", "T.gemm(X, X, Y)"),
        ("E0212", "x = T.alloc_shared((4, 4), 'int32')"),
        ("E0217", "with T.tile_hint(0): T.copy(X, Y)"),
        ("E0217", "with T.tile_hint(4, reduce='x'): T.copy(X, Y)"),
        ("E0217", "with T.tile_hint(fuse=1): T.copy(X, Y)"),
        ("E0230", "with T.tile_hint(fuse=True): T.copy(X, Y); T.fill(Y, 1)"),
        ("E2001", "with T.tile_hint(split=2): T.copy(X, Y)"),
    ],
)
def test_mistakes(code: str, body: str) -> None:
    with pytest.raises((KernelError, UnsupportedByTarget)) as caught:
        trace(body)
    assert caught.value.code == code
    assert caught.value.span.line == 6


def test_a_fused_hint_around_one_statement_is_met() -> None:
    trace("with T.tile_hint(fuse=True): T.copy(X, Y)")


def test_an_empty_maximum_is_refused() -> None:
    with pytest.raises(ArgumentError, match="E1023"):
        statistics(np.ones((3, 0), np.float32), np.ones((3, 0), np.int32))


@tiledsl.jit
def chain(X, W, rows=None, columns=None, reduce=None):
    M, K, N = T.const("M, K, N")
    X: T.Tensor((M, K), "float16")
    W: T.Tensor((N, K), "float16")
    Y, S = T.empty((M, N), "float32"), T.empty((N,), "float32")
    with T.tile_hint(rows, columns, reduce=reduce):
        T.gemm(X, W, Y, transpose_B=True, clear_accum=True)
        for i, j in T.Parallel(M, N):
            Y[i, j] = Y[i, j] * 0.5 + X[i, 0]
        T.reduce_sum(Y, S, dim=0)
    return Y, S


def test_ring_mode_agrees_bit_by_bit_for_all_tiles() -> None:
    """Tiles change the order of float sums; in a ring no order changes a bit."""
    random = np.random.default_rng(3)
    x, w = (random.integers(0, 2**32, s, np.uint32) for s in ((13, 21), (9, 21)))
    results = set()
    for sizes in ((100, 100, 100), (5, 4, 6), (1, 9, 1), (None, None, None)):
        function = chain.compile(
            M=13, K=21, N=9, **dict(zip(NAMES, sizes, strict=True))
        ).function
        ring = RingMode().run(Tile().run(function, CAPABILITIES), CAPABILITIES)
        for backend in ("numpy", "llvm"):
            kernel = tiledsl.compile(ring, backend=backend)
            arrays = [a.astype(kernel.params[0].dtype.as_numpy()) for a in (x, w)]
            results.add(b"".join(part.tobytes() for part in kernel(*arrays)))
    assert len(results) == 1


NAMES = ("rows", "columns", "reduce")
