"""Every cell of the conformance table: right, or refused with a code."""

from __future__ import annotations

import pytest

from tiledsl.testing.accuracy import Subject, subjects
from tiledsl.testing.accuracy.patterns import Amount


@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.name)
def test_subject(subject: Subject, backend: str, samples: Amount) -> None:
    """Nothing is wrong, nothing fails without a code, no error is above its limit."""
    findings = subject.judge([backend], samples)
    wrong = [str(finding) for finding in findings if not finding.ok]
    if wrong or not findings:
        pytest.fail("\n".join(wrong) or "nothing was judged", pytrace=False)
