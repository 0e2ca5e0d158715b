"""Host names: environment, layouts, tuning, requirements, device facts."""

from __future__ import annotations

import importlib
import logging
import os

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.compat.host import checking, devices, names, numbers, requirements
from tiledsl.compat.host.environment import adopt_cache_variable, env
from tiledsl.diagnostics import ArgumentError, TileWarning, UnsupportedByTarget
from tiledsl.runtime.cache import cache_directory


@pytest.mark.parametrize("n", range(1, 70))
def test_numbers(n: int) -> None:
    power = numbers.next_power_of_2(n)
    assert power >= n > power // 2 and power & (power - 1) == 0
    for d in range(1, 9):
        assert (numbers.cdiv(n, d) - 1) * d < n <= numbers.cdiv(n, d) * d


def test_the_cache_directory(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("TILEDSL_CACHE_DIR", str(tmp_path / "a"))
    assert str(tmp_path / "a") == env.TILELANG_CACHE_DIR
    env.TILELANG_CACHE_DIR = tmp_path / "b"
    assert cache_directory() == tmp_path / "b" / "objects"
    with pytest.raises(UnsupportedByTarget):
        env.NO_SUCH_SETTING = 1
    monkeypatch.setenv("TILEDSL_CACHE_DIR", "")
    monkeypatch.setenv("TILELANG_CACHE_DIR", str(tmp_path / "c"))
    adopt_cache_variable()
    assert os.environ["TILEDSL_CACHE_DIR"] == str(tmp_path / "c")


def test_small_names() -> None:
    assert tiledsl.DataType("float16").bits == 16
    tiledsl.set_log_level("warning")
    assert logging.getLogger("tiledsl").level == logging.WARNING
    with pytest.raises(ArgumentError):
        tiledsl.set_log_level("loud")
    assert names.simplify_prim_func(test_small_names) is test_small_names
    with pytest.warns(TileWarning, match="W0701"):
        names.plot_layout(None)


def test_layouts_are_hints() -> None:
    layout = tiledsl.layout

    @T.prim_func
    def kernel(X: T.Tensor((8, 8), "float32")):
        with T.Kernel(1):
            x = T.alloc_shared((8, 8), "float32")
            T.annotate_layout({x: layout.make_swizzled_layout(x)})
            T.copy(X, x)
            T.copy(x, X)

    assert kernel.function.name == "kernel"
    assert layout.make_gemm_fragment_8x8().repeat([2, 2]) is not None


def test_requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    def skips(requirement) -> bool:
        def test() -> None: ...

        (mark,) = requirement(test).pytestmark
        return mark.args[0]

    monkeypatch.setattr(devices, "get_target_compute_version", lambda: "9.0")
    monkeypatch.setattr(requirements, "get_target_compute_version", lambda: "9.0")
    monkeypatch.setattr(requirements, "check_cuda_availability", lambda: True)
    assert not skips(requirements.requires_cuda_compute_version(8, 9))
    assert skips(requirements.requires_cuda_compute_version_eq(8))
    assert skips(requirements.requires_cuda_compute_version_lt(9))
    assert skips(requirements.requires_package("no_such_package"))
    assert not skips(requirements.requires_package("numpy"))
    assert not skips(requirements.requires_llvm)
    assert skips(requirements.requires_metal)
    assert devices.parse_compute_version("12.1") == (12, 1)
    assert devices.get_num_sms() >= 1


def regression_example() -> None:
    seen.append(checking.process_func(lambda n: n + 1, n=1))


seen: list[object] = []


def test_regression_calls_the_functions_of_the_file() -> None:
    checking.regression()
    assert seen == [2]


@pytest.mark.parametrize("module", ["tvm", "tilelang.tvm"])
def test_expressions_of_the_compiler(alias: None, module: str) -> None:
    """Functions that take packed numbers apart are written with them."""
    tirx = importlib.import_module(f"{module}.tirx")

    def signed(word: object, at: object) -> object:
        bits = (word >> (at * tirx.const(4, "uint32"))) & tirx.const(15, T.uint32)
        wide = tirx.Cast("int32", bits) << tirx.const(28)
        return tirx.Select(at < 8, wide >> tirx.const(28), tirx.const(0))

    @tiledsl.jit(backend="numpy")
    def unpack(X):
        X: T.Tensor((2,), "uint32")
        Y = T.empty((2, 8), "int32")
        Z = T.empty((2,), "float32")
        with T.Kernel(1):
            for i, j in T.Parallel(2, 8):
                Y[i, j] = signed(X[i], j)
            for i in T.Parallel(2):
                Z[i] = tirx.reinterpret("float32", tirx.Min(X[i], X[i]))
        return Y, Z

    words = np.array([0x3F800000, 0xFEDCBA98], np.uint32)
    numbers, floats = unpack(words)
    shifts = 4 * np.arange(8, dtype=np.uint32)
    nibbles = (words[:, None] >> shifts & 15).astype(np.int32)
    assert (numbers == np.where(nibbles > 7, nibbles - 16, nibbles)).all()
    assert (floats == words.view(np.float32)).all()
