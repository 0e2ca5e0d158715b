"""``tiledsl verify --all`` fails when a lowering loses a mask, a clear, a fill or a tail.

The command runs small programs beside the kernels, because kernels whose tiles fit well
do not need every mask.  What kernels lose themselves, their rescaling among it, is
planted in tests/kernels/test_planted_mistakes.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

import tiledsl
from tests.faults.catalogue import FAULTS
from tests.faults.planting import planted
from tiledsl.commands.group import commands
from tiledsl.runtime.cache import _Switch
from tiledsl.testing import verify_programs

LOST = (
    "mask-one-too-far", "masked-store-writes-all", "negative-wraps-round",
    "box-tail-dropped", "fill-ignored", "product-never-cleared",
    "product-always-cleared", "reduce-identity", "llvm-mask-one-too-far",
    "llvm-mask-signed", "llvm-second-dimension", "llvm-fill-is-zero",
    "llvm-vector-tail", "llvm-vector-head", "llvm-rest-dropped", "llvm-rest-unmasked",
    "llvm-row-tail", "llvm-column-tail", "llvm-accumulator-cleared",
    "llvm-reduce-not-cleared", "llvm-source-not-clipped", "llvm-target-not-clipped",
    "triton-mask-one-too-far", "triton-mask-from-below", "triton-one-mask-of-two",
    "triton-fill-is-zero", "triton-store-unmasked", "triton-padding-stored",
    "triton-tile-write-unmasked", "triton-accumulator-kept",
    "triton-accumulator-cleared", "triton-copy-clip", "triton-reduce-not-cleared",
    "triton-padding-counts",
)  # fmt: skip
BY_NAME = {fault.name: fault for fault in FAULTS}


@pytest.fixture(autouse=True)
def no_cache() -> Iterator[None]:
    before = _Switch.enabled
    tiledsl.disable_cache()
    yield
    _Switch.enabled = before


@pytest.mark.parametrize("name", LOST)
def test_verify_sees_what_a_lowering_lost(name: str) -> None:
    fault = BY_NAME[name]
    if fault.layer == "triton":
        pytest.importorskip("triton")
    with planted(fault):
        seen = any(not report.ok for report in verify_programs([fault.layer]))
    assert seen, f"verify does not see that {fault.meaning}"


@pytest.mark.parametrize("backend", ["numpy", "llvm", "triton"])
def test_verify_sees_nothing_in_a_lowering_without_fault(backend: str) -> None:
    if backend == "triton":
        pytest.importorskip("triton")
    assert [str(report) for report in verify_programs([backend]) if not report.ok] == []


def test_the_command_fails_and_names_program_and_element() -> None:
    arguments = ["verify", "--all", "--json", "--backends", "numpy"]
    with planted(BY_NAME["mask-one-too-far"]):
        result = CliRunner().invoke(commands, arguments)
    assert result.exit_code == 1
    wrong = [row for row in json.loads(result.stdout) if row["status"] == "wrong"]
    assert any(
        row["kernel"] == "programs"
        and row["oracle"] == "exact"
        and "output 0[" in row["detail"]
        for row in wrong
    )
