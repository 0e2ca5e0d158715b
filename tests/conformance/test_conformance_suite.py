"""The suite as users start it, and the command that prints the table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from tiledsl.commands.group import commands

SUITE = [
    *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
    *("-p", "tiledsl.testing.conformance.plugin"),
    *("--pyargs", "tiledsl.testing.conformance"),
]


def suite(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*SUITE, *words]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, check=False
    )


def test_judges_one_backend(tmp_path: Path) -> None:
    done = suite(tmp_path, "--backend", "llvm", "-k", "bits and bool")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_an_unknown_backend_fails(tmp_path: Path) -> None:
    done = suite(tmp_path, "--backend", "quartz", "-k", "bits and bool")
    assert done.returncode == 1
    assert "quartz" in done.stdout
    assert "1 failed" in done.stdout


def test_command_prints_json() -> None:
    words = ["accuracy", "casts", "int8", "--backends", "numpy", "--json"]
    result = CliRunner().invoke(commands, words)
    assert result.exit_code == 0, result.output
    cells = json.loads(result.stdout)
    assert {cell["status"] for cell in cells} == {"tested"}
    assert ["int8", "float16"] in [cell["dtypes"] for cell in cells]


def test_command_writes_a_report(tmp_path: Path) -> None:
    file = tmp_path / "report.md"
    words = ["accuracy", "functions", "bfloat16", "--backends", "numpy,llvm"]
    result = CliRunner().invoke(commands, [*words, "--table", "--output", str(file)])
    assert result.exit_code == 0, result.output
    text = file.read_text()
    assert "| function | limit | numpy | llvm |" in text
    assert "| exp | 2 | 0.50 |" in text
    assert "cannot run here" in text


def test_command_names_its_subjects() -> None:
    result = CliRunner().invoke(commands, ["accuracy", "quartz"])
    assert result.exit_code == 2
    assert "casts" in result.output
