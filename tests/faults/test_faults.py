"""Every planted fault is seen, by the check that is known to see it first.

``python -m tests.faults`` finds these checks and writes them to seen_by.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import tiledsl
from tests.faults.catalogue import FAULTS
from tests.faults.oracles import Check, sees
from tests.faults.planting import Fault, NotThere, planted
from tests.faults.sequences import SEQUENCES
from tiledsl.runtime.cache import _Switch
from tiledsl.testing.programs import PROGRAMS

SEEN_BY = {
    name: Check.parse(row["check"])
    for name, row in json.loads(
        Path(__file__).with_name("seen_by.json").read_text(encoding="utf-8")
    ).items()
    if row["check"]
}


@pytest.fixture(autouse=True, scope="module")
def no_cache() -> Iterator[None]:
    before = _Switch.enabled
    tiledsl.disable_cache()
    yield
    _Switch.enabled = before


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_seen(fault: Fault) -> None:
    assert fault.name in SEEN_BY, f"no check sees that {fault.meaning}"
    check = SEEN_BY[fault.name]
    if check.backend == "triton":
        pytest.importorskip("triton")
    with planted(fault):
        shown = sees(check)
    assert shown, f"{check} does not see that {fault.meaning}"


@pytest.mark.parametrize("check", sorted(set(SEEN_BY.values())), ids=str)
def test_check_passes_without_a_fault(check: Check) -> None:
    if check.backend == "triton":
        pytest.importorskip("triton")
    assert sees(check) is None


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_on_the_interpreter_and_the_cpu(name: str) -> None:
    for backend in ("numpy", "passes", "llvm"):
        assert sees(Check("program", name, backend)) is None


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequence(name: str) -> None:
    assert sees(Check("sequence", name, "numpy")) is None


def test_a_fault_ends_with_its_block() -> None:
    fault = next(fault for fault in FAULTS if fault.name == "or-is-and")
    check = SEEN_BY[fault.name]
    with planted(fault):
        assert sees(check)
    assert sees(check) is None


def test_a_fault_whose_text_is_gone_is_refused() -> None:
    fault = Fault("none", "", "tiledsl.passes.dead_code:_target", "no such text", "")
    with pytest.raises(NotThere), planted(fault):
        pass


def test_the_catalogue_is_large_and_its_names_are_unique() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert len(FAULTS) >= 240
    assert {fault.layer for fault in FAULTS} >= {
        "frontend", "analysis", "passes", "numpy", "llvm", "triton", "runtime",
    }  # fmt: skip
