"""Reading Tile IR text: the inverse of ``printer``, safe on hostile input.

Text that does not mean a function raises ``KernelError`` (E30..) at its line and column.
Limits (rule L116g): 16 MiB, lines of 256 KiB, 10^6 statements, nesting 256, integers of
128 bits, 10 s.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from tiledsl.ir.claims import drop_claims
from tiledsl.ir.line_parser import Line, LineParser
from tiledsl.ir.nodes import (
    Block,
    For,
    Function,
    If,
    Launch,
    Node,
    Parallel,
    Statement,
    TileHint,
    While,
)
from tiledsl.ir.text_format import (
    FORMAT,
    MAX_BYTES,
    MAX_LINE,
    MAX_NESTING,
    MAX_SECONDS,
    MAX_STATEMENTS,
    VERSION,
    read_spans,
    text_error,
)
from tiledsl.ir.verifier import problems

_FOREIGN: Final = re.compile(r"[^\x20-\x7e\n]")
_INDENT: Final = 2


def parse_function(
    text: str,
    *,
    file: str = "<ir>",
    settle_claims: Callable[[Function], Function] = drop_claims,
) -> Function:
    """The verified function that a text means.

    Claims that an access is in bounds (``!``) are never believed.  ``settle_claims``
    decides: by default all are dropped; ``analysis.claims.recheck_claims`` keeps those
    that can be derived, which makes reading the exact inverse of printing.
    """
    rows = _rows(text, file)
    _check_version(rows[0], file)
    end = len(rows)
    while end > 1 and rows[end - 1].startswith("span "):
        end -= 1
    spans = read_spans(rows[end:], end + 1, file)
    lines = [
        Line(number, len(row) - len(row.lstrip(" ")), row.strip(" "))
        for number, row in enumerate(rows[1:end], 2)
        if row.strip(" ")
    ]
    reader = _Reader(lines, LineParser(spans, file), file)
    function = reader.function()
    for problem in problems(function):
        raise text_error(
            "E3006", problem.message, file, reader.line_of(problem.place), 1
        )
    return settle_claims(function)


def _rows(text: str, file: str) -> list[str]:
    """The rows of the text; errors for what no printed text contains."""
    if len(text) > MAX_BYTES:
        raise text_error("E3004", f"longer than {MAX_BYTES} bytes", file, 1, 1)
    foreign = _FOREIGN.search(text)
    if foreign:
        before = text[: foreign.start()]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"character U+{ord(foreign.group()):04X} is not allowed"
        hint = "IR text is ASCII without tabs; names are quoted and escaped"
        raise text_error("E3002", message, file, line, column, hint=hint)
    rows = text.rstrip("\n").split("\n")
    if len(rows) > MAX_STATEMENTS:
        message = f"more than {MAX_STATEMENTS} statements"
        raise text_error("E3004", message, file, MAX_STATEMENTS + 1, 1)
    for number, row in enumerate(rows, 1):
        if len(row) > MAX_LINE:
            message = f"line of more than {MAX_LINE} bytes"
            raise text_error("E3004", message, file, number, MAX_LINE + 1)
    return rows


def _check_version(row: str, file: str) -> None:
    word, _, version = row.partition(" ")
    if word != FORMAT or not version.isdecimal():
        message = f"not Tile IR: the first line must be '{FORMAT} {VERSION}'"
        raise text_error("E3001", message, file, 1, 1)
    if len(version) > 9 or not 1 <= int(version) <= VERSION:
        message = f"text of version {version[:9]}, this reader knows 1 to {VERSION}"
        hint = "read it with the tiledsl that wrote it"
        raise text_error("E3001", message, file, 1, len(FORMAT) + 2, hint=hint)


class _Reader:
    """Joins lines to blocks by their indentation."""

    def __init__(self, lines: Sequence[Line], parser: LineParser, file: str) -> None:
        self._lines, self._parser, self._file = lines, parser, file
        self._next = 0
        self._end = time.monotonic() + MAX_SECONDS
        self._line_of: dict[int, int] = {}

    def line_of(self, place: Sequence[Node]) -> int:
        """The line of the innermost of these nodes that is on a line of its own."""
        known = [self._line_of[id(n)] for n in place if id(n) in self._line_of]
        return known[-1] if known else 2

    def function(self) -> Function:
        if not self._lines:
            raise text_error("E3002", "there is no function", self._file, 2, 1)
        line = self._lines[0]
        head = self._take(0)
        if not isinstance(head, Function):
            raise self._error("E3002", "expected 'func'", line)
        function = replace(head, body=self._block(1))
        self._line_of[id(function)] = line.number
        if self._next < len(self._lines):
            raise self._error(
                "E3002", "a text holds one function", self._lines[self._next]
            )
        return function

    def _take(self, depth: int) -> Function | Statement | str:
        line = self._lines[self._next]
        if line.indent != depth * _INDENT:
            raise self._error(
                "E3002", f"expected {depth * _INDENT} spaces before", line
            )
        if time.monotonic() > self._end:
            raise self._error("E3004", "reading takes too long", line)
        self._next += 1
        return self._parser.parse(line, depth)

    def _block(self, depth: int) -> Block:
        """The statements of the lines indented at least so far; one, or ``pass``."""
        if depth > MAX_NESTING:
            line = self._lines[self._next - 1]
            raise self._error("E3004", f"nested deeper than {MAX_NESTING}", line)
        statements: list[Statement] = []
        empty = False
        while self._deeper_than(depth - 1):
            line = self._lines[self._next]
            node = self._take(depth)
            if empty or (node == "pass" and statements):
                raise self._error("E3002", "'pass' stands alone in its block", line)
            if node == "pass":
                empty = True
            elif node == "else":
                statements.append(self._with_else(statements, depth, line))
            elif isinstance(node, str | Function):
                raise self._error("E3002", "a function in a function", line)
            else:
                statements.append(self._with_body(node, depth, line))
        if not statements and not empty:
            line = self._lines[self._next - 1]
            raise self._error("E3002", "expected an indented block after it", line)
        return tuple(statements)

    def _with_body(self, node: Statement, depth: int, line: Line) -> Statement:
        if isinstance(node, If):
            node = replace(node, then=self._block(depth + 1))
        elif isinstance(node, For | While | Parallel | Launch | TileHint):
            node = replace(node, body=self._block(depth + 1))
        self._line_of[id(node)] = line.number
        return node

    def _with_else(
        self, statements: list[Statement], depth: int, line: Line
    ) -> Statement:
        before = statements.pop() if statements else None
        if not isinstance(before, If) or before.otherwise:
            raise self._error("E3002", "'else' without 'if'", line)
        node = replace(before, otherwise=self._block(depth + 1))
        self._line_of[id(node)] = self._line_of.pop(id(before))
        return node

    def _deeper_than(self, depth: int) -> bool:
        here = self._lines[self._next : self._next + 1]
        return bool(here) and here[0].indent > depth * _INDENT

    def _error(self, code: str, message: str, line: Line) -> Exception:
        return text_error(code, message, self._file, line.number, line.indent + 1)
