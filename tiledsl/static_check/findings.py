"""What a static check says of one file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake, at a place; lines and columns count from 1."""

    file: str
    line: int
    column: int
    code: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.column}: {self.code} {self.message}"
        return f"{text} ({self.hint})" if self.hint else text


@dataclass(frozen=True, slots=True)
class Use:
    """A construct of the language, where it stands first, and how often.

    ``backends``: those that have a meaning for it; none for what one device's hardware has.
    """

    name: str
    line: int
    count: int
    backends: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What a file uses, and what is wrong with it, in the order of the lines."""

    file: str
    kernels: tuple[str, ...]
    uses: tuple[Use, ...]
    findings: tuple[Finding, ...]

    @property
    def backends(self) -> tuple[str, ...]:
        """The backends that have a meaning for every construct."""
        every = [set(use.backends) for use in self.uses]
        common = set.intersection(*every) if every else set()
        first = self.uses[0].backends if self.uses else ()
        return tuple(name for name in first if name in common)

    @property
    def ok(self) -> bool:
        """Nothing was found."""
        return not self.findings
