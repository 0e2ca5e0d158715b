"""The page of trust: what it says, and that it fails when something is not seen."""

from __future__ import annotations

import json

import pytest

import tiledsl
from tests.faults.catalogue import FAULTS
from tests.faults.test_faults import SEEN_BY
from tests.trust import __main__ as trust

FEW = ("--programs", "6", "--jobs", "1", "--json")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = [fault for fault in FAULTS if SEEN_BY[fault.name].kind == "program"][:3]
    monkeypatch.setattr(trust, "FAULTS", chosen)
    monkeypatch.setattr(trust, "runnable_backends", lambda: ("numpy",))
    monkeypatch.setattr(trust, "verify_programs", lambda: ())
    monkeypatch.setattr(tiledsl, "disable_cache", lambda: None)  # for this process


def test_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert trust.main([*FEW, "--seed", "3"]) == 0
    page = json.loads(capsys.readouterr().out)
    assert page["generated programs"] == {
        "ok": True, "programs": 6, "seed": 3, "mismatches": [],
    }  # fmt: skip
    assert page["planted faults"]["planted"] == 3
    assert page["mutants"]["of"] >= 50


def test_a_fault_that_nothing_sees_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missed = trust.FAULTS[1]
    look = trust.sees
    monkeypatch.setattr(
        trust, "sees", lambda check: check != SEEN_BY[missed.name] and look(check)
    )
    assert trust.main(list(FEW)) == 1
    page = json.loads(capsys.readouterr().out)
    assert missed.name in page["planted faults"]["missed"]
