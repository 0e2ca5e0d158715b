"""Figures of a run: as JSON, and as a table in docs/faults.md."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, TypedDict

from tests.faults.report import DOCUMENT
from tests.mutation.campaign import Trial

LAST_RUN: Final = Path(__file__).with_name("last_run.json")
_BEGIN: Final = "<!-- begin: written by `python -m tests.mutation --report` -->"
_END: Final = "<!-- end -->"
_COUNTS: Final = ("tried", "killed", "timeout", "crash", "survived", "equivalent")

Figures = dict[str, int]


class Record(TypedDict):
    """A run: its command and date, figures of each module, and what nothing noticed."""

    command: str
    date: str
    processor_seconds: int
    modules: dict[str, Figures]
    survivors: list[str]
    survivors_at_first: list[str]


def record(
    command: str, date: str, mutants: Mapping[str, int], trials: Iterable[Trial]
) -> Record:
    """What a run found: figures of each module, and the survivors."""
    modules: dict[str, Figures] = {
        name: dict.fromkeys(_COUNTS, 0) | {"mutants": count}
        for name, count in mutants.items()
    }
    survivors: list[str] = []
    seconds = 0.0
    for trial in trials:
        seconds += trial.verdict.seconds
        if trial.verdict.outcome == "none":
            continue  # the changed function is gone when its module is imported
        row = modules[trial.module]
        row["tried"] += 1
        excused = trial.excuse and trial.verdict.outcome == "survived"
        row["equivalent" if excused else trial.verdict.outcome] += 1
        if trial.verdict.outcome == "survived" and not excused:
            survivors.append(trial.mutant)
    return {
        "command": command,
        "date": date,
        "processor_seconds": round(seconds),
        "modules": modules,
        "survivors": survivors,
        "survivors_at_first": survivors,
    }


def retried(trials: Iterable[Trial], date: str) -> Record:
    """The kept run with what became of its survivors; they stay counted as such."""
    found = kept()
    found["date"] = date
    for trial in trials:
        if trial.mutant not in found["survivors"]:
            continue
        outcome = "equivalent" if trial.excuse else trial.verdict.outcome
        found["processor_seconds"] += round(trial.verdict.seconds)
        if outcome == "survived":
            continue
        found["survivors"].remove(trial.mutant)
        row = found["modules"][trial.module]
        row["survived"] -= 1
        row["tried" if outcome == "none" else outcome] += -1 if outcome == "none" else 1
    return found


def kept() -> Record:
    found: Record = json.loads(LAST_RUN.read_text(encoding="utf-8"))
    return found


def score(rows: Iterable[Mapping[str, int]]) -> tuple[int, int]:
    """How many mutants that can be noticed were, and how many there are."""
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row)
    meant = total["tried"] - total["equivalent"]
    return meant - total["survived"], meant


def write(found: Record) -> None:
    LAST_RUN.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def report() -> None:
    """Puts the last run into the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    head, _, rest = text.partition(_BEGIN)
    tail = rest.partition(_END)[2]
    table = _table(kept())
    DOCUMENT.write_text(f"{head}{_BEGIN}\n\n{table}\n{_END}{tail}", encoding="utf-8")


def _table(found: Record) -> str:
    modules = found["modules"]
    parts: dict[str, list[Figures]] = {}
    for name, row in modules.items():
        parts.setdefault(part_of(name), []).append(row)
    lines = [
        f"`{found['command']}` on {found['date']}, {found['processor_seconds']} seconds"
        " of processor time:",
        "",
        "| part or module | mutants | tried | equivalent | survived | noticed |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_row(f"**{name}**", rows) for name, rows in parts.items()]
    lines += [_row(f"`{name}`", [row]) for name, row in modules.items() if row["tried"]]
    return "\n".join(lines) + "\n"


def part_of(module: str) -> str:
    """The part of the compiler that a module belongs to."""
    package, _, rest = module.partition(".")
    return rest.partition(".")[0] if package == "tiledsl" else package


def _row(name: str, rows: list[Figures]) -> str:
    seen, meant = score(rows)
    sums = [
        sum(row[key] for row in rows)
        for key in ("mutants", "tried", "equivalent", "survived")
    ]
    share = f"{100 * seen / meant:.1f} %" if meant else "-"
    return f"| {name} | " + " | ".join(map(str, sums)) + f" | {share} |"
