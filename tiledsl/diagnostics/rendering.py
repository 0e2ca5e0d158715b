"""Drawing a message with the user's line and a caret under the place."""

from __future__ import annotations

import linecache
from collections.abc import Iterator, Sequence
from typing import Final

from tiledsl.ir.spans import Span

# of a longer line, the part around the place is shown
_WIDTH: Final = 120
_LEAD: Final = 40


def render(
    summary: str, span: Span | None, notes: Sequence[str] = (), hint: str | None = None
) -> str:
    """The text of an error: summary, place with caret (and macro callers), notes, hint."""
    lines = [summary]
    if span is not None and span.line > 0:
        lines += _place(span)
    lines += [f"  note: {note}" for note in notes]
    if hint:
        lines.append(f"  hint: {hint}")
    return "\n".join(lines)


def _place(span: Span) -> Iterator[str]:
    arrow = "-->"
    here: Span | None = span
    while here is not None:
        yield f"  {arrow} {here}"
        text = linecache.getline(here.file, here.line).rstrip("\n")
        if text:
            same_line = here.end_line == here.line
            end = here.end_column if same_line else len(text)
            text, start, end = _window(text, here.column, end)
            yield f"  {here.line:>5} | {text}"
            # keep tabs, so that the caret stands under its character
            lead = "".join("\t" if c == "\t" else " " for c in text[:start])
            yield f"        | {lead}{'^' * max(1, end - start)}"
        here, arrow = here.caller, "called from"


def _window(text: str, start: int, end: int) -> tuple[str, int, int]:
    """The part of a line to show, and where ``start`` and ``end`` are in it."""
    if len(text) <= _WIDTH:
        return text, start, end
    first = max(0, start - _LEAD) if start > _WIDTH // 2 else 0
    before = "..." if first else ""
    after = "..." if first + _WIDTH < len(text) else ""
    shown = before + text[first : first + _WIDTH] + after
    moved = len(before) - first
    return shown, start + moved, min(end + moved, len(shown))
