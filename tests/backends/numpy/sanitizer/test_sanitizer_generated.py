"""Generated programs: watching changes no result, and well-defined ones are not blamed."""

from __future__ import annotations

import numpy as np
import pytest

from tiledsl.backend import Arguments, CheckedExecutable
from tiledsl.diagnostics import CheckReport
from tiledsl.testing.bits import as_bits
from tiledsl.testing.fuzzing.execution import engine, launch
from tiledsl.testing.generator.program import generate

# what generated programs never do; they do read outside, divide by zero and overflow
NEVER = {"E5011", "E5012", "E5013", "E5014", "E5019", "E5021"}


class _Watched:
    """Launches in checked mode and keeps the report."""

    stages: dict[str, object] = {}  # noqa: RUF012  # there is nothing to look at
    binary = None

    def __init__(self, executable: CheckedExecutable) -> None:
        self.executable = executable
        self.report: CheckReport | None = None

    def launch(self, arguments: Arguments) -> None:
        self.report = self.executable.check(arguments)


@pytest.mark.parametrize("start", range(0, 60, 20))
def test_generated_programs(start: int) -> None:
    interpreter = engine("numpy")
    for seed in range(start, start + 20):
        program = generate(seed)
        executable = interpreter.build(program.function)
        assert isinstance(executable, CheckedExecutable)
        watched = _Watched(executable)
        plain = launch(executable, program, program.values())
        checked = launch(watched, program, program.values())  # type: ignore[arg-type]
        for mine, theirs in zip(plain, checked, strict=True):
            np.testing.assert_array_equal(as_bits(mine), as_bits(theirs))
        report = watched.report
        assert report is not None
        assert not NEVER & {found.code for found in report.findings}, str(report)
