"""No pass of any backend is wrong on the library's kernels or on generated programs."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from tiledsl.backend import Capabilities
from tiledsl.diagnostics import TileWarning
from tiledsl.ir.nodes import Launch, Node
from tiledsl.passes.pipeline import DEFAULT_PIPELINE, run_pipeline
from tiledsl.runtime.backends import backend_names, find_backend
from tiledsl.testing import KernelEntry, discover_kernels
from tiledsl.testing.generator import Program, find_policy, generate
from tiledsl.testing.strategies import programs
from tiledsl.testing.validation import bisect_function, generate_sample, validator
from tiledsl.testing.validation.interpreting import meaning
from tiledsl.testing.verify import Problem

QUICK = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("entry", discover_kernels(), ids=lambda entry: entry.name)
@pytest.mark.parametrize("name", backend_names())
def test_kernels(entry: KernelEntry, name: str) -> None:
    """Every pass of every backend, as the backend orders them."""
    backend = find_backend(name)
    target = backend.targets()[0]
    capabilities = backend.capabilities(target)
    function = Problem(entry, entry.of_size("small")[0], 0).reals[0].function
    judge = validator(function, capabilities, 1)
    assert judge.cases  # small inputs were found
    run_pipeline(function, backend.pipeline(target), capabilities, observer=judge)


@QUICK
@given(program=programs())
def test_generated_programs(program: Program, capabilities: Capabilities) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TileWarning)
        judge = validator(program.function, capabilities, 1)
    run_pipeline(program.function, DEFAULT_PIPELINE, capabilities, observer=judge)


# not seed 1, whose only output is of bools, which garbage may hit
@pytest.mark.parametrize("seed", [2, 3, 5, 6])
def test_bisecting_generated_programs(seed: int, faulty_backend: type) -> None:
    """A backend that does nothing is wrong in every program that defines something."""
    function = generate(seed, replace(find_policy("mixed"), tensors=0)).function
    sample = generate_sample(function, 0)
    assert bisect_function(function, sample, faulty_backend()) is None
    finding = bisect_function(function, sample, faulty_backend(lowering=without_launch))
    truth = meaning(function, sample)
    if any(truth.defined(name).any() for name in truth.first):
        assert finding is not None
        assert finding.step == "the lowering of backend faulty-backend"
        assert finding.difference.buffer in truth.first


def without_launch(node: Node) -> Node | tuple[Node, ...]:
    return () if isinstance(node, Launch) else node
