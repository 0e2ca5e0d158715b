"""``tiledsl check``: kernels of the library, and the calls of a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from tiledsl.commands.group import commands

PROGRAM = """
import sys
import numpy as np
import tiledsl
import tiledsl.language as T

@tiledsl.jit
def shifted(X, by=1):
    N = T.const("N")
    X: T.Tensor((N,), "float32")
    Y = T.empty((N,), "float32")
    with T.Kernel(1):
        for i in T.Parallel(N):
            Y[i] = X[i - by]
    return Y

x = np.arange(6, dtype=np.float32)
for by in map(int, sys.argv[1:] or {shifts}):
    y = shifted(x, by=by)
    assert (y[by:] == x[: 6 - by]).all()
print("the program went on")
"""


def test_kernels_of_the_library() -> None:
    result = CliRunner().invoke(commands, ["check", "rmsnorm", "--json"])
    assert result.exit_code == 0
    rows = json.loads(result.output)
    assert {row["kernel"] for row in rows} == {"rmsnorm"}
    assert all(row["seconds"] > 0 and row["plain_seconds"] > 0 for row in rows)
    strict = CliRunner().invoke(commands, ["check", "rmsnorm", "--strict"])
    assert strict.exit_code == 1
    assert "overhangs" in strict.output


@pytest.mark.parametrize(("shifts", "code"), [((0,), 0), ((0, 2), 1)])
def test_a_program(tmp_path: Path, shifts: Sequence[int], code: int) -> None:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM.format(shifts=shifts))
    result = CliRunner().invoke(commands, ["check", "--run", str(file)])
    assert result.exit_code == code, result.output
    assert "the program went on" in result.output
    assert ("shifted/call 2: error E5010" in result.output) == bool(code)
    assert f"{len(shifts)} calls checked" in result.output


@pytest.mark.parametrize(
    "words", [[], ["--all", "gemm"], ["--run", "--all"], ["--run"]]
)
def test_wrong_usage(words: Sequence[str]) -> None:
    assert CliRunner().invoke(commands, ["check", *words]).exit_code == 2
