"""Generated programs as Triton source, against the NumPy backend."""

from __future__ import annotations

import pytest

from tiledsl.backend import BuildOptions
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.testing.fuzzing.execution import engine, first_difference, launch
from tiledsl.testing.generator.policy import POLICIES
from tiledsl.testing.generator.program import generate

EXACT = next(policy for policy in POLICIES if policy.name == "exact")


@pytest.mark.parametrize("seed", range(40))
def test_generated_program(seed: int) -> None:
    program = generate(seed, EXACT)
    results = []
    for name in ("numpy", "triton"):
        chosen = engine(name)
        try:
            executable = chosen.backend.build(
                program.function, chosen.target, BuildOptions()
            )
        except UnsupportedByTarget as refusal:
            pytest.skip(str(refusal))
        results.append(launch(executable, program, program.values()))
    assert first_difference(program, *results) is None
