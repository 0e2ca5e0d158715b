"""Lines of generated source with their indentation."""

from __future__ import annotations

import linecache
from collections.abc import Iterator
from contextlib import contextmanager

from tiledsl.ir.spans import Span


class Writer:
    """Collects the lines of one kernel body."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._depth = 1
        self._last_comment = ""

    def line(self, text: str) -> None:
        self.lines.append("    " * self._depth + text)

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """A compound statement; an empty body becomes ``pass``."""
        self.line(header)
        self._depth += 1
        before = len(self.lines)
        yield
        if all(line.lstrip().startswith("#") for line in self.lines[before:]):
            self.line("pass")
        self._depth -= 1

    def comment(self, span: Span) -> None:
        """The user's line at ``span``, unless it was the last comment."""
        if span.line <= 0:
            return
        text = linecache.getline(span.file, span.line).strip()
        text = "".join(c if c.isprintable() else " " for c in text)
        if text and text != self._last_comment:
            self.line(f"# {text}")
            self._last_comment = text
