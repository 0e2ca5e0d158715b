"""Random functions: compiled, before and after the passes, and interpreted, bit for bit."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from tiledsl_llvm import LlvmBackend
from tiledsl_numpy import NumpyBackend

from tiledsl.analysis.fold import fold_apply
from tiledsl.backend import Arguments, ArrayRef, Backend, BuildOptions
from tiledsl.ir.nodes import Apply, Buffer, Cast, Const, Expr, Function, Node, Var
from tiledsl.ir.visitor import transform
from tiledsl.passes.pipeline import run_pipeline
from tiledsl.testing.random_functions import random_function

SEEDS = range(30)


def _extent(expr: Expr, names: dict[str, int]) -> int:
    def change(node: Node) -> Node:
        if isinstance(node, Var):
            return Const(names[node.name], node.dtype)
        if isinstance(node, Cast) and isinstance(node.value, Const):
            return Const(node.value.value, node.dtype)
        return (
            fold_apply(node.op, node.args) or node if isinstance(node, Apply) else node
        )

    result = transform(expr, change)
    assert isinstance(result, Const)
    return int(result.value)


def _content(
    random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype
) -> np.ndarray:
    numbers = random.integers(-3, 9, size=shape)
    if dtype.kind in "iub":
        return numbers.astype(dtype)
    values = numbers.astype(np.float64)
    special = random.integers(0, 24, size=shape)
    for at, value in enumerate((np.nan, np.inf, -np.inf, -0.0)):
        values[special == at] = value
    return values.astype(dtype)


def run(backend: Backend, function: Function, seed: int, m: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    names = {dim.name: m for dim in function.dims}
    for param in function.params:
        if isinstance(param, Var):
            names[param.name] = int(random.integers(-4, 9))
    values: list[ArrayRef | int] = []
    arrays: list[np.ndarray] = []
    for param in function.params:
        if isinstance(param, Buffer):
            shape = tuple(_extent(extent, names) for extent in param.shape)
            array = np.ascontiguousarray(
                _content(random, shape, param.dtype.as_numpy())
            )
            arrays.append(array)
            strides = tuple(step // array.itemsize for step in array.strides)
            values.append(
                ArrayRef(
                    array.ctypes.data, shape, strides, param.dtype, "cpu", array, array
                )
            )
        else:
            values.append(names[param.name])
    executable = backend.build(function, backend.targets()[0], BuildOptions())
    executable.launch(
        Arguments(tuple(values), tuple(names[d.name] for d in function.dims))
    )
    return arrays


def bits(array: np.ndarray) -> np.ndarray:
    """Bits, with all NaNs made one."""
    result = np.ascontiguousarray(array).view(f"u{array.itemsize}").copy()
    if array.dtype.kind not in "biu":
        result[np.isnan(array.astype(np.float64))] = (1 << 8 * array.itemsize) - 1
    return result


@pytest.mark.parametrize("seed", SEEDS)
def test_generated_function(seed: int) -> None:
    function = random_function(Random(seed))
    compiled = LlvmBackend()
    target = compiled.targets()[0]
    passes = compiled.pipeline(target)
    names = [step.name for step in passes]
    # a backend never sees statements on whole tensors outside launches
    tiling = passes[: names.index("tile") + 1]
    tiled = run_pipeline(function, tiling, compiled.capabilities(target))
    lowered = run_pipeline(function, passes, compiled.capabilities(target))
    for m in (0, 1, 18):
        expected = run(NumpyBackend(), function, seed, m)
        for form in (tiled, lowered):
            found = run(compiled, form, seed, m)
            for mine, right in zip(found, expected, strict=True):
                np.testing.assert_array_equal(bits(mine), bits(right), f"m = {m}")
