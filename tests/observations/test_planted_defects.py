"""Checked mode finds every class of defects, and reports it at its line and place."""

from __future__ import annotations

import linecache

import pytest

from tiledsl.testing.planted import Detection, detected_classes, detections
from tiledsl.testing.planted.defect import MARK

FOUND = list(detections())


@pytest.mark.parametrize("detection", FOUND, ids=lambda each: each.name)
def test_the_defect_is_found_and_its_absence_too(detection: Detection) -> None:
    assert detection.detected, f"{detection.wrong}\n{detection.report}"


@pytest.mark.parametrize("detection", FOUND, ids=lambda each: each.name)
def test_the_report_shows_the_line(detection: Detection) -> None:
    (found, *_) = [
        each for each in detection.report.findings if each.code == detection.code
    ]
    line = linecache.getline(found.span.file, found.span.line)
    assert line.rstrip().endswith(MARK)
    assert line.rstrip("\n") in str(detection.report)
    assert f"{found.count} times" in str(found) or "(once)" in str(found)
    assert 0 < len(found.samples) <= 3


def test_every_class_has_a_defect_and_the_table_says_so() -> None:
    table = detected_classes()
    assert all(table.values())
    # E5015 is about the arguments of a call, which never becomes a run
    codes = {each.code for each in FOUND}
    assert codes == {f"E50{number}" for number in range(10, 25)} - {"E5015"}


def test_a_checked_mode_that_finds_nothing_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tiledsl_numpy.sanitizer.session import Session

    monkeypatch.setattr(Session, "report", lambda *_: None)
    monkeypatch.setattr(Session, "report_elements", lambda *_: None)
    assert not any(detected_classes().values())
