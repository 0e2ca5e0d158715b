"""Checking a text of Tile IR."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

import pytest

from tiledsl.diagnostics import CheckReport
from tiledsl.ir.parser import parse_function
from tiledsl.runtime.kernel import JITKernel

Check = Callable[..., CheckReport]


@pytest.fixture(scope="session")
def check() -> Check:
    def check_text(text: str, *values: object, strict: bool = False) -> CheckReport:
        lines = "\n".join(line for line in text.splitlines() if line.strip())
        function = parse_function("tiledsl.ir 1\n" + dedent(lines) + "\n")
        return JITKernel(function).check(*values, strict=strict)

    return check_text
