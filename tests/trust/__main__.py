"""``python -m tests.trust``: everything that judges results, judged; one page.

Programs against all oracles, planted faults against the checks that should see them,
the share of mutants that tests notice, the sanitizer's classes, and what the programs
covered.  The exit code is 1 if anything is not as it should be.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import tiledsl
from tests.faults.catalogue import FAULTS
from tests.faults.oracles import sees
from tests.faults.planting import planted
from tests.faults.test_faults import SEEN_BY
from tests.mutation import record
from tiledsl.diagnostics.catalogue import CATALOGUE
from tiledsl.ir.ops import SCALAR_OPS
from tiledsl.runtime.backends import find_backend
from tiledsl.testing import runnable_backends, verify_programs
from tiledsl.testing.fuzzing import Campaign, Checks, Result, run_campaign
from tiledsl.testing.planted import detected_classes

# the interpreted GPU backend takes seconds for a program
_SAMPLED = {"triton": 50}
_SCORE = 0.85


@dataclass(frozen=True)
class Line:
    """One judgement: what it is about, its figures, and whether they are as they should be."""

    title: str
    ok: bool
    text: str
    figures: Mapping[str, object]


def _programs(seed: int, programs: int, jobs: int) -> tuple[Line, Result]:
    checks = Checks(runnable_backends(), _SAMPLED)
    result = run_campaign(Campaign(checks, seed, programs, jobs=jobs))
    questions = sum(result.coverage.checked.values())
    text = (
        f"{result.programs} from seed {seed} on {', '.join(checks.backends)};"
        f" {questions} comparisons, {len(result.found)} mismatches"
    )
    found = [f"seed {one.seed}: {one.failure}" for one in result.found]
    figures = {"programs": result.programs, "seed": seed, "mismatches": found}
    return Line("generated programs", not found, text, figures), result


def _written_programs() -> Line:
    reports = list(verify_programs())
    wrong = [str(report) for report in reports if not report.ok]
    text = f"{len(reports)} runs of hand-written programs, {len(wrong)} wrong"
    return Line(
        "exact programs", not wrong, text, {"runs": len(reports), "wrong": wrong}
    )


def _faults(here: tuple[str, ...]) -> Line:
    judged, missed = 0, []
    for fault in FAULTS:
        check = SEEN_BY.get(fault.name)
        if check and check.backend != "passes" and check.backend not in here:
            continue
        judged += 1
        with planted(fault):
            if check is None or not sees(check):
                missed.append(fault.name)
    text = f"{judged - len(missed)} of {judged} caught"
    if missed:
        text += f"; missed: {', '.join(missed)}"
    return Line(
        "planted faults", not missed, text, {"planted": judged, "missed": missed}
    )


def _mutants() -> Line:
    """The kept figures; those of the passes have to reach what is promised."""
    runs = record.kept()
    scores = {name: record.score(run["modules"].values()) for name, run in runs.items()}
    seen, meant = scores["passes"]
    text = "; ".join(
        f"{name} {seen} of {meant} noticed, {100 * seen / max(meant, 1):.1f} %"
        f" ({runs[name]['date']})"
        for name, (seen, meant) in scores.items()
    )
    figures = {"noticed": seen, "of": meant, "parts": scores}
    return Line("mutants", seen >= _SCORE * meant > 0, text, figures)


def _sanitizer() -> Line:
    classes = detected_classes()
    missed = [name for name, detected in classes.items() if not detected]
    text = (
        f"{len(classes) - len(missed)} of {len(classes)} classes of defects detected: "
    )
    text += ", ".join(f"{name}{' MISSED' * (name in missed)}" for name in classes)
    return Line("checked mode", not missed, text, {"classes": classes})


def _coverage(result: Result) -> list[Line]:
    seen = result.coverage
    operations, passes = seen.missing_operations(), set[str]()
    for name in runnable_backends():
        backend = find_backend(name)
        passes |= {step.name for step in backend.pipeline(backend.targets()[0])}
    silent = sorted(passes - set(seen.fired))
    codes = [code for code in seen.diagnostics if code in CATALOGUE]
    unseen = seen.missing_diagnostics()
    return [
        Line(
            "coverage: operations",
            True,
            f"{len(SCALAR_OPS) - len(operations)} of {len(SCALAR_OPS)} scalar operations,"
            f" {len(seen.operations)} with their dtypes"
            + (f"; not: {', '.join(operations)}" if operations else ""),
            {"kinds": len(seen.operations), "missing": operations},
        ),
        Line(
            "coverage: passes",
            True,
            ", ".join(f"{name} {count}" for name, count in seen.fired.most_common())
            + (f"; never: {', '.join(silent)}" if silent else ""),
            {"fired": dict(seen.fired), "never": silent},
        ),
        Line(
            "coverage: diagnostics",
            True,
            f"{len(codes)} codes for {sum(seen.diagnostics.values())} texts with mistakes;"
            f" {len(unseen)} codes of texts not met",
            {"codes": dict(seen.diagnostics), "missing": unseen},
        ),
    ]


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.trust")
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(words)
    tiledsl.disable_cache()
    about_programs, result = _programs(chosen.seed, chosen.programs, chosen.jobs)
    lines = [
        about_programs,
        _written_programs(),
        _faults(runnable_backends()),
        _mutants(),
        _sanitizer(),
        *_coverage(result),
    ]
    if chosen.json:
        print(json.dumps({one.title: {"ok": one.ok, **one.figures} for one in lines}))
    else:
        for one in lines:
            print(f"{'ok   ' if one.ok else 'WRONG'} {one.title}: {one.text}")
    return 0 if all(one.ok for one in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
