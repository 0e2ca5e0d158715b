"""A sample of mutants of a group of modules, judged in several processes."""

from __future__ import annotations

import gc
import json
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.mutation import judges
from tests.mutation.collected import Tests
from tests.mutation.excuses import Excuse, excuse
from tests.mutation.groups import Group
from tests.mutation.mutants import Mutant
from tests.mutation.trial import Verdict, living, try_mutant

# how much longer than unchanged code a mutant may run: slower by so much is noticed
_TIMES, _MORE_SECONDS = 3, 30
_BASELINE_SECONDS = 600


@dataclass(frozen=True)
class Trial:
    """A mutant by name and what became of it; ``excuse``: why nothing need see it."""

    module: str
    mutant: str
    verdict: Verdict
    excuse: Excuse | None

    @property
    def counts_as(self) -> str:
        """The outcome; of an excused mutant that nothing noticed the kind of excuse."""
        excused = self.excuse is not None and self.verdict.outcome == "survived"
        return self.excuse.kind if self.excuse and excused else self.verdict.outcome


@dataclass(frozen=True)
class Campaign:
    """How many mutants of a group, which, and in how many processes."""

    sample: int
    seed: int
    jobs: int

    def of(self, group: Group, modules: Iterable[str]) -> list[Mutant]:
        """The mutants to try in random order, so that a run may be cut short."""
        every = [m for m in group.mutants() if m.module in set(modules)]
        source = random.Random(f"{self.seed} {group.name}")
        return source.sample(every, min(self.sample, len(every)))


def run(
    campaign: Campaign, group: Group, chosen: list[Mutant], tests: Tests
) -> list[Trial]:
    """Tries every mutant, after making sure that nothing complains without one."""
    judges.warm(group)
    alive = living({mutant.module for mutant in chosen})
    durations = try_mutant(None, None, tests.durations, _BASELINE_SECONDS)
    kept = tests.arrange(durations.by)

    def judge(module: str) -> str | None:
        return judges.first_complaint(group, module) or tests.first_failure()

    gc.collect()
    gc.freeze()  # a collection in a child would copy all of this memory
    try:
        baseline = try_mutant(
            None,
            None,
            lambda: judges.first_complaint(group, "fold"),
            _BASELINE_SECONDS,
        )
        if baseline.outcome != "survived":
            raise SystemExit(f"{group.name}: {baseline.by} fails without a mutant")
        unchanged = baseline.seconds + kept
        limit = int(_TIMES * unchanged + _MORE_SECONDS)
        print(
            f"{group.name}: {len(chosen)} mutants; unchanged code takes"
            f" {unchanged:.0f} s, the limit is {limit} s",
            file=sys.stderr,
            flush=True,
        )

        def try_one(mutant: Mutant) -> Trial:
            verdict = try_mutant(
                mutant, alive[mutant.module], lambda: judge(mutant.module), limit
            )
            return Trial(mutant.module, mutant.name, verdict, excuse(mutant))

        return _in_processes(campaign.jobs, chosen, try_one)
    finally:
        gc.unfreeze()


def _in_processes(
    jobs: int, chosen: list[Mutant], try_one: Callable[[Mutant], Trial]
) -> list[Trial]:
    """Each process takes every ``jobs``-th mutant and writes what it finds to a file."""
    with tempfile.TemporaryDirectory() as folder:
        children = []
        for number in range(jobs):
            child = os.fork()
            if child == 0:
                path = Path(folder, str(number))
                code = 1
                try:
                    _work(chosen[number::jobs], try_one, path)
                    code = 0
                finally:
                    os._exit(code)
            children.append(child)
        for child in children:
            os.waitpid(child, 0)
        rows = [
            json.loads(line)
            for number in range(jobs)
            for line in Path(folder, str(number)).read_text("utf-8").splitlines()
        ]
    return sorted(map(_trial, rows), key=lambda trial: trial.mutant)


def _trial(row: dict[str, Any]) -> Trial:
    found = Excuse(*row["excuse"]) if row["excuse"] else None
    return Trial(row["module"], row["mutant"], Verdict(**row["verdict"]), found)


def _work(chosen: list[Mutant], try_one: Callable[[Mutant], Trial], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for mutant in chosen:
            trial = try_one(mutant)
            file.write(json.dumps(asdict(trial)) + "\n")
            file.flush()
            verdict = trial.verdict
            excused = f" ({trial.excuse.kind})" if trial.excuse else ""
            print(
                f"{verdict.outcome:8} {verdict.seconds:6.1f} s {mutant}"
                f" | {verdict.by}{excused}",
                file=sys.stderr,
                flush=True,
            )
