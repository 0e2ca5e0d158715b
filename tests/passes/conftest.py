"""Runs functions with the interpreter, so that a pass can be judged by its results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tiledsl_numpy import NumpyBackend

from tiledsl.analysis.fold import fold_apply
from tiledsl.backend import Arguments, ArrayRef, BuildOptions, Capabilities, Target
from tiledsl.ir.dtypes import WHOLE_DTYPES
from tiledsl.ir.nodes import Apply, Buffer, Cast, Const, Expr, Function, Var
from tiledsl.ir.visitor import transform

HOST = Target("host")
OPTIONS = BuildOptions(extra=(("poison", "1"), ("check-proofs", "on")))
Outputs = list[np.ndarray]


def _static(expr: Expr, dims: dict[str, int]) -> int:
    def change(node: object) -> object:
        if isinstance(node, Var):
            return Const(dims[node.name], node.dtype)
        if isinstance(node, Cast):
            return Const(node.value.value, node.dtype)
        if isinstance(node, Apply):
            return fold_apply(node.op, node.args)
        return node

    return int(transform(expr, change).value)


def _content(
    random: np.random.Generator, shape: tuple[int, ...], dtype: object
) -> object:
    numbers = random.integers(-3, 9, size=shape)
    if np.dtype(dtype).kind not in "iub":
        special = random.integers(0, 24, size=shape)
        values = numbers.astype(np.float64)
        for at, value in enumerate((np.nan, np.inf, -np.inf, -0.0)):
            values[special == at] = value
        return values.astype(dtype)
    return numbers.astype(dtype)


def _bind(function: Function, seed: int, m: int) -> tuple[Arguments, Outputs]:
    random = np.random.default_rng(seed)
    scalars = {
        param.name: int(random.integers(-4, 9))
        for param in function.params
        if isinstance(param, Var)
    }
    dims = {dim.name: m for dim in function.dims}
    values: list[ArrayRef | int] = []
    outputs: Outputs = []
    for at, param in enumerate(function.params):
        if isinstance(param, Var):
            values.append(scalars[param.name])
            continue
        shape = tuple(_static(extent, dims | scalars) for extent in param.shape)
        carrier = param.dtype.as_numpy()
        if param.dtype.is_packed:  # as bytes, which the pass that unpacks them keeps
            shape = (*shape[:-1], shape[-1] // 2)
            carrier = param.dtype.packed_storage.as_numpy()
        array = np.ascontiguousarray(_content(random, shape, carrier))
        if at in function.outputs:
            array = np.zeros(shape, carrier)
            outputs.append(array)
        values.append(_reference(param, array))
    return Arguments(tuple(values), tuple(dims.values())), outputs


def _reference(param: Buffer, array: np.ndarray) -> ArrayRef:
    strides = tuple(step // array.itemsize for step in array.strides)
    return ArrayRef(
        array.ctypes.data, array.shape, strides, param.dtype, "cpu", array, array
    )


def run_function(function: Function, seed: int = 0, m: int = 5) -> Outputs:
    """The outputs for random inputs, every dim being ``m``; proofs are tested."""
    arguments, outputs = _bind(function, seed, m)
    NumpyBackend().build(function, HOST, OPTIONS).launch(arguments)
    return outputs


def assert_same_results(before: Function, after: Function, seed: int = 0) -> None:
    """Equal bits, NaN with NaN, for several sizes."""
    for m in (0, 1, 4, 5):
        for left, right in zip(
            run_function(before, seed, m), run_function(after, seed, m), strict=True
        ):
            kind = left.dtype.kind
            if kind in "iub":
                assert left.tobytes() == right.tobytes()
            else:
                wide = [part.astype(np.float64) for part in (left, right)]
                np.testing.assert_array_equal(*wide)
                number = ~np.isnan(wide[0])
                signs = [np.signbit(part)[number] for part in wide]
                np.testing.assert_array_equal(*signs)


@pytest.fixture
def capabilities() -> Capabilities:
    """Those of a target that lacks the packed dtypes."""
    found = NumpyBackend().capabilities(HOST)
    return replace(found, dtypes=frozenset(WHOLE_DTYPES))


@pytest.fixture
def same_results() -> Callable[..., None]:
    return assert_same_results
