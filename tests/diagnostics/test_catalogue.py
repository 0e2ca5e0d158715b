"""Every code that can be raised is explained, and every explanation is needed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tiledsl.diagnostics import CATALOGUE

ROOT = Path(__file__).resolve().parent.parent.parent
CODE = re.compile(r"[EW]\d{4}")


def _codes_in_source() -> Iterator[tuple[str, str]]:
    for root in ("tiledsl", "backends", "kernels"):
        for path in sorted((ROOT / root).rglob("*.py")):
            if path.name == "catalogue.py":
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                text = node.value if isinstance(node, ast.Constant) else None
                if isinstance(text, str) and CODE.fullmatch(text):
                    yield text, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_code_in_the_source_is_in_the_catalogue() -> None:
    unknown = [where for code, where in _codes_in_source() if code not in CATALOGUE]
    assert not unknown


def test_every_code_of_the_catalogue_is_used() -> None:
    assert set(CATALOGUE) == {code for code, _ in _codes_in_source()}


def test_codes_are_sorted_within_their_kind() -> None:
    for letter in "EW":
        codes = [code for code in CATALOGUE if code.startswith(letter)]
        assert codes == sorted(codes)


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_meanings_are_sentences_without_a_period(code: str) -> None:
    meaning = CATALOGUE[code]
    assert CODE.fullmatch(code)
    assert len(meaning) > 10
    assert not meaning.endswith(".")
