"""How commands print: a table for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

# columns that a table may take when its output is no terminal
_WIDE = 160

json_option: Callable[..., Callable[..., object]] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON."
)

_STYLES: Mapping[str, str] = {
    "ok": "green",
    "yes": "green",
    "wrong": "bold red",
    "failed": "bold red",
    "inconclusive": "red",
    "no": "yellow",
    "unsupported": "yellow",
}


def print_json(value: object) -> None:
    """One JSON document; dataclasses as objects, NaN and infinities as null."""
    json.dump(_plain(value), sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table; columns whose name ends in a unit or count are numbers, to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, name in enumerate(columns):
        numbers = rows and all(_is_number(row[place]) for row in rows)
        table.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, _STYLES.get(cell, "")) for cell in row))
    console().print(table)


def console() -> Console:
    """Standard output; wide if it is a file or a pipe."""
    found = Console(highlight=False, markup=False)
    return (
        found
        if found.is_terminal
        else Console(highlight=False, markup=False, width=_WIDE)
    )


def progress(text: str) -> None:
    """A line about what is going on, for a person who waits."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", err=True, nl=False)


def number(value: float, digits: int = 3) -> str:
    """A measured value in few digits; empty for 0, which stands for not measured."""
    if abs(value) >= 10**digits:
        return f"{value:.0f}"
    return f"{value:.{digits}g}" if value else ""


def _is_number(text: str) -> bool:
    try:
        float(text or "0")
    except ValueError:
        return False
    return True


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = dataclasses.fields(value)
        return {part.name: _plain(getattr(value, part.name)) for part in parts}
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value
