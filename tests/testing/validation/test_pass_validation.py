"""Translation validation sees a wrong pass and names it, the element and the statement."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from tiledsl_numpy import NumpyBackend

from tiledsl import settings
from tiledsl.analysis.effects import written
from tiledsl.analysis.reading import read_function
from tiledsl.backend import Capabilities
from tiledsl.diagnostics import ArgumentError, InternalError, TileWarning
from tiledsl.ir.nodes import (
    Apply,
    At,
    Const,
    Fill,
    Gemm,
    Load,
    Node,
    Range,
    Store,
    index,
)
from tiledsl.passes.pipeline import DEFAULT_PIPELINE, run_pipeline
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing.random_functions import random_function
from tiledsl.testing.validation import (
    CannotSample,
    Sample,
    generate_sample,
    validator,
)

PROGRAM = """tiledsl.ir 1
func rows[m](X: float32[m, 12], B: float32[12, 4], s: int32, Y: float32[m, 4]) -> (Y)
  launch (b: ceildiv(m, 4)) threads 128
    alloc shared x: float32[4, 12]
    alloc fragment acc: float32[4, 4]
    fill acc[0 +: 4, 0 +: 4] = 0.0
    copy X[b * 4 +: 4, 0 +: 12] -> x[0 +: 4, 0 +: 12] shape (4, 12)
    gemm acc[0 +: 4, 0 +: 4] += x[0 +: 4, 0 +: 12] @ B[0 +: 12, 0 +: 4]
    parallel (i: 4, j: 4)
      acc[i, j] = acc[i, j] * 2.0
    copy acc[0 +: 4, 0 +: 4] -> Y[b * 4 +: 4, 0 +: 4] shape (4, 4)
"""

Change = Callable[[Node], Node | tuple[Node, ...]]


def uninitialized(node: Node) -> Node | tuple[Node, ...]:
    return () if isinstance(node, Fill) else node


def added(node: Node) -> Node:
    if isinstance(node, Apply) and node.op == "mul" and node.dtype == "float32":
        return replace(node, op="add")
    return node


def shifted(node: Node) -> Node:
    if isinstance(node, Range) and not isinstance(node.start, Const):
        return replace(node, start=Apply("add", (node.start, index(1))))
    return node


def believed(node: Node) -> Node:
    return replace(node, proved=True) if isinstance(node, At | Range) else node


def twice(node: Node) -> Node | tuple[Node, ...]:
    return (node, replace(node)) if isinstance(node, Gemm) else node


@pytest.mark.parametrize(
    ("change", "blamed"),
    [
        (uninitialized, "fill acc"),
        (added, "acc[i, j] = acc[i, j] * 2.0"),
        (twice, "gemm acc"),
    ],
)
def test_a_wrong_pass_is_named_with_the_statement_it_breaks(
    change: Change, blamed: str, faulty: type, capabilities: Capabilities
) -> None:
    function = read_function(PROGRAM)
    passes = (*DEFAULT_PIPELINE[:3], faulty(change), *DEFAULT_PIPELINE[3:])
    judge = validator(function, capabilities, 2)
    with pytest.raises(InternalError) as caught:
        run_pipeline(function, passes, capabilities, observer=judge)
    error = caught.value
    assert error.code == "E9011"
    assert "faulty" in error.message
    assert re.search(r" in Y\[\d+, \d+\]", str(error.expected))
    assert f"first wrong statement: {blamed}" in str(error)
    assert "seed" in str(error)


def test_a_wrong_pass_on_a_shifted_range_is_seen(
    faulty: type, capabilities: Capabilities
) -> None:
    function = read_function(PROGRAM)
    judge = validator(function, capabilities, 1)
    with pytest.raises(InternalError, match="E9011"):
        run_pipeline(function, (faulty(shifted),), capabilities, observer=judge)


def test_a_false_proof_is_the_fault_of_its_pass(
    faulty: type, capabilities: Capabilities
) -> None:
    function = read_function(PROGRAM)
    judge = validator(function, capabilities, 3)
    with pytest.raises(InternalError, match=r"pass faulty .*E9010"):
        run_pipeline(function, (faulty(believed),), capabilities, observer=judge)


def reordered(node: Node) -> Node:
    """(a * b) * c as a * (b * c), equal in ring mode, not in floats."""
    if isinstance(node, Apply) and node.op == "mul" and isinstance(node.args[0], Apply):
        (a, b), c = node.args[0].args, node.args[1]
        return replace(node, args=(a, Apply("mul", (b, c))))
    return node


SCALED = """tiledsl.ir 1
func scaled[m](X: float32[m], Y: float32[m]) -> (Y)
  launch (b: m) threads 32
    Y[b] = X[b] * X[b] * 0.1
