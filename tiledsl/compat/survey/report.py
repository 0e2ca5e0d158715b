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
