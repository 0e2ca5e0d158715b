"""Assertions that failed in a run, as findings and as the error of a call (rule L72)."""

from __future__ import annotations

from collections.abc import Sequence

from tiledsl.diagnostics.check_report import CheckReport, Finding
from tiledsl.diagnostics.errors import CheckError
from tiledsl.ir.nodes import Assert


def failure(statement: Assert, count: int = 1) -> Finding:
    """The finding that an assertion, or an assumption, does not hold."""
    what = "assumption" if statement.assumed else "assertion"
    code = "E5023" if statement.assumed else "E5022"
    text = f": {statement.message}" if statement.message else ""
    return Finding(
        "error", code, f"an {what} fails{text}", span=statement.span, count=count
    )


def raise_failures(kernel: str, failures: Sequence[Finding]) -> None:
    """Raises CheckError, at the place of the first failure, if there is any."""
    if not failures:
        return
    first, *others = failures
    notes = [sample.describe(None) for sample in first.samples]
    if first.count > max(1, len(first.samples)):
        notes.append(f"{first.count} times in all")
    raise CheckError(
        first.code,
        f"{kernel}: {first.message}",
        span=first.span,
        notes=[*(note for note in notes if note), *map(str, others)],
        report=CheckReport(kernel, tuple(failures)),
    )