"""


@pytest.mark.parametrize("contract", ["exact", "reassociates"])
def test_the_contract_decides_whether_bits_of_floats_must_stay(
    contract: str, faulty: type, capabilities: Capabilities
) -> None:
    function = read_function(SCALED)
    step = faulty(reordered, contract=contract)

    def judge_with_other_inputs() -> None:
        for count in range(6):
            judge = validator(function, capabilities, count)
            run_pipeline(function, (step,), capabilities, observer=judge)

    if contract == "exact":
        with pytest.raises(InternalError, match="in real mode"):
            judge_with_other_inputs()
    else:
        judge_with_other_inputs()


def test_right_passes_are_never_blamed(capabilities: Capabilities) -> None:
    for seed in range(25):
        function = random_function(Random(seed))
        judge = validator(function, capabilities, 1)
        run_pipeline(function, DEFAULT_PIPELINE, capabilities, observer=judge)


def test_the_setting_validates_every_compilation(
    monkeypatch: pytest.MonkeyPatch, faulty: type, faulty_backend: type
) -> None:
    function = read_function(PROGRAM)
    arrays = np.ones((5, 12), np.float32), np.ones((12, 4), np.float32), 3
    backend = faulty_backend((faulty(added),))
    monkeypatch.delenv("TILEDSL_VALIDATE", raising=False)
    JITKernel(function)(*arrays, backend=backend)  # nobody looks
    monkeypatch.setenv("TILEDSL_VALIDATE", "1")
    with pytest.raises(InternalError, match="E9011 pass faulty"):
        JITKernel(function)(*arrays, backend=backend)
    right = JITKernel(function)(*arrays, backend=faulty_backend(DEFAULT_PIPELINE))
    assert np.array_equal(right, np.full((5, 4), 24.0, np.float32))
    monkeypatch.setenv("TILEDSL_VALIDATE", "-1")
    with pytest.raises(ArgumentError, match="TILEDSL_VALIDATE"):
        JITKernel(function)(*arrays, backend=backend)
    assert settings.VALIDATOR == "tiledsl.testing.validation"


LARGE = SCALED.replace("float32[m]", "float32[9000000]").replace("[m]", "")


def test_a_function_without_small_inputs_is_remarked_on(
    capabilities: Capabilities,
) -> None:
    function = read_function(LARGE.replace("b: m", "b: 9000000"))
    with pytest.raises(CannotSample, match="elements"):
        generate_sample(function, 0)
    with pytest.warns(TileWarning, match="W5080 .*'scaled'"):
        judge = validator(function, capabilities, 2)
    assert not judge.cases
    run_pipeline(function, DEFAULT_PIPELINE, capabilities, observer=judge)


def test_samples_have_the_declared_shapes_and_strides() -> None:
    text = """tiledsl.ir 1
func strided[m, s](X: int32[m, 3] strides (s, 1), n: int32, Y: int32[m + 1]) -> (Y)
  launch (b: m) threads 32
    Y[b] = X[b, 0] + n
"""
    function = read_function(text)
    for seed in range(10):
        sample = generate_sample(function, seed)
        x, n, y = sample.values
        m, s = sample.dims
        assert isinstance(x, np.ndarray)
        assert isinstance(y, np.ndarray)
        assert isinstance(n, int)
        assert x.shape == (m, 3)
        assert x.strides == (4 * s, 4)
        assert y.shape == (m + 1,)
    again = generate_sample(function, 9)
    assert isinstance(again, Sample)
    assert np.array_equal(x, again.values[0])


def test_while_loops_end_on_made_up_inputs(
    faulty: type, capabilities: Capabilities
) -> None:
    text = """tiledsl.ir 1
func endless[m](X: int32[m], Y: int32[m]) -> (Y)
  launch (b: m) threads 32
    while X[b] != 12345:int32
      Y[b] = X[b] + 1:int32
"""
    function = read_function(text)
    assert written(function.body) == {"Y"}

    def subtract(node: Node) -> Node:
        is_sum = isinstance(node, Apply) and node.op == "add"
        return replace(node, op="sub") if is_sum and node.dtype == "int32" else node

    judge = validator(function, capabilities, 1)
    with pytest.raises(InternalError, match="E9011"):
        run_pipeline(function, (faulty(subtract),), capabilities, observer=judge)


def test_no_warning_for_ordinary_functions(capabilities: Capabilities) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(validator(read_function(PROGRAM), capabilities, 3).cases) == 4


def test_undefined_elements_are_not_compared(
    faulty: type, capabilities: Capabilities
) -> None:
    """The reference itself gives garbage there, so a pass may change it."""
    text = """tiledsl.ir 1
func partial[m](X: float32[m], Y: float32[m, 2]) -> (Y)
  launch (b: m) threads 32
    alloc shared tile: float32[4]
    Y[b, 0] = X[b]
    Y[b, 1] = tile[1]
"""

    def other_garbage(node: Node) -> Node:
        if isinstance(node, Load) and node.buffer.name == "tile":
            return replace(node, indices=(index(2),))
        return node

    function = read_function(text)
    judge = validator(function, capabilities, 2)
    run_pipeline(function, (faulty(other_garbage),), capabilities, observer=judge)

    def lost(node: Node) -> Node | tuple[Node, ...]:
        is_first = isinstance(node, Store) and isinstance(node.value, Load)
        is_first = is_first and node.value.buffer.name == "X"
        return () if is_first else node

    with pytest.raises(InternalError, match=r"Y\[0, 0\]"):
        run_pipeline(function, (faulty(lost),), capabilities, observer=judge)


def test_the_reference_backend_is_the_interpreter() -> None:
    assert NumpyBackend().name == settings.REFERENCE
