"""``python -m tests.mutation``: how many mutants of the compiler are noticed.

Mutants of each part are planted, each in a process of its own forked from one in which
all is imported, traced and collected, and judged by the programs of the fault catalogue,
by generated functions and by the tests of the part, until something complains.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections import Counter

import tiledsl
from tests.mutation import record
from tests.mutation.campaign import Campaign, Trial, run
from tests.mutation.collected import Tests, with_tests
from tests.mutation.groups import GROUPS, Group
from tests.mutation.mutants import Mutant


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument(
        "parts", nargs="*", help="parts or modules; all if none is given"
    )
    parser.add_argument("--each", type=int, default=40, help="mutants of a part")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument(
        "--keep", action="store_true", help="keep the figures beside this file"
    )
    parser.add_argument(
        "--programs-only",
        action="store_true",
        help="do not ask tests: faster, and a lower bound of the score",
    )
    parser.add_argument(
        "--retry",
        action="store_true",
        help="try only what survived the kept run, and keep what became of it",
    )
    parser.add_argument(
        "--report", action="store_true", help="write the kept figures to docs/faults.md"
    )
    return parser.parse_args()


def main() -> int:
    chosen = _arguments()
    if chosen.report:
        record.report()
        return 0
    tiledsl.disable_cache()
    found = _measured(chosen)
    if chosen.json:
        print(json.dumps(found, indent=1))
        return 0
    for group, run_of_group in found.items():
        for mutant in run_of_group["survivors"]:
            print(f"survived: {mutant}")
        seen, meant = record.score(run_of_group["modules"].values())
        print(f"{group}: noticed {seen} of {meant}: {100 * seen / max(meant, 1):.1f} %")
    return 0


def _measured(chosen: argparse.Namespace) -> record.Record:
    words = ["python -m tests.mutation", *chosen.parts]
    words += ["--programs-only"] * chosen.programs_only
    command = f"{' '.join(words)} --each {chosen.each} --seed {chosen.seed}"
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    campaign = Campaign(chosen.each, chosen.seed, chosen.jobs)
    before = record.kept() if chosen.retry else {}
    found: record.Record = {}
    for group in GROUPS:
        wanted = [
            name
            for name in group.modules
            if not chosen.parts or {group.name, name} & set(chosen.parts)
        ]
        sample = campaign.of(group, wanted)
        if chosen.retry:
            again = set(before[group.name]["survivors"] if group.name in before else ())
            sample = [m for m in _all_of(group, wanted) if m.name in again]
        if not sample:
            continue
        trials = _tried(campaign, group, sample, programs_only=chosen.programs_only)
        if chosen.retry:
            found[group.name] = record.retried(before[group.name], trials, today)
        else:
            counts = Counter(m.module for m in _all_of(group, wanted))
            found[group.name] = record.run_of(command, today, counts, trials)
        if chosen.keep or chosen.retry:
            record.keep(group.name, found[group.name])
    return found


def _all_of(group: Group, modules: list[str]) -> list[Mutant]:
    return [mutant for mutant in group.mutants() if mutant.module in modules]


def _tried(
    campaign: Campaign, group: Group, sample: list[Mutant], *, programs_only: bool
) -> list[Trial]:
    if programs_only:
        return run(campaign, group, sample, Tests([]))
    trials: list[Trial] = []
    failure = with_tests(
        group,
        lambda tests: trials.extend(run(campaign, group, sample, tests)),
    )
    if failure:
        raise SystemExit(f"{group.name}: the tests could not be asked ({failure})")
    return trials


if __name__ == "__main__":
    sys.exit(main())
