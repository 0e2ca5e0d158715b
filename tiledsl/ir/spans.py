"""Where a piece of IR comes from in the user's source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A range of source text.

    Lines count from 1, columns from 0 (as in ``ast``), in characters; the end is
    exclusive.  ``caller`` is the place of the macro call this text was inlined at.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    caller: Span | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column + 1}"


NO_SPAN = Span("<generated>", 0, 0, 0, 0)
