"""The table of constructs and backends in the guide says what the small programs say."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tiledsl.testing import support
from tiledsl.testing.oracles import Verdict
from tiledsl.testing.programs import PROGRAMS

PAGE = Path(__file__).resolve().parents[2] / "docs/coming-from-tilelang.md"


@cache
def judged() -> dict[tuple[str, str], Verdict]:
    return support.judged()


def test_no_program_is_wrong_on_any_backend() -> None:
    wrong = {
        place: verdict
        for place, verdict in judged().items()
        if verdict.status not in ("ok", "unsupported")
    }
    assert not wrong


def test_the_guide_has_the_table() -> None:
    text = PAGE.read_text()
    assert text == support.written_into(text, support.table(judged()))


def test_constructs_are_read_from_the_source() -> None:
    found = support.constructs_of("jumps-and-conditions")
    assert {"break", "continue", "while", "a = b = c", "a < b < c", "if"} <= found
    assert {"T.alloc_var", "T.Parallel", "T.int8", "T.int32"} <= found
    assert not found & {"assert", "T.gemm", "T.float32"}
    assert "T.gemm(transpose_A=)" in support.constructs_of("products-turned-by-name")


def test_a_refusal_and_a_mistake_show() -> None:
    verdicts = {(program, "here"): Verdict("ok") for program in PROGRAMS}
    verdicts["values-printed", "here"] = Verdict("unsupported")
    verdicts["patches-of-an-image", "here"] = Verdict("wrong")
    verdicts["hints-change-nothing", "here"] = Verdict("unsupported")
    made = support.table(verdicts)
    assert "`T.GemmWarpPolicy`" in made
    assert " | in part |" in made
    assert "`T.print` | refused |" in made
    assert "`T.im2col` | wrong |" in made
