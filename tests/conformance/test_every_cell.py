"""The conformance table of every backend that runs here: nothing wrong, nothing untested."""

from __future__ import annotations

import pytest

from tiledsl.testing import runnable_backends
from tiledsl.testing.accuracy import Cell, Measurement, Subject, subjects

BACKENDS = runnable_backends()


@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.name)
def test_subject(subject: Subject) -> None:
    findings = subject.judge(BACKENDS, "small")
    assert not [str(finding) for finding in findings if not finding.ok]
    places: dict[object, set[str]] = {}
    for finding in findings:
        if isinstance(finding, Cell):
            place: object = (finding.construct, finding.dtypes)
        else:
            place = (finding.function, finding.argument)
        places.setdefault(place, set()).add(finding.backend)
    assert places
    if subject.name == "products":
        # what a backend can do is tried in full; of the rest a few, which may differ
        return
    assert all(tried == set(BACKENDS) for tried in places.values())


def test_measurements_of_narrow_arguments_are_exhaustive() -> None:
    found = next(s for s in subjects() if s.name == "functions of float16")
    rows = found.judge(["numpy"], "small")
    unary = [r for r in rows if isinstance(r, Measurement) and r.function == "exp"]
    assert unary[0].samples >= 1 << 16
