"""``tiledsl check``: kernels in checked mode, on workloads or from a program's own calls."""

from __future__ import annotations

import runpy
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from tiledsl.commands.check_text import check_texts
from tiledsl.commands.output import (
    json_option,
    number,
    print_json,
    print_table,
    progress,
)
from tiledsl.commands.selection import chosen_kernels, size_option
from tiledsl.diagnostics import ArgumentError, CheckReport
from tiledsl.runtime.checking import Watch, watching_calls
from tiledsl.testing import KernelEntry, Size, Workload


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One call in checked mode; if measured, its seconds and those of a plain one."""

    kernel: str
    workload: str
    report: CheckReport
    seconds: float = 0.0
    plain_seconds: float = 0.0

    @property
    def cost(self) -> float:
        """How many times as long as plain interpretation; 0 if not measured."""
        return self.seconds / self.plain_seconds if self.plain_seconds else 0.0


@click.command()
@click.argument("subjects", nargs=-1, metavar="KERNEL... | FILE")
@click.option("--all", "everything", is_flag=True, help="Check every kernel.")
@click.option("--run", "program", is_flag=True, help="Run FILE; check its calls.")
@click.option("--compat", is_flag=True, help="FILE is a program of TileLang.")
@click.option("--strict", is_flag=True, help="Every access out of bounds is an error.")
@click.option("--notes", is_flag=True, help="Print notes, not only errors.")
@size_option("small")
@click.option("--seed", default=0, show_default=True, help="Seed of the inputs.")
@json_option
def check(
    subjects: tuple[str, ...],
    everything: bool,
    program: bool,
    compat: bool,
    strict: bool,
    notes: bool,
    size: Size,
    seed: int,
    as_json: bool,
) -> None:
    """Run kernels in checked mode: bounds, undefined reads, races and more.

    KERNELs of the library run on their workloads.  With --run, a program runs as it is,
    and each call of a kernel in it is checked.  A FILE.py without --run is only read: what
    it uses of the language, and its mistakes that can be seen so.
    """
    if subjects and not program and all(name.endswith(".py") for name in subjects):
        check_texts([Path(name) for name in subjects], compat=compat, as_json=as_json)
        return
    if program:
        if everything or len(subjects) != 1:
            raise click.UsageError("--run takes one file")
        rows = _rows_of_program(Path(subjects[0]), strict=strict)
    elif everything == bool(subjects):
        raise click.UsageError("name the kernels to check, or pass --all or --run FILE")
    else:
        entries = chosen_kernels(subjects)
        rows = [row for entry in entries for row in _rows(entry, size, seed, strict)]
    progress("")
    if as_json:
        print_json(rows)
    else:
        _print(rows, notes=notes)
    if not all(row.report.ok for row in rows):
        sys.exit(1)


def _rows(
    entry: KernelEntry, size: Size, seed: int, strict: bool
) -> Iterator[CheckRow]:
    for work in entry.of_size(size):
        progress(f"{entry.name} {work.name}")
        yield _row(entry, work, seed, strict)


def _row(entry: KernelEntry, work: Workload, seed: int, strict: bool) -> CheckRow:
    """Checks one workload, after a plain run of it to compare the time with."""
    call = work.call(work.make_inputs(np.random.default_rng(seed)))
    kernel = entry.kernel.compile(*call.arguments, **call.options)
    arguments = call.arguments[: len(kernel.params) - len(kernel.out_idx)]
    plain = _seconds(lambda: kernel.interpret(*arguments))
    reports: list[CheckReport] = []
    seconds = _seconds(lambda: reports.append(kernel.check(*arguments, strict=strict)))
    return CheckRow(entry.name, work.name, reports[-1], seconds, plain)


def _seconds(run: Callable[[], object]) -> float:
    """The least processor time of three calls after the first, which also compiles."""
    run()
    return min(_processor_time(run) for _ in range(3))


def _processor_time(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def _rows_of_program(file: Path, *, strict: bool) -> list[CheckRow]:
    """Runs a Python file as a program, with every call of a kernel checked."""
    if not file.is_file():
        raise ArgumentError("E4003", f"file '{file}'", expected="a Python program")
    rows: list[CheckRow] = []
    arguments, path = sys.argv, list(sys.path)
    sys.argv, sys.path = [str(file)], [str(file.resolve().parent), *path]
    try:
        with watching_calls(Watch(_recorder(rows), strict)):
            runpy.run_path(str(file), run_name="__main__")
    except SystemExit as exit_:
        if exit_.code:
            raise
    finally:
        sys.argv, sys.path = arguments, path
    return rows


def _recorder(rows: list[CheckRow]) -> Callable[[CheckReport], None]:
    def record(report: CheckReport) -> None:
        rows.append(CheckRow(report.kernel, f"call {len(rows) + 1}", report))

    return record


def _print(rows: list[CheckRow], *, notes: bool) -> None:
    """A row for each call; below, what was found, each place once."""
    table = [
        (
            row.kernel,
            row.workload,
            str(len(row.report.errors)),
            str(len(row.report.notes)),
            number(1e3 * row.seconds),
            number(row.cost, 2),
        )
        for row in rows
    ]
    print_table(("kernel", "workload", "errors", "notes", "ms", "times plain"), table)
    for row in rows:
        for found in row.report.findings if notes else row.report.errors:
            click.echo(f"{row.kernel}/{row.workload}: {found}")
    wrong = sum(not row.report.ok for row in rows)
    click.echo(f"{len(rows)} calls checked, {wrong} with errors")
