"""The catalog is whole: one hundred cases, each with a test and codes that exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.bad_inputs.catalog import CATALOG
from tiledsl.diagnostics import CATALOGUE

TESTS = sorted(Path(__file__).parent.glob("test_bad_*.py"))


def test_there_are_one_hundred_cases() -> None:
    assert sorted(CATALOG) == list(range(1, 101))


def test_their_codes_exist() -> None:
    codes = {code for case in CATALOG.values() for code in case.codes}
    assert codes <= set(CATALOGUE)


def test_every_case_has_a_test() -> None:
    found: set[int] = set()
    for path in TESTS:
        text = path.read_text()
        for names in re.findall(r"def test_case((?:_\d+)+)_", text):
            found |= {int(number) for number in names.strip("_").split("_")}
        # rows of tables start with the number of their case
        found |= {int(number) for number in re.findall(r"^    \((\d+), ", text, re.M)}
    assert set(CATALOG) - found == set()
