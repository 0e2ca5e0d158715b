"""Every small program on a processor with other vectors, instructions and registers."""

from __future__ import annotations

import pytest

from tests.backends.llvm.emulated import EmulatedBackend, missing
from tiledsl.testing import Oracle, find_kernel, verify_kernel
from tiledsl.testing.programs import PROGRAMS, judge_program

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@pytest.fixture(scope="module")
def backend() -> EmulatedBackend:
    return EmulatedBackend()


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_gives_the_bits_that_it_should(name: str, backend: EmulatedBackend) -> None:
    verdict = judge_program(name, backend)
    assert verdict.status == "ok", verdict.detail


# products, functions, reductions, gathers: rounding differs, the bounds do not
@pytest.mark.parametrize("name", ["gemm", "softmax", "flash_fwd", "sparse_mla_fwd"])
def test_kernels_are_within_their_bounds(name: str, backend: EmulatedBackend) -> None:
    oracles: list[Oracle] = ["bounds", "integers"]
    reports = verify_kernel(find_kernel(name), backends=[backend], oracles=oracles)
    assert reports
    assert all(report.status == "ok" for report in reports), list(map(str, reports))
