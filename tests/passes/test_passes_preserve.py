"""Every pass keeps every result: the interpreter before and after, proofs tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiledsl.analysis.reading import read_function
from tiledsl.backend import Capabilities
from tiledsl.ir.dtypes import BOOL, DType
from tiledsl.ir.nodes import (
    Allocate,
    Assert,
    Buffer,
    Const,
    Copy,
    Fill,
    Function,
    Launch,
    Node,
    Wait,
    index,
    whole,
)
from tiledsl.ir.printer import print_function
from tiledsl.ir.visitor import transform
from tiledsl.passes.base import Pass
from tiledsl.passes.pipeline import DEFAULT_PIPELINE, run_pipeline
from tiledsl.testing.random_functions import random_function

SameResults = Callable[..., None]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(random=st.randoms(use_true_random=False), seed=st.integers(0, 99))
def test_generated_functions(
    random: Random, seed: int, capabilities: Capabilities, same_results: SameResults
) -> None:
    function = random_function(random)
    stages: list[Function] = []

    def observe(step: Pass, before: Function, after: Function) -> None:
        if after != before:
            stages.append(after)
            assert read_function(print_function(after)) == after

    run_pipeline(function, DEFAULT_PIPELINE, capabilities, observer=observe)
    for after in stages:
        same_results(function, after, seed)


@pytest.mark.parametrize("step", dict.fromkeys(DEFAULT_PIPELINE), ids=lambda p: p.name)
def test_each_pass_does_something_to_generated_functions(
    step: Pass, capabilities: Capabilities, same_results: SameResults
) -> None:
    changed = 0
    for seed in range(400):
        function = random_function(Random(seed))
        if step.name == "forward-copies":  # it looks for proofs
            function = run_pipeline(function, DEFAULT_PIPELINE[:-2], capabilities)
        if step.name == "drop-observations":  # none are generated
            function = transform(function, _observed)
        if step.name == "packed-as-bytes":  # nor are packed dtypes
            function = transform(function, _with_packed_tile)
        after = run_pipeline(function, (step,), capabilities)
        if after != function:
            changed += 1
            same_results(function, after, seed)
        if changed == 3:
            return
    raise AssertionError(f"{step.name} changed only {changed} of 400 functions")


def _observed(node: Node) -> Node:
    """Looks at the run in ways that need no data."""
    if isinstance(node, Copy):
        return replace(node, asynchronous=True)
    if isinstance(node, Launch):
        always = Assert(Const(True, BOOL), "always")
        return replace(node, body=(always, *node.body, Wait()))
    return node


def _with_packed_tile(node: Node) -> Node:
    """A tile that nobody reads."""
    if not isinstance(node, Launch):
        return node
    tile = Buffer("packed", (index(6),), DType("int4"), "shared")
    fill = Fill(whole(tile), Const(-3, DType("int4")))
    return replace(node, body=(Allocate(tile), fill, *node.body))
