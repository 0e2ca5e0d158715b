"""The gate: two thousand programs on the interpreter and the compiled backend."""

from __future__ import annotations

import pytest

from tiledsl.testing.fuzzing import Checks, check_seeds

CHUNKS, CHUNK = 40, 50
CHECKS = Checks(("llvm",), both_every=64, scalar_every=8, text_every=50, source_every=5)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_oracle_complains(chunk: int) -> None:
    result = check_seeds(range(chunk * CHUNK, (chunk + 1) * CHUNK), CHECKS)
    assert not [f"seed {found.seed}: {found.failure}" for found in result.found]
    assert result.programs == CHUNK


def test_some_programs_on_the_interpreted_gpu_backend() -> None:
    pytest.importorskip("triton")
    checks = Checks(
        ("triton",), both_every=0, scalar_every=0, text_every=0, source_every=0
    )
    result = check_seeds(range(20_000, 20_040), checks)
    assert not [f"seed {found.seed}: {found.failure}" for found in result.found]
    assert result.coverage.checked["backend real triton"] >= 10
