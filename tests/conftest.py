"""The same drawn examples on every run; the option ``--update-golden`` and its fixture.

A gate that draws new examples each time fails for whoever comes next, not for whoever
broke something.  ``pytest --hypothesis-profile=explore`` draws new ones.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("gate", derandomize=True, database=None)
settings.register_profile("explore", derandomize=False)
settings.load_profile("gate")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write golden files from what the code under test produces now",
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Asserts that a text equals a golden file, or writes the file."""

    def check(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="ascii")
        assert path.is_file(), f"{path} is missing; create it with --update-golden"
        assert text == path.read_text(encoding="ascii")

    return check
