"""Every kernel compiles for devices that are not here, with its tiles for real models."""

from __future__ import annotations

import pytest

from tiledsl.testing import KernelEntry, discover_kernels, verify_kernel

# these must compile; other targets may refuse a kernel, with a reason
REQUIRED = ("cuda:sm_90", "hip:gfx942")


@pytest.mark.parametrize("size", ["small", "model"])
@pytest.mark.parametrize("entry", discover_kernels(), ids=lambda entry: entry.name)
def test_kernel_compiles_for_every_gpu(entry: KernelEntry, size: str) -> None:
    pytest.importorskip("triton")
    reports = verify_kernel(entry, backends=["triton"], size=size, oracles=["compile"])
    assert not [str(report) for report in reports if not report.ok]
    compiled = {report.backend for report in reports if report.status == "ok"}
    assert compiled >= {f"triton {target}" for target in REQUIRED}
