"""What printer and parser of the text form agree on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tiledsl.diagnostics import KernelError
from tiledsl.ir.spans import NO_SPAN, Span

FORMAT: Final = "tiledsl.ir"
VERSION: Final = 1

MAX_BYTES: Final = 16 * 2**20
MAX_STATEMENTS: Final = 10**6
MAX_NESTING: Final = 256
MAX_LINE: Final = 2**18
MAX_SECONDS: Final = 9.0  # leaves one for the last line and the verifier

_NUMBER = r"(0|[1-9][0-9]{0,8})"
_SPAN_LINE: Final = re.compile(
    rf'span {_NUMBER} = ("(?:[^"\\]|\\.)*") '
    rf"{_NUMBER}:{_NUMBER} - {_NUMBER}:{_NUMBER}(?: from {_NUMBER})?\Z"
)


def text_error(
    code: str,
    message: str,
    file: str,
    line: int,
    column: int,
    *,
    hint: str | None = None,
) -> KernelError:
    """An error at a place of the text itself; lines and columns count from 1."""
    place = Span(file, line, column - 1, line, column)
    where = f"line {line}, column {column}"
    return KernelError(code, f"IR text, {where}: {message}", span=place, hint=hint)


def span_line(span: Span, numbers: Mapping[Span, int]) -> str:
    """An entry of the table of spans: ``span 2 = "f.py" 12:4 - 12:20 from 1``."""
    place = f"{span.line}:{span.column} - {span.end_line}:{span.end_column}"
    caller = "" if span.caller is None else f" from {numbers[span.caller]}"
    return f"span {numbers[span]} = {json.dumps(span.file)} {place}{caller}"


def read_spans(lines: list[str], first: int, file: str) -> dict[int, Span]:
    """The table of spans in these lines, the first of which is line ``first`` of the text.

    Without lines it is empty.  Its ``NO_SPAN`` is a copy, told apart by identity.
    """
    if not lines:
        return {}
    spans = {0: replace(NO_SPAN)}
    for number, line in enumerate(lines, first):
        match = _SPAN_LINE.match(line)
        if match is None:
            raise text_error("E3002", "malformed entry of spans", file, number, 1)
        key, name, *place, caller = match.groups()
        if int(key) in spans or (caller and int(caller) not in spans):
            raise text_error("E3005", "spans are not in order", file, number, 1)
        try:
            source = str(json.loads(name))
        except ValueError:
            raise text_error("E3007", "malformed file name", file, number, 1) from None
        row, column, end_row, end_column = map(int, place)
        inlined = spans[int(caller)] if caller else None
        spans[int(key)] = Span(source, row, column, end_row, end_column, inlined)
    return spans
