"""Several calls in a row: what one call leaves behind must not change the next one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.backend import BuildOptions
from tiledsl.diagnostics import ArgumentError
from tiledsl.runtime.backends import find_backend
from tiledsl.runtime.cache_entry import Damaged, decode, digest_of, encode
from tiledsl.runtime.disk_cache import DiskCache
from tiledsl.testing.programs import Wrong, same

SEQUENCES: dict[str, Callable[[], None]] = {}
BACKEND = "numpy"


def sequence(check: Callable[[], None]) -> Callable[[], None]:
    SEQUENCES[check.__name__.replace("_", "-")] = check
    return check


def refused(call: Callable[[], object], why: str) -> None:
    try:
        call()
    except ArgumentError:
        return
    raise Wrong(f"accepted: {why}")


def _scaled() -> Callable[..., np.ndarray]:
    @tiledsl.jit
    def kernel(X, factor=2, s=None):
        n = T.const("n")
        X: T.Tensor((n,), "int32")
        Y = T.empty((n,), "int32")
        with T.Kernel(1):
            for i in T.Parallel(n):
                Y[i] = X[i] * (100 if isinstance(factor, bool) else factor) + n
        return Y

    return kernel


@sequence
def sizes_and_static_arguments() -> None:
    kernel = _scaled()
    for n, factor in ((4, 2), (7, 2), (4, 3), (4, True), (4, 1), (7, True)):
        x = np.arange(n, dtype=np.int32)
        right = x * (100 if factor is True else factor) + n
        found = kernel(x, factor=factor, backend=BACKEND)
        same(f"n = {n}, factor = {factor}", found, right.astype(np.int32))


@sequence
def captured_values() -> None:
    factor = 3
    parts = [1, 2]

    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((3,), "int32")
        Y = T.empty((3,), "int32")
        with T.Kernel(1):
            for i in T.Parallel(3):
                Y[i] = X[i] * factor + parts[1]
        return Y

    x = np.arange(3, dtype=np.int32)
    same("first", kernel(x, backend=BACKEND), x * 3 + 2)
    factor = 5
    same("factor changed", kernel(x, backend=BACKEND), x * 5 + 2)
    parts[1] = 9
    same("list changed", kernel(x, backend=BACKEND), x * 5 + 9)


@sequence
def lazy_kernels() -> None:
    @tiledsl.jit(out_idx=-1)
    def build(step):
        @T.prim_func
        def kernel(X: T.Tensor((4,), "int32"), Y: T.Tensor((4,), "int32")):
            with T.Kernel(4) as bx:
                Y[bx] = X[bx] + step

        return kernel

    x = np.arange(4, dtype=np.int32)
    for step in (1, 2, 1):
        same(f"step {step}", build(step)(x, backend=BACKEND), x + np.int32(step))


@sequence
def shapes_and_strides_of_calls() -> None:
    @tiledsl.jit
    def kernel(X):
        n, s = T.dynamic("n, s")
        X: T.StridedTensor((n,), (s,), "int32")
        Y = T.empty((n,), "int32")
        with T.Kernel(n) as bx:
            Y[bx] = X[bx] + n
        return Y

    whole = np.arange(30, dtype=np.int32)
    for x in (whole[:8], whole[:8:1], whole[0:16:2], whole[0:24:3], whole[:5]):
        for backend in ("numpy", "llvm"):
            same("strided", kernel(x, backend=backend), x + np.int32(len(x)))


@sequence
def sizes_from_scalars() -> None:
    @tiledsl.jit
    def kernel(n):
        n: T.int32
        Y = T.empty((n,), "int32")
        with T.Kernel(n) as bx:
            Y[bx] = bx
        return Y

    for n in (3, 5, 2):
        same(f"n = {n}", kernel(n, backend=BACKEND), np.arange(n, dtype=np.int32))


@sequence
def dims_from_linear_extents() -> None:
    @tiledsl.jit
    def kernel(X):
        n = T.dynamic("n")
        X: T.Tensor((n + 2,), "int32")
        Y = T.empty((n,), "int32")
        with T.Kernel(n) as bx:
            Y[bx] = X[bx + 2]
        return Y

    x = np.arange(7, dtype=np.int32)
    same("linear", kernel(x, backend=BACKEND), x[2:].copy())


@sequence
def arguments_that_disagree() -> None:
    @tiledsl.jit
    def kernel(X, Z, Y):
        n = T.dynamic("n")
        X: T.Tensor((n,), "int32")
        Z: T.Tensor((n,), "int32")
        Y: T.Tensor((n,), "int32")
        with T.Kernel(n) as bx:
            Y[bx] = X[bx] + Z[bx]

    x = np.arange(12, dtype=np.int32)
    y = np.zeros(6, np.int32)
    refused(lambda: kernel(x[:6], x[:5], y, backend=BACKEND), "two values of n")
    refused(lambda: kernel(x[:6], x[2:8], x[4:10], backend=BACKEND), "overlap")
    refused(lambda: kernel(x[::2], x[:6], y, backend=BACKEND), "strides")
    kernel(x[:6], x[2:8], y, backend=BACKEND)
    same("inputs may overlap", y, x[:6] + x[2:8])


@sequence
def code_on_disk() -> None:
    backend = find_backend("llvm")
    host, other = (
        target
        for target in backend.targets()
        if target.name in ("host", backend.targets()[1].name)
    )
    with tempfile.TemporaryDirectory() as folder:
        options = BuildOptions(cache=DiskCache(Path(folder), 1 << 24))
        functions = [
            _scaled().compile(n=4, factor=k).function  # type: ignore[attr-defined]
            for k in (2, 3)
        ]
        for function in functions:
            for target in (other, host):
                kept = backend.build(function, target, options).binary
                fresh = backend.build(function, target, BuildOptions()).binary
                if kept != fresh:
                    raise Wrong("the cache gave the code of something else")


@sequence
def entries_of_the_cache() -> None:
    key, other = digest_of("one"), digest_of("other")
    data = encode(key, {"kernel": "k"}, b"payload")
    if decode(key, data)[1] != b"payload":
        raise Wrong("an entry does not come back")
    spoiled = data[:-1] + bytes([data[-1] ^ 1])
    for wrong, bad in ((other, data), (key, spoiled), (key, data[:-1])):
        try:
            decode(wrong, bad)
        except Damaged:
            continue
        raise Wrong("a damaged entry is believed")
