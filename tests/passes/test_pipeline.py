"""Order, verification and errors of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass, is_dataclass, replace
from itertools import pairwise
from random import Random

import pytest

from tiledsl.backend import Capabilities
from tiledsl.diagnostics import InternalError, UnsupportedByTarget
from tiledsl.ir.nodes import Function
from tiledsl.passes.base import Contract, Pass
from tiledsl.passes.pipeline import DEFAULT_PIPELINE, run_pipeline
from tiledsl.testing.random_functions import random_function

FUNCTION = random_function(Random(3))


@dataclass(frozen=True)
class Broken:
    """Fails in the way its option says."""

    how: str
    name: str = "broken-pass"
    contract: Contract = "exact"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        if self.how == "invalid":
            return replace(function, outputs=(99,))
        if self.how == "refuses":
            raise UnsupportedByTarget("E2001", "not here")
        return function.params[-1].missing


@pytest.mark.parametrize("how", ["invalid", "crashes"])
def test_a_failing_pass_is_named(how: str, capabilities: Capabilities) -> None:
    with pytest.raises(InternalError) as caught:
        run_pipeline(FUNCTION, (DEFAULT_PIPELINE[0], Broken(how)), capabilities)
    assert "broken-pass" in caught.value.message
    assert any("tiledsl.ir 1" in note for note in caught.value.notes)


def test_refusals_pass_through(capabilities: Capabilities) -> None:
    with pytest.raises(UnsupportedByTarget):
        run_pipeline(FUNCTION, (Broken("refuses"),), capabilities)


def test_observer_sees_each_step(capabilities: Capabilities) -> None:
    seen: list[tuple[str, Function, Function]] = []
    result = run_pipeline(
        FUNCTION,
        DEFAULT_PIPELINE,
        capabilities,
        observer=lambda step, before, after: seen.append((step.name, before, after)),
    )
    assert [name for name, _, _ in seen] == [step.name for step in DEFAULT_PIPELINE]
    assert seen[0][1] is FUNCTION and seen[-1][2] is result
    for (_, _, after), (_, before, _) in pairwise(seen):
        assert after is before


@pytest.mark.parametrize("step", DEFAULT_PIPELINE, ids=lambda step: step.name)
def test_passes_are_frozen_described_and_idle_without_work(
    step: Pass, capabilities: Capabilities
) -> None:
    assert is_dataclass(step) and type(step).__dataclass_params__.frozen
    assert step.name == step.name.lower() and " " not in step.name
    assert "Before" in (type(step).__doc__ or "") and "After" in (
        type(step).__doc__ or ""
    )
    empty = Function("empty", (), (), ())
    assert step.run(empty, capabilities) is empty
