"""The alias, for the time of one test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tiledsl.compat import tilelang


@pytest.fixture
def alias() -> Iterator[None]:
    tilelang.install()
    yield
    tilelang.uninstall()
