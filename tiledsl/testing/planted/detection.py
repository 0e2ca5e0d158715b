"""Does checked mode find what was planted, and nothing where nothing is?"""

from __future__ import annotations

import linecache
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tiledsl.diagnostics import CheckReport, Finding
from tiledsl.testing.planted import accesses, values
from tiledsl.testing.planted.defect import MARK, Defect, all_defects

# the modules that plant defects, which importing them does
PLANTERS = (accesses, values)


@dataclass(frozen=True, slots=True)
class Detection:
    """What became of one defect; ``wrong`` says what its report lacks, empty: nothing."""

    name: str
    code: str
    report: CheckReport
    wrong: str

    @property
    def detected(self) -> bool:
        return not self.wrong


def detections() -> Iterator[Detection]:
    """Runs every planted defect in checked mode."""
    for defect in all_defects():
        report = defect.kernel.check(*_copied(defect.faulty))
        wrong = _wrong(defect, report)
        clean = defect.kernel.check(*_copied(defect.clean))
        if not wrong and any(each.code == defect.code for each in clean.findings):
            wrong = "reported where there is no defect"
        yield Detection(defect.name, defect.code, report, wrong)


def detected_classes() -> dict[str, bool]:
    """For each class of defects whether checked mode detects it."""
    return {each.name: each.detected for each in detections()}


def _copied(arguments: tuple[np.ndarray | int, ...]) -> list[np.ndarray | int]:
    return [
        value.copy() if isinstance(value, np.ndarray) else value for value in arguments
    ]


def _wrong(defect: Defect, report: CheckReport) -> str:
    """What the report does not say of a defect: its line, place, samples and count."""
    found = [each for each in report.findings if each.code == defect.code]
    if not found:
        return "not reported"
    planted = [each for each in found if _marked(each)]
    if not planted:
        return "reported at another line"
    samples = [sample for each in planted for sample in each.samples]
    places = [(sample.block, sample.loops) for sample in samples]
    count = sum(each.count for each in planted)
    if count != defect.count:
        return f"counted {count} times instead of {defect.count}"
    if (defect.block, defect.loops) not in places:
        return f"placed at {places}"
    return ""


def _marked(finding: Finding) -> bool:
    line = linecache.getline(finding.span.file, finding.span.line)
    return line.rstrip().endswith(MARK)
