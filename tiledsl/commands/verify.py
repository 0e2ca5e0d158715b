"""``tiledsl verify``: every oracle's verdict on kernels and backends."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from tiledsl.commands.output import json_option, print_json, print_table, progress
from tiledsl.commands.selection import (
    backends_option,
    chosen_backends,
    chosen_kernels,
    size_option,
)
from tiledsl.testing import ORACLES, Report, Size, verify_kernel, verify_programs

# the worst first: a cell of the table shows the worst of its reports
_ORDER = ("failed", "wrong", "inconclusive", "unsupported", "ok")


@click.command()
@click.argument("kernels", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Verify every kernel.")
@backends_option
@size_option("small")
@click.option("--seed", default=0, show_default=True, help="Seed of the inputs.")
@json_option
def verify(
    kernels: tuple[str, ...],
    everything: bool,
    backends: str | None,
    size: Size,
    seed: int,
    as_json: bool,
) -> None:
    """Check the KERNELS against float64 references and exact oracles.

    With --all, small programs that need every rule of lowering are checked, too.
    """
    if everything == bool(kernels):
        raise click.UsageError("name the kernels to verify, or pass --all")
    entries, names = chosen_kernels(kernels), chosen_backends(backends)
    reports: list[Report] = []
    for entry in entries:
        for name in names:
            progress(f"{entry.name} on {name}")
            reports += verify_kernel(entry, backends=[name], size=size, seed=seed)
    if everything:
        progress("small programs")
        reports += verify_programs(names)
    progress("")
    if as_json:
        print_json(reports)
    else:
        _print(reports)
    if not all(report.ok for report in reports):
        sys.exit(1)


def _print(reports: list[Report]) -> None:
    """A row for each kernel on each backend; below it what went wrong, in full."""
    groups: dict[tuple[str, str], list[Report]] = {}
    for report in reports:
        # what a backend only compiles for is reported as "backend target"
        backend = report.backend.partition(" ")[0]
        groups.setdefault((report.kernel, backend), []).append(report)
    rows = [
        (kernel, backend, *(_cell(group, oracle) for oracle in ORACLES), _worst(group))
        for (kernel, backend), group in groups.items()
    ]
    print_table(("kernel", "backend", *ORACLES, "error"), rows)
    for report in reports:
        if report.status != "ok":
            click.echo(str(report))
    wrong = sum(not report.ok for report in reports)
    click.echo(f"{len(reports)} checks, {wrong} failed")


def _cell(group: Iterable[Report], oracle: str) -> str:
    found = [report.status for report in group if report.oracle == oracle]
    return min(found, key=_ORDER.index) if found else ""


def _worst(group: Iterable[Report]) -> str:
    return f"{max(report.worst_share for report in group):.2g}"
