"""``tiledsl accuracy``: measured errors, and the table of what backends do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from tiledsl.commands.output import json_option, print_json, print_table, progress
from tiledsl.commands.selection import backends_option, chosen_backends
from tiledsl.testing.accuracy import Cell, Finding, Measurement, Subject, subjects
from tiledsl.testing.accuracy.patterns import Amount
from tiledsl.testing.accuracy.report import report, summary
from tiledsl.testing.accuracy.tables import conformance_table


@click.command()
@click.argument("words", nargs=-1)
@backends_option
@click.option(
    "--samples",
    type=click.Choice(["small", "full"]),
    default="small",
    show_default=True,
    help="Structured subsets, or 2^24 patterns of 32 bits and every combination.",
)
@click.option("--table", is_flag=True, help="Print the whole table as Markdown.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the report to a Markdown file.",
)
@json_option
def accuracy(
    words: tuple[str, ...],
    backends: str | None,
    samples: Amount,
    table: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Measure conversions, operations and functions.

    WORDS select subjects, for example: casts float32; without any, everything runs.
    """
    names = chosen_backends(backends)
    findings: list[Finding] = []
    for subject in chosen_subjects(words):
        progress(subject.name)
        findings += subject.judge(names, samples)
    progress("")
    if output is not None:
        output.write_text(report(findings, names), encoding="utf-8")
    if as_json:
        print_json(findings)
    else:
        _print(findings, names, table=table)
    if not all(finding.ok for finding in findings):
        sys.exit(1)


def chosen_subjects(words: Sequence[str]) -> list[Subject]:
    """Subjects whose names have all the words."""
    found = [s for s in subjects() if set(words) <= set(s.name.split())]
    if not found:
        known = sorted(
            {word for subject in subjects() for word in subject.name.split()}
        )
        raise click.UsageError(
            f"nothing has all of these words; known: {', '.join(known)}"
        )
    return found


def _print(
    findings: Sequence[Finding], backends: Sequence[str], *, table: bool
) -> None:
    """The table, or the measured errors; below it what went wrong, in full."""
    if table:
        click.echo(conformance_table(findings, backends))
    measured = [row for row in findings if isinstance(row, Measurement)]
    if measured:
        columns = ("function", "arguments", *backends, "limit")
        print_table(columns, _errors(measured, backends))
    for finding in findings:
        if not finding.ok:
            click.echo(str(finding))
    if any(isinstance(row, Cell) for row in findings):
        click.echo(summary(findings, backends))


def _errors(rows: Sequence[Measurement], backends: Sequence[str]) -> list[list[str]]:
    """The largest errors in ulp, backends side by side."""
    found: dict[tuple[str, str], dict[str, Measurement]] = {}
    for row in rows:
        found.setdefault((row.function, row.argument), {})[row.backend] = row
    return [
        [function, argument, *(_ulp(group, name) for name in backends), _limit(group)]
        for (function, argument), group in found.items()
    ]


def _ulp(group: dict[str, Measurement], backend: str) -> str:
    row = group[backend]
    return row.refused or f"{row.worst:.2f}"


def _limit(group: dict[str, Measurement]) -> str:
    return f"{max(row.limit for row in group.values()):g}"
