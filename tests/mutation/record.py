"""Figures of runs, a part of the compiler each: as JSON, and as a table in a document."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, TypedDict

from tests.faults.report import DOCUMENT
from tests.mutation.campaign import Trial
from tests.mutation.excuses import listed

LAST_RUN: Final = Path(__file__).with_name("last_run.json")
_BEGIN: Final = "<!-- begin: written by `python -m tests.mutation --report` -->"
_END: Final = "<!-- end -->"
_COUNTS: Final = (
    "tried", "killed", "timeout", "crash", "survived", "equivalent", "speed",
)  # fmt: skip

Figures = dict[str, int]


class Run(TypedDict):
    """Of one group: command and date, figures of each module, what nothing noticed."""

    command: str
    date: str
    processor_seconds: int
    modules: dict[str, Figures]
    survivors: list[str]
    survivors_at_first: list[str]
    speed_only: list[str]


# by the name of the group: parts are measured at different times
Record = dict[str, Run]


def run_of(
    command: str, date: str, mutants: Mapping[str, int], trials: Iterable[Trial]
) -> Run:
    """What a run found: figures of each module, and the survivors."""
    modules: dict[str, Figures] = {
        name: dict.fromkeys(_COUNTS, 0) | {"mutants": count}
        for name, count in mutants.items()
    }
    survivors: list[str] = []
    speed_only: list[str] = []
    seconds = 0.0
    for trial in trials:
        seconds += trial.verdict.seconds
        if trial.verdict.outcome == "none":
            continue  # the changed function is gone when its module is imported
        row = modules[trial.module]
        row["tried"] += 1
        row[trial.counts_as] += 1
        if trial.counts_as == "survived":
            survivors.append(trial.mutant)
        elif trial.counts_as == "speed":
            speed_only.append(trial.mutant)
    return {
        "command": command,
        "date": date,
        "processor_seconds": round(seconds),
        "modules": modules,
        "survivors": survivors,
        "survivors_at_first": survivors,
        "speed_only": speed_only,
    }


def retried(found: Run, trials: Iterable[Trial], date: str) -> Run:
    """A kept run with what became of its survivors; they stay counted as such."""
    survivors, speed_only = list(found["survivors"]), list(found["speed_only"])
    modules = {name: dict(row) for name, row in found["modules"].items()}
    seconds = 0.0
    for trial in trials:
        if trial.mutant not in survivors:
            continue
        outcome = trial.counts_as
        seconds += trial.verdict.seconds
        if outcome == "survived":
            continue
        survivors.remove(trial.mutant)
        if outcome == "speed":
            speed_only.append(trial.mutant)
        row = modules[trial.module]
        row["survived"] -= 1
        row["tried" if outcome == "none" else outcome] += -1 if outcome == "none" else 1
    return {
        "command": found["command"],
        "date": date,
        "processor_seconds": found["processor_seconds"] + round(seconds),
        "modules": modules,
        "survivors": survivors,
        "survivors_at_first": found["survivors_at_first"],
        "speed_only": speed_only,
    }


def kept() -> Record:
    found: Record = json.loads(LAST_RUN.read_text(encoding="utf-8"))
    return found


def keep(group: str, found: Run) -> None:
    """Puts one group's run in the place of its last one."""
    together = kept() | {group: found}
    LAST_RUN.write_text(
        json.dumps(together, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )


def rows_of(runs: Iterable[Run]) -> list[Figures]:
    return [row for run in runs for row in run["modules"].values()]


def score(rows: Iterable[Mapping[str, int]]) -> tuple[int, int]:
    """How many mutants that can be noticed were, and how many there are."""
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row)
    meant = total["tried"] - total["equivalent"] - total["speed"]
    return meant - total["survived"], meant


def report() -> None:
    """Puts the kept runs into the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    head, _, rest = text.partition(_BEGIN)
    tail = rest.partition(_END)[2]
    tables = "\n".join(_table(name, run) for name, run in kept().items())
    DOCUMENT.write_text(f"{head}{_BEGIN}\n\n{tables}\n{_END}{tail}", encoding="utf-8")


def _table(group: str, run: Run) -> str:
    modules = run["modules"]
    lines = [
        f"**{group}**: `{run['command']}` on {run['date']},"
        f" {run['processor_seconds']} seconds of processor time:",
        "",
        "| module | mutants | tried | equivalent | speed only | survived | noticed |",
        "|---|---|---|---|---|---|---|",
        _row("all", list(modules.values())),
    ]
    lines += [_row(f"`{name}`", [row]) for name, row in modules.items() if row["tried"]]
    if run["speed_only"]:
        lines += ["", "What decides only how fast code is, and was not noticed:", ""]
    lines += [f"* `{name}`: {listed()[name].reason}" for name in run["speed_only"]]
    return "\n".join(lines) + "\n"


def _row(name: str, rows: list[Figures]) -> str:
    seen, meant = score(rows)
    sums = [
        sum(row[key] for row in rows)
        for key in ("mutants", "tried", "equivalent", "speed", "survived")
    ]
    share = f"{100 * seen / meant:.1f} %" if meant else "-"
    return f"| {name} | " + " | ".join(map(str, sums)) + f" | {share} |"
