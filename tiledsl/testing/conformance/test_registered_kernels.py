"""Every registered kernel, with all oracles."""

from __future__ import annotations

import pytest

from tiledsl.testing.registry import KernelEntry, discover_kernels
from tiledsl.testing.verify import verify_kernel


@pytest.mark.parametrize("entry", discover_kernels(), ids=lambda entry: entry.name)
def test_kernel(entry: KernelEntry, backend: str) -> None:
    """No oracle sees a mistake."""
    reports = verify_kernel(entry, backends=[backend])
    wrong = [str(report) for report in reports if not report.ok]
    if wrong or not reports:
        pytest.fail("\n".join(wrong) or "nothing was judged", pytrace=False)
