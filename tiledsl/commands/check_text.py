"""``tiledsl check FILE.py``: reads programs, runs nothing; for editors with ``--json``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from tiledsl.commands.output import print_json
from tiledsl.diagnostics import ArgumentError
from tiledsl.static_check import Report, check_program


def check_texts(files: Sequence[Path], *, compat: bool, as_json: bool) -> None:
    """Prints what was found, one line each, and exits with 1 if anything was."""
    for file in files:
        if not file.is_file():
            raise ArgumentError("E4003", f"file '{file}'", expected="a Python program")
    reports = [check_program(file, compat=compat) for file in files]
    if as_json:
        print_json(
            [
                {**asdict(report), "backends": report.backends, "ok": report.ok}
                for report in reports
            ]
        )
    else:
        for report in reports:
            _print(report)
    if not all(report.ok for report in reports):
        sys.exit(1)


def _print(report: Report) -> None:
    for finding in report.findings:
        click.echo(str(finding))
    names = ", ".join(use.name for use in report.uses)
    click.echo(f"{report.file}: {len(report.kernels)} kernels and macros, {names}")
    backends = ", ".join(report.backends) or "none"
    click.echo(f"{report.file}: backends that have all of these: {backends}")
