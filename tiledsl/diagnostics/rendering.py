"""Drawing a message with the user's line and a caret under the place."""

from __future__ import annotations

import linecache
from collections.abc import Iterator, Sequence

from tiledsl.ir.spans import Span


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
            yield f"  {here.line:>5} | {text}"
            same_line = here.end_line == here.line
            end = here.end_column if same_line else len(text)
            width = max(1, end - here.column)
            # keep tabs, so that the caret stands under its character
            lead = "".join("\t" if c == "\t" else " " for c in text[: here.column])
            yield f"        | {lead}{'^' * width}"
        here, arrow = here.caller, "called from"
