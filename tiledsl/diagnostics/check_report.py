"""What checked mode found in one run of a kernel (rules L114 and L115)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tiledsl.diagnostics.rendering import render
from tiledsl.ir.spans import NO_SPAN, Span

Severity = Literal["error", "note"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One time that a finding happened.

    ``block`` is the block's index, None at host level; ``loops`` the variables of the
    enclosing loops; ``index`` the element, if the finding is about one; ``detail`` what
    else there is to say.
    """

    block: tuple[int, ...] | None = None
    loops: tuple[tuple[str, int], ...] = ()
    index: tuple[int, ...] | None = None
    detail: str = ""

    def describe(self, buffer: str | None) -> str:
        """One line, such as ``block (3, 0), i = 5: X[103]``."""
        parts = []
        if self.block is not None:
            parts.append(f"block {self.block}")
        parts += [f"{name} = {value}" for name, value in self.loops]
        what = []
        if self.index is not None:
            what.append(f"{buffer or ''}[{', '.join(map(str, self.index))}]")
        if self.detail:
            what.append(self.detail)
        place, thing = ", ".join(parts), ", ".join(what)
        return ": ".join(part for part in (place, thing) if part)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something at one place of the source, however often it happened.

    ``kind`` tells apart findings of one code: ``tail`` and ``wild`` accesses out of
    bounds, for instance.  ``extents`` are those of ``buffer``.
    """

    severity: Severity
    code: str
    message: str
    kind: str = ""
    span: Span = NO_SPAN
    buffer: str | None = None
    extents: tuple[int, ...] | None = None
    count: int = 1
    samples: tuple[Sample, ...] = ()
    hint: str | None = None

    def __str__(self) -> str:
        notes = [sample.describe(self.buffer) for sample in self.samples]
        if self.extents is not None and self.buffer is not None:
            notes.append(f"{self.buffer} has the extents {self.extents}")
        times = "once" if self.count == 1 else f"{self.count} times"
        summary = f"{self.severity} {self.code}: {self.message} ({times})"
        return render(summary, self.span, [note for note in notes if note], self.hint)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All findings of one run, the errors first.

    A clean report is a statement about these arguments only.
    """

    kernel: str
    findings: tuple[Finding, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.severity == "error")

    @property
    def notes(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.severity == "note")

    @property
    def ok(self) -> bool:
        """Whether there is no error; notes do not count."""
        return not self.errors

    def __str__(self) -> str:
        counts = (
            f"{_plural(len(self.errors), 'error')}, {_plural(len(self.notes), 'note')}"
        )
        return "\n".join([f"{self.kernel}: {counts}", *map(str, self.findings)])


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
