"""The published report: both tables, with the date and versions they were made with."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version

from tiledsl.runtime.backends import targets_of
from tiledsl.testing.accuracy.cells import Cell
from tiledsl.testing.accuracy.functions import ARGUMENTS, Measurement
from tiledsl.testing.accuracy.judgment import Finding
from tiledsl.testing.accuracy.tables import (
    conformance_table,
    functions_table,
    markdown,
)

_PACKAGES = ("tiledsl", "numpy", "ml_dtypes", "llvmlite", "triton")


def report(findings: Sequence[Finding], backends: Sequence[str]) -> str:
    """Everything measured, as the sections of a Markdown document."""
    parts = ["## Made with", made_with(), "## Targets", targets_table(backends)]
    parts += ["## Conversions and operations", summary(findings, backends)]
    parts += [conformance_table(findings, backends), "## Math functions"]
    for argument in ARGUMENTS:
        rows = [row for row in _measurements(findings) if row.argument == argument]
        if rows:
            samples = max(row.samples for row in rows)
            parts.append(f"### {argument} ({samples:,} samples)")
            parts.append(functions_table(rows, str(argument), backends))
    return "\n\n".join(parts) + "\n"


def summary(findings: Iterable[Finding], backends: Sequence[str]) -> str:
    """How many cells there are of each kind.

    Untested is what was tried on one backend and on another neither tested nor refused.
    """
    cells = [row for row in findings if isinstance(row, Cell)]
    places = {(cell.construct, cell.dtypes) for cell in cells}
    untested = len(places) * len(backends) - len(cells)
    numbers = {
        status: sum(cell.status == status for cell in cells)
        for status in ("tested", "refused", "wrong", "failed")
    }
    values = sum(cell.count for cell in cells)
    counts = ", ".join(f"{number:,} {status}" for status, number in numbers.items())
    return f"{len(cells):,} cells: {counts}, {untested} untested; {values:,} results compared."


def made_with() -> str:
    """The date, the processor in general words, and versions."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    words = [today, f"{platform.machine()} processor, {platform.system()}"]
    words.append(f"Python {platform.python_version()}")
    for package in _PACKAGES:
        try:
            words.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(words) + "."


def targets_table(backends: Sequence[str]) -> str:
    """Which targets were run, and which could only be compiled for here."""
    rows = []
    for name in backends:
        targets = targets_of(name)
        for target in () if isinstance(targets, str) else targets:
            ran = target.runnable and target.device == "cpu"
            remark = "all of the below" if ran else "cannot run here: not judged"
            rows.append([name, target.name, remark])
    return markdown(["backend", "target", "judged"], rows)


def _measurements(findings: Iterable[Finding]) -> list[Measurement]:
    return [row for row in findings if isinstance(row, Measurement)]
