"""Checked mode as calls see it: who can do it, and what becomes of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from tiledsl import settings
from tiledsl.backend import CheckedExecutable
from tiledsl.diagnostics import (
    ArgumentError,
    CheckError,
    CheckReport,
    Finding,
    UnsupportedByTarget,
)
from tiledsl.ir.spans import NO_SPAN
from tiledsl.runtime.compiling import Compiled

# errors of arguments that checked mode reports beside its other findings (rule L114)
SHARED_MEMORY: Final = frozenset(["E1012", "E1013"])


@dataclass(frozen=True, slots=True)
class Watch:
    """What to do with the reports of all calls that are made while it is on."""

    observe: Callable[[CheckReport], None]
    strict: bool = False


WATCH: Final[ContextVar[Watch | None]] = ContextVar("tiledsl_watch", default=None)


@contextmanager
def watching_calls(watch: Watch) -> Iterator[None]:
    """Every call of a kernel in this context runs in checked mode and raises nothing."""
    token = WATCH.set(watch)
    try:
        yield
    finally:
        WATCH.reset(token)


def report_of_arguments(kernel: str, error: ArgumentError) -> CheckReport:
    """The report on a call that cannot be made, because its arguments share memory."""
    message = error.summary.removeprefix(error.code).strip()
    span = error.span or NO_SPAN
    found = Finding("error", "E5015", message, error.code, span, hint=error.hint)
    return CheckReport(kernel, (found,))


def require_checked(compiled: Compiled) -> CheckedExecutable:
    """The executable, if its backend has a checked mode."""
    executable = compiled.executable
    if isinstance(executable, CheckedExecutable):
        return executable
    raise UnsupportedByTarget(
        "E2005",
        f"backend '{compiled.backend.name}' has no checked mode",
        hint=f"leave out backend=: checked calls run on '{settings.REFERENCE}'",
    )


def require_ok(report: CheckReport) -> None:
    """Raises CheckError with everything found if there is an error."""
    if report.ok:
        return
    raise CheckError(
        "E5030",
        f"{report.kernel}: errors found in checked mode",
        got=str(len(report.errors)),
        notes=[str(found) for found in report.errors],
        report=report,
    )
