"""Collecting what is found: one finding per place, with a count and a few samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tiledsl.diagnostics.check_report import Finding, Sample

# samples that are kept of one finding
_SAMPLES = 3
# places of which findings are kept; a kernel with more has long been judged
_PLACES = 1000


@dataclass(slots=True)
class Findings:
    """Findings of one run, merged by what and where they are."""

    merged: dict[tuple[object, ...], Finding] = field(default_factory=dict)

    def add(self, finding: Finding, samples: Iterable[Sample]) -> None:
        """Counts a finding again, or for the first time; keeps the first samples."""
        key = (finding.code, finding.kind, finding.message, finding.span)
        known = self.merged.get(key)
        if known is None:
            if len(self.merged) < _PLACES:
                self.merged[key] = replace(finding, samples=tuple(samples)[:_SAMPLES])
            return
        kept = known.samples
        if len(kept) < _SAMPLES:
            kept = (*kept, *samples)[:_SAMPLES]
        # what was an error once stays one
        severity = known.severity if known.severity == "error" else finding.severity
        count = known.count + finding.count
        self.merged[key] = replace(known, severity=severity, count=count, samples=kept)

    def result(self) -> tuple[Finding, ...]:
        """All findings, errors first, in the order in which they happened."""
        return tuple(
            sorted(self.merged.values(), key=lambda found: found.severity != "error")
        )
