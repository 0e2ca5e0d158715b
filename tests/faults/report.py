"""docs/faults.md from the catalogue and from what saw its faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tests.faults.catalogue import FAULTS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
_MARK = "<!-- below this line: written by `python -m tests.faults --report` -->"

Row = dict[str, object]


def write(rows: Mapping[str, Row]) -> None:
    """Replaces the generated part of the document."""
    head = DOCUMENT.read_text(encoding="utf-8").partition(_MARK)[0]
    DOCUMENT.write_text(f"{head}{_MARK}\n\n{_table(rows)}", encoding="utf-8")


def _table(rows: Mapping[str, Row]) -> str:
    layers = Counter(fault.layer for fault in FAULTS)
    seen = [fault for fault in FAULTS if rows.get(fault.name, {}).get("check")]
    parts = ", ".join(f"{layer} {count}" for layer, count in layers.items())
    lines = [
        f"{len(seen)} of {len(FAULTS)} faults are seen ({parts}).",
        "",
        "| fault | in | mistake | seen by | checks | what it shows |",
        "|---|---|---|---|---|---|",
    ]
    for fault in FAULTS:
        row = rows.get(fault.name, {})
        cells = (
            fault.name,
            fault.layer,
            fault.meaning,
            row.get("check"),
            row.get("tried"),
            row.get("shows"),
        )
        lines.append("| " + " | ".join(_cell(str(cell)) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    short = text if len(text) <= 90 else text[:89] + "…"
    return short.replace("|", "\\|").replace("<", "&lt;").replace("_", "\\_")
