"""Small programs that need every rule of lowering, bit by bit."""

from __future__ import annotations

import pytest

from tiledsl.testing.programs import PROGRAMS, judge_program


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str, backend: str) -> None:
    """The outputs have the bits that plain NumPy says, and nothing else is written."""
    verdict = judge_program(name, backend)
    if verdict.status not in ("ok", "unsupported"):
        pytest.fail(verdict.detail, pytrace=False)
