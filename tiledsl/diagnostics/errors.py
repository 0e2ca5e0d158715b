"""The errors users meet.  Each has a code, a place, what was expected and got, a way out."""

from __future__ import annotations

import linecache
from collections.abc import Sequence

from tiledsl.diagnostics.check_report import CheckReport
from tiledsl.diagnostics.rendering import render
from tiledsl.ir.spans import Span


class Error(Exception):
    """Base of all errors of tiledsl.

    ``code`` is a key of ``diagnostics.catalogue.CATALOGUE``; ``message`` names the
    construct or argument; ``expected``, ``got`` and ``hint`` complete it.  ``span`` is the
    place in the user's source, if there is one; ``notes`` are further lines.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        span: Span | None = None,
        expected: str | None = None,
        got: str | None = None,
        hint: str | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.code = code
        self.message = message
        self.span = span
        self.expected = expected
        self.got = got
        self.hint = hint
        self.notes = tuple(notes)
        super().__init__(self.summary)

    @property
    def summary(self) -> str:
        """One line: code, message, expected, got."""
        parts = [f"{self.code} {self.message}"]
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        if self.got is not None:
            parts.append(f"got {self.got}")
        return f"{parts[0]}: {', '.join(parts[1:])}" if parts[1:] else parts[0]

    def __str__(self) -> str:
        return render(self.summary, self.span, self.notes, self.hint)

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), self.__dict__.copy())


def _restore(kind: type[Error], state: dict[str, object]) -> Error:
    names = ("code", "message", "span", "expected", "got", "hint", "notes")
    fields = {name: state[name] for name in names}
    return kind(fields.pop("code"), fields.pop("message"), **fields)  # type: ignore[arg-type]


class KernelError(Error, SyntaxError):
    """The user's kernel is wrong.  Being a SyntaxError, Python itself draws the line."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        span: Span | None = None,
        expected: str | None = None,
        got: str | None = None,
        hint: str | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        super().__init__(
            code,
            message,
            span=span,
            expected=expected,
            got=got,
            hint=hint,
            notes=notes,
        )
        self.msg = self.summary + (f" (hint: {hint})" if hint else "")
        if span is not None and span.line > 0:
            self.filename, self.lineno = span.file, span.line
            self.text = linecache.getline(span.file, span.line) or None
            self.offset, self.end_lineno = span.column + 1, span.end_line
            self.end_offset = span.end_column + 1


class ArgumentError(Error, ValueError):
    """An argument of a call is wrong; the message names it."""


class UnsupportedByTarget(Error, NotImplementedError):
    """Legal, but not on this target; the message says who can."""


class CheckError(Error, RuntimeError):
    """Checked mode found errors, or something else failed at run time.

    ``report``: everything that checked mode found, None for other failures.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        span: Span | None = None,
        expected: str | None = None,
        got: str | None = None,
        hint: str | None = None,
        notes: Sequence[str] = (),
        report: CheckReport | None = None,
    ) -> None:
        super().__init__(
            code,
            message,
            span=span,
            expected=expected,
            got=got,
            hint=hint,
            notes=notes,
        )
        self.report = report


class CacheError(Error, OSError):
    """A command about the cache cannot be carried out."""


class InternalError(Error, RuntimeError):
    """A bug in tiledsl; ``notes`` hold what is needed to reproduce it."""


class TileWarning(UserWarning):
    """A remark with a code (W....) on a kernel; never fatal."""
