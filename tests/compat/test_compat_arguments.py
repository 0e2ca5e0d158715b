"""Programs under the alias may name arguments as TileLang does."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tiledsl
from tiledsl import language
from tiledsl.compat.argument_names import ARGUMENTS
from tiledsl.ir.dtypes import FLOAT32
from tiledsl.ir.nodes import Const


@pytest.mark.usefixtures("alias")
def test_their_names_of_arguments() -> None:
    T = importlib.import_module("tilelang.language")

    @tiledsl.jit
    def kernel(X):
        n = T.const(name="n")
        X: T.Tensor((4, n), "float32")
        Y = T.empty((4,), "float32")
        with T.Kernel(1, threads=32):
            x = T.alloc_fragment((4, n), "float32")
            y = T.alloc_fragment((4,), "float32")
            T.annotate_safe_value(safe_value_map={X: 0.0})
            T.copy(X, x)
            T.fill(y, 0.0, annotations={})
            T.reduce_sum(buffer=x, out=y, dim=1, clear=False, annotations=None)
            for i in T.Parallel(4):
                Y[i] = T.clamp(y[i], min_val=-1.0, max_val=2.0)
        return Y

    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    assert kernel(x).tolist() == [2.0, 2.0, 2.0, 2.0]
    assert kernel(-x).tolist() == [-1.0, -1.0, -1.0, -1.0]
    assert T.clamp is T.clamp


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_the_table_fits_the_language(name: str) -> None:
    """Their name is not ours, and ours exists."""
    function = getattr(language, name)
    ours = inspect.signature(function).parameters
    for theirs, meant in ARGUMENTS[name].items():
        assert theirs not in ours or theirs in ("annotations",)
        assert meant == "" or meant in ours


def test_results_without_arguments_are_tensors(tmp_path: Path) -> None:
    """Under the alias, in a program that uses torch."""
    pytest.importorskip("torch")
    program = tmp_path / "program.py"
    program.write_text(
        "import torch, tilelang, tilelang.language as T\n"
        "@tilelang.jit(out_idx=[0])\n"
        "def make():\n"
        "    @T.prim_func\n"
        "    def ones(X: T.Tensor((3,), 'float32')):\n"
        "        with T.Kernel(1):\n"
        "            T.fill(X, 1.0)\n"
        "    return ones\n"
        "assert torch.equal(make()(), torch.ones(3))\n"
    )
    command = [sys.executable, "-m", "tiledsl.compat", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_parameters_say_their_shape_and_dtype() -> None:
    """As functions that supply inputs ask them."""

    @language.prim_func
    def kernel(X: language.Tensor((4, 8), "float16")):
        with language.Kernel(1):
            language.clear(X)

    (parameter,) = tiledsl.compile(kernel).params
    assert [int(extent) for extent in parameter.shape] == [4, 8]
    assert list(range(parameter.shape[0])) == [0, 1, 2, 3]
    assert parameter.dtype == "float16"
    with pytest.raises(TypeError):
        int(Const(1.5, FLOAT32))
