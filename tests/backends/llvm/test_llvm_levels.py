"""Every small program without the instructions of newer processors."""

from __future__ import annotations

import pytest
from tiledsl_llvm import LlvmBackend
from tiledsl_llvm.machine import host_machine

from tiledsl.diagnostics import ArgumentError
from tiledsl.testing import Oracle, find_kernel, verify_kernel
from tiledsl.testing.programs import PROGRAMS, judge_program

LEVELS = ("x86-64", "x86-64-v3")


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TILEDSL_CPU", request.param)
    try:
        machine = host_machine()
    except ArgumentError:
        pytest.skip(f"this processor is below {request.param}")
    assert "avx512f" not in machine.features
    return str(request.param)


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_gives_the_bits_that_it_should(name: str, level: str) -> None:
    verdict = judge_program(name, "llvm")
    assert verdict.status == "ok", f"{level}: {verdict.detail}"


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("name", ["gemm", "softmax", "flash_fwd", "sparse_mla_fwd"])
def test_kernels_are_within_their_bounds(name: str) -> None:
    oracles: list[Oracle] = ["bounds", "integers"]
    # a backend of its own: a kernel keeps what was compiled for the one it knows
    reports = verify_kernel(
        find_kernel(name), backends=[LlvmBackend()], oracles=oracles
    )
    assert reports
    assert all(report.status == "ok" for report in reports), list(map(str, reports))
