"""``tiledsl fuzz``: generated programs against every oracle."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from tiledsl import settings
from tiledsl.commands.output import json_option, print_json, progress
from tiledsl.commands.selection import backends_option, chosen_backends
from tiledsl.diagnostics import ArgumentError
from tiledsl.testing.fuzzing import (
    Campaign,
    Checks,
    Failure,
    Found,
    Result,
    check_program,
    every_check,
    reduce_program,
    run_campaign,
    save,
)
from tiledsl.testing.generator import POLICIES, Policy, Program, find_policy
from tiledsl.testing.generator.mutation import program_of
from tiledsl.testing.generator.policy import LIBRARY

# kinds of failures that are reduced and saved; more of a kind are only counted
_SAVED_PER_KIND = 2
_SECONDS_PER_REDUCTION = 60.0
_SECONDS_PER_LINE = 60.0
_SLOW_PERIOD = 50


@click.command()
@click.option("--programs", type=click.IntRange(1), help="How many programs.")
@click.option("--hours", type=click.FloatRange(0, min_open=True), help="How long.")
@click.option("--seed", type=click.IntRange(0), help="The first seed; else the clock.")
@backends_option
@click.option("--policy", metavar="NAME", help="One bias instead of all of them.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--sample",
    "samples",
    multiple=True,
    metavar="NAME=N",
    help="Ask a backend about every N-th program only.  [default: 50 for slow ones]",
)
@click.option("--every-oracle", is_flag=True, help="Sample nothing; slow.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("fuzz-failures"),
    show_default=True,
    help="Where failures are written.",
)
@json_option
def fuzz(
    programs: int | None,
    hours: float | None,
    seed: int | None,
    backends: str | None,
    policy: str | None,
    jobs: int,
    samples: tuple[str, ...],
    every_oracle: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Check generated programs; every one is determined by its seed and policy."""
    first = seed if seed is not None else time.time_ns() // 10**6 % 10**9
    names = chosen_backends(backends)
    checks = every_check(names) if every_oracle else _checks(names, samples)
    limit = programs if programs is not None or hours is not None else 1000
    seconds = None if hours is None else hours * 3600
    campaign = Campaign(checks, first, limit, seconds, _policy(policy), jobs)
    click.echo(f"seed {first}", err=as_json)
    result = run_campaign(campaign, _Progress().show)
    progress("")
    files = _save(result, campaign, out)
    if as_json:
        print_json(_summary(result, first, files))
    else:
        _print(result, files)
    if result.found:
        sys.exit(1)


class _Progress:
    """A line that a terminal rewrites; in a log a line a minute."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def show(self, result: Result) -> None:
        if sys.stderr.isatty():
            progress(_line(result))
        elif time.monotonic() - self._last > _SECONDS_PER_LINE:
            self._last = time.monotonic()
            click.echo(_line(result), err=True)
            for found in result.found[-3:]:
                click.echo(f"  seed {found.seed}: {found.failure}"[:400], err=True)


def _checks(names: tuple[str, ...], samples: tuple[str, ...]) -> Checks:
    fast = (settings.REFERENCE, *settings.DEFAULT_ORDER["cpu"][:1])
    periods = {name: _SLOW_PERIOD for name in names if name not in fast}
    for text in samples:
        name, _, period = text.partition("=")
        if name not in names or not period.isdecimal() or int(period) < 1:
            raise ArgumentError(
                "E4050",
                "--sample",
                expected=f"NAME=N with one of {', '.join(names)} and N from 1 up",
                got=repr(text),
            )
        periods[name] = int(period)
    return Checks(names, periods)


def _policy(name: str | None) -> Policy | None:
    if name is None:
        return None
    try:
        return find_policy(name)
    except KeyError:
        raise ArgumentError(
            "E4050",
            f"policy '{name}'",
            expected="one of "
            + ", ".join(known.name for known in (*POLICIES, LIBRARY)),
            got=repr(name),
        ) from None


def _line(result: Result) -> str:
    return (
        f"{result.programs} programs, {result.rate:.1f} a second, "
        f"{len(result.found)} failures"
    )


# ---------------------------------------------------------------------- failures


def _save(result: Result, campaign: Campaign, out: Path) -> list[Path]:
    """The first failures of each kind, reduced, one file each."""
    kinds: dict[tuple[str, str], int] = {}
    files: list[Path] = []
    for found in result.found:
        kind = (found.failure.oracle, found.failure.where)
        kinds[kind] = kinds.get(kind, 0) + 1
        if kinds[kind] <= _SAVED_PER_KIND:
            progress(f"reducing seed {found.seed}")
            program, failure = _reduced(found, campaign)
            files.append(save(out, program, failure, campaign.checks.backends))
    progress("")
    return files


def _reduced(found: Found, campaign: Campaign) -> tuple[Program, Failure]:
    """A smaller program that fails alike, and what is said of it."""
    program = program_of(found.seed, campaign.policy)
    if found.failure.where == "process":
        return program, found.failure  # it would end this process too

    def complaint(smaller: Program) -> Failure | None:
        said = check_program(smaller, campaign.checks)
        alike = next((one for one in said if one.same_kind(found.failure)), None)
        # what depends on undefined memory differs everywhere
        undefined = any(one.oracle.startswith("interpreter") for one in said)
        if undefined and not found.failure.oracle.startswith("interpreter"):
            return None
        return alike

    smaller = reduce_program(
        program,
        lambda candidate: complaint(candidate) is not None,
        seconds=_SECONDS_PER_REDUCTION,
    )
    return smaller, complaint(smaller) or found.failure


def _print(result: Result, files: list[Path]) -> None:
    for found in result.found[:20]:
        click.echo(f"seed {found.seed}: {found.failure}")
    for file in files:
        click.echo(f"\n{file}:\n{file.read_text(encoding='utf-8')}")
    coverage = result.coverage
    for title, counts in (
        ("passes that changed something", coverage.fired),
        ("refused", coverage.refused),
        ("texts with mistakes", coverage.diagnostics),
        ("statements and expressions", coverage.nodes),
        ("policies", coverage.policies),
    ):
        text = ", ".join(f"{name} {count}" for name, count in counts.most_common())
        click.echo(f"{title}: {text or 'none'}")
    used = len(coverage.operations)
    missing = ", ".join(coverage.missing_operations()) or "none"
    click.echo(
        f"operations by dtype: {used} kinds; scalar operations unused: {missing}"
    )
    unseen = coverage.missing_diagnostics()
    click.echo(f"codes of mistakes that no text had: {', '.join(unseen) or 'none'}")
    click.echo(f"{_line(result)} in {result.seconds:.0f} s")


def _summary(result: Result, seed: int, files: list[Path]) -> dict[str, object]:
    return {
        "seed": seed,
        "seconds": result.seconds,
        "coverage": result.coverage.as_dict(),
        "found": [
            {"seed": found.seed, "failure": found.failure} for found in result.found
        ],
        "files": files,
    }
