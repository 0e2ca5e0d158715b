"""The outcomes as a table: counts of every class, and of what stops programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tiledsl.compat.survey.outcome import CLASSES, Outcome


def summary(outcomes: Sequence[Outcome]) -> str:
    """Two tables in Markdown."""
    return "\n".join([*_classes(outcomes), "", *_reasons(outcomes)])


def _classes(outcomes: Sequence[Outcome]) -> Iterator[str]:
    counts = Counter(outcome.kind for outcome in outcomes)
    yield "| class | programs | meaning |"
    yield "|---|---:|---|"
    for kind, meaning in CLASSES.items():
        if counts[kind]:
            yield f"| {kind} | {counts[kind]} | {meaning} |"
    yield f"| all | {len(outcomes)} | |"


def _reasons(outcomes: Sequence[Outcome]) -> Iterator[str]:
    counts = Counter(
        (outcome.kind, outcome.reason) for outcome in outcomes if outcome.reason
    )
    yield "| class | first thing that stops it | programs |"
    yield "|---|---|---:|"
    order = list(CLASSES)
    for (kind, reason), count in sorted(
        counts.items(),
        key=lambda entry: (order.index(entry[0][0]), -entry[1], entry[0]),
    ):
        yield f"| {kind} | {reason.replace('|', '/')} | {count} |"


def shares(outcomes: Sequence[Outcome], portable: frozenset[str]) -> Iterator[str]:
    """How many of the portable programs, and test functions, give right results.

    Not judged, in a column of their own: what lacks a package, and what launches no
    kernel here because it only defines some or its tests are skipped.
    """
    yield "| portable | all | not judged | right | share |"
    yield "|---|---:|---:|---:|---:|"
    for title, is_function in (("programs", False), ("test functions", True)):
        kinds = [
            outcome.kind
            for outcome in outcomes
            if outcome.program in portable and ("::" in outcome.program) == is_function
        ]
        if kinds:
            unjudged = sum(kind in ("package", "no kernel") for kind in kinds)
            right = sum(kind in ("right", "ran") for kind in kinds)
            share = 100 * right / max(1, len(kinds) - unjudged)
            yield f"| {title} | {len(kinds)} | {unjudged} | {right} | {share:.1f} % |"


def listing(outcomes: Sequence[Outcome], portable: frozenset[str]) -> Iterator[str]:
    """Every program with its class and the first thing that stops it."""
    yield "| program | portable | class | reason |"
    yield "|---|---|---|---|"
    for outcome in outcomes:
        name = outcome.program.removeprefix("examples/")
        kept = "yes" if outcome.program in portable else "no"
        reason = outcome.reason.replace("|", "/").partition(": ")
        yield f"| {name} | {kept} | {outcome.kind} | {reason[0]} |"
