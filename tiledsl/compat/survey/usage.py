"""Which names of the language programs use that are not available, by their text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tiledsl.language.names import UNAVAILABLE

_EVERY: Final = re.compile(r"\bT\.(\w+)")


def unavailable_names(programs: Sequence[Path]) -> Counter[str]:
    """How many of the programs use each name without a meaning here."""
    counts: Counter[str] = Counter()
    for program in programs:
        text = program.read_text(encoding="utf-8", errors="replace")
        used = {
            name
            for line in text.splitlines()
            for name in _EVERY.findall(line.partition("#")[0])
        }
        counts.update(used & UNAVAILABLE)
    return counts


def usage_table(programs: Sequence[Path]) -> Iterator[str]:
    """A table in Markdown, the most used name first."""
    yield "| name that is not available | programs that use it |"
    yield "|---|---:|"
    counts = unavailable_names(programs)
    for name, count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])):
        yield f"| `T.{name}` | {count} |"
