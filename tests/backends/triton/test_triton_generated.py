"""Generated programs as Triton source, against the NumPy backend."""

from __future__ import annotations

import pytest

from tiledsl.backend import BuildOptions
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.testing.fuzzing.execution import engine, first_difference, launch
from tiledsl.testing.generator.policy import POLICIES
from tiledsl.testing.generator.program import generate

EXACT = next(policy for policy in POLICIES if policy.name == "exact")
# without which there are statements and dtypes that no target is given
LOWERING = {"drop-observations", "tile", "packed-as-bytes"}


@pytest.mark.parametrize("seed", range(40))
def test_generated_program(seed: int) -> None:
    program = generate(seed, EXACT)
    results = []
    for name in ("numpy", "triton"):
        chosen = engine(name)
        try:
            function = program.function
            for step in chosen.passes:
                if step.name in LOWERING:
                    function = step.run(function, chosen.capabilities)
            executable = chosen.backend.build(function, chosen.target, BuildOptions())
        except UnsupportedByTarget as refusal:
            pytest.skip(str(refusal))
        results.append(launch(executable, program, program.values()))
    assert first_difference(program, *results) is None
