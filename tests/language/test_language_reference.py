"""The reference in the guide is what the docstrings say."""

from __future__ import annotations

from pathlib import Path

from tiledsl import language
from tiledsl.testing.language_reference import BEGIN, END, reference, written_into

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "language.md"


def test_the_guide_is_up_to_date() -> None:
    assert reference() in GUIDE.read_text(encoding="utf-8"), (
        "run: python -m tiledsl.testing.language_reference docs/language.md"
    )


def test_every_name_has_a_row_and_a_meaning() -> None:
    text = reference()
    rows = [line for line in text.splitlines() if line.startswith("| `T.")]
    assert not [row for row in rows if row.endswith("|  |")]
    for name in ("copy", "gemm", "Kernel", "Parallel", "exp", "Tensor", "float16"):
        assert hasattr(language, name) and f"`T.{name}" in text
    assert "`T.tma_copy`" in text


def test_writing_replaces_what_was_written() -> None:
    page = written_into("# Guide\n")
    assert page.startswith("# Guide\n\n" + BEGIN) and page.endswith(END + "\n")
    assert written_into(page) == page
    assert written_into(f"# A\n\n{BEGIN}\nold\n{END}\n\nafter\n").endswith(
        "\n\nafter\n"
    )
