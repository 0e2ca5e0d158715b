"""The tables of findings, as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tiledsl.testing.accuracy.cells import Cell
from tiledsl.testing.accuracy.functions import Measurement
from tiledsl.testing.accuracy.judgment import Finding

Row = Sequence[str]


def conformance_table(findings: Iterable[Finding], backends: Sequence[str]) -> str:
    """Constructs down, backends across: cells tested, and refused with which codes."""
    groups: dict[str, dict[str, list[Cell]]] = {}
    for cell in findings:
        if isinstance(cell, Cell):
            by_backend = groups.setdefault(cell.construct, {})
            by_backend.setdefault(cell.backend, []).append(cell)
    rows = []
    for construct, by_backend in groups.items():
        cells = {(c.dtypes) for group in by_backend.values() for c in group}
        entries = [_entry(by_backend.get(name, []), len(cells)) for name in backends]
        rows.append([construct, str(len(cells)), *entries])
    return markdown(["construct", "cells", *backends], rows)


def _entry(cells: Sequence[Cell], count: int) -> str:
    """``tested``, or how many are not and why."""
    numbers = Counter(
        "tested" if cell.status == "tested" else f"{cell.status} {cell.code}".strip()
        for cell in cells
    )
    if len(cells) < count:
        numbers["untested"] = count - len(cells)
    if set(numbers) == {"tested"}:
        return "tested"
    return ", ".join(f"{number} {what}" for what, number in sorted(numbers.items()))


def functions_table(
    findings: Iterable[Finding], argument: str, backends: Sequence[str]
) -> str:
    """Functions down, backends across: the largest error seen, in ulp."""
    rows: dict[str, dict[str, Measurement]] = {}
    for row in findings:
        if isinstance(row, Measurement) and row.argument == argument:
            rows.setdefault(row.function, {})[row.backend] = row
    lines = []
    for function, by_backend in rows.items():
        limit = next(iter(by_backend.values())).limit
        errors = [_error(by_backend.get(name)) for name in backends]
        lines.append([function, f"{limit:g}", *errors])
    return markdown(["function", "limit", *backends], lines)


def _error(row: Measurement | None) -> str:
    if row is None:
        return "untested"
    if row.refused:
        return row.refused
    text = f"{row.worst:.2f}"
    return text if row.ok else f"**{text}** {row.specials}".rstrip()


def markdown(head: Row, rows: Iterable[Row]) -> str:
    """A table."""
    lines = [
        "| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]
    ]
    return "\n".join(lines)
