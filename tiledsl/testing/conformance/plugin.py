"""The options of the conformance suite: which backends, and how much."""

from __future__ import annotations

import pytest

from tiledsl.testing.verify import runnable_backends


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds ``--backend`` and ``--samples``."""
    group = parser.getgroup("tiledsl")
    group.addoption(
        "--backend",
        action="append",
        metavar="NAME",
        help="judge this backend; may be repeated (default: all that run here)",
    )
    group.addoption(
        "--samples",
        choices=("small", "full"),
        default="small",
        help="structured subsets, or 2^24 patterns of 32 bits and every combination",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test that asks for ``backend`` on every chosen one."""
    if "backend" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--backend") or runnable_backends()
        metafunc.parametrize("backend", chosen)


@pytest.fixture
def samples(request: pytest.FixtureRequest) -> str:
    """The amount of samples that the command line asks for."""
    return str(request.config.getoption("--samples"))
