"""Text that is not IR: coded errors with line and column, whatever it is."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiledsl.analysis.reading import read_function
from tiledsl.diagnostics import KernelError
from tiledsl.ir.parser import parse_function
from tiledsl.ir.printer import print_function

GOOD = """tiledsl.ir 1
func f[m](x: float32[m, 8], s: int32, y: float32[m, 8]) -> (y)
  launch (b: ceildiv(m, 4)) threads 64
    alloc shared t: float32[4, 8]
    copy x[b * 4 +: 4, 0 +: 8] -> t[0 +: 4, 0 +: 8] shape (4, 8)
    parallel (i: 4, j: 8)
      if s < 3:int32
        t[i, j] = t[i, j] * 2.0
      else
        t[i, j] = 0.0
    copy t[0 +: 4, 0 +: 8] -> y[b * 4 +: 4, 0 +: 8] shape (4, 8)
"""


def error_of(text: str) -> KernelError:
    started = time.monotonic()
    with pytest.raises(KernelError) as caught:
        parse_function(text)
    assert time.monotonic() - started < 15
    error = caught.value
    assert error.code.startswith("E300")
    assert re.search(r"line \d+, column \d+", error.message)
    assert error.span is not None and error.span.line >= 1
    return error


def in_line(number: int, line: str) -> str:
    lines = GOOD.splitlines()
    lines[number - 1] = line
    return "\n".join(lines) + "\n"


def test_the_good_text_is_good() -> None:
    assert print_function(parse_function(GOOD)) == GOOD


CASES = [
    # line replaced, its new text, code, column
    (1, "", "E3001", 1),
    (1, "hello", "E3001", 1),
    (1, "tiledsl.ir", "E3001", 1),
    (1, "tiledsl.ir 2", "E3001", 12),
    (1, "tiledsl.ir 99999999999999999999999", "E3001", 12),
    (2, "fun f()", "E3003", None),
    (2, "func f[m](x: float33[m])", "E3003", None),
    (2, "func f[m, m](x: float32[m])", "E3005", None),
    (2, "func f[m](x: float32[n])", "E3005", None),
    (2, "func f[m](x: float32[m]) -> (z)", "E3005", None),
    (3, "  launch (b: 3) threads 0", "E3006", 1),
    (3, "  launch () threads 64", "E3002", None),
    (4, "    alloc registers t: float32[4, 8]", "E3003", None),
    (4, "    alloc shared t: float32[4, 8] strides(8, 1)", "E3006", 1),
    (4, "   alloc shared t: float32[4, 8]", "E3002", 4),
    (4, "      alloc shared t: float32[4, 8]", "E3002", 7),
    (5, "    warp x[0 +: 4] -> t[0 +: 4] shape (4)", "E3003", None),
    (5, "    copy x[0 +: 4, 0] -> q[0 +: 4, 0] shape (4)", "E3005", None),
    (5, "    copy x[0 +: 4, 0] -> t[0 +: 4, 0] shape (4, 4)", "E3006", 1),
    (5, "    copy x[0 +: 4, 0] -> t[0 +: 4, 0]", "E3002", None),
    (8, "        t[i, j] = frobnicate(t[i, j])", "E3003", 19),
    (8, "        t[i, j] = max(t[i, j])", "E3002", 19),
    (8, "        t[i, j] = t[i] * 2.0", "E3006", 1),
    (8, "        t[i, j] = t[i, j] * 2", "E3006", 1),
    (8, "        t[i, j] = t[i, j] * 1e99", "E3007", 29),
    (8, "        t[i, j +: 2] = 1.0", "E3002", None),
    (8, "        t[i, j; fill 0.0] = 1.0", "E3002", None),
    (8, "        t[i, j] = float32(i, saturate maybe)", "E3002", None),
    (8, "        t[i, j] = float32(i, rounding up)", "E3003", None),
    (8, "        t[i, j] = exp(t[i, j], rounding rz)", "E3003", None),
    (8, "        t[i, j] = 1.0 @7", "E3005", None),
    (8, "        t[i, j] = (1.0", "E3002", None),
    (8, "        t[i, j] sun= 1.0", "E3003", None),
    (8, "        t[i, j] = 3:float32", "E3007", None),
    (8, "        t[i, j] = 0x7f:float32", "E3007", None),
    (8, "        t[i, j] = 0x7f800000", "E3007", None),
    (8, "        t[i, " + "9" * 60 + "] = 0.0", "E3007", None),
    (8, "        t[i, " + "9" * 100_000 + "] = 0.0", "E3007", None),
    (8, "        t[i, 9999999999999999999] = 0.0", "E3006", 1),
    (8, '        "t[i, j] = 0.0', "E3002", None),
    (8, '        "\\q"[i, j] = 0.0', "E3007", None),
    (8, "        break", "E3006", 1),
    (8, "        launch (q: 1) threads 1", "E3002", None),
    (9, "      otherwise", "E3003", None),
    (11, "    else", "E3002", 5),
    (11, "    pass", "E3002", 5),
    (11, "    func g()", "E3002", 5),
]


@pytest.mark.parametrize("number, line, code, column", CASES)
def test_one_wrong_line(number: int, line: str, code: str, column: int | None) -> None:
    error = error_of(in_line(number, line))
    assert error.code == code, error
    assert error.span.line == number or "block" in error.message
    if column is not None and code != "E3006":
        assert error.span.column + 1 == column, error


def test_newer_version_names_both() -> None:
    assert "version 2" in error_of("tiledsl.ir 2\n").message
    assert "knows 1 to 1" in error_of("tiledsl.ir 2\n").message
    message = error_of(in_line(8, "        t[i, j] = frobnicate(1.0)")).message
    assert "'frobnicate'" in message and "version 1" in message


@pytest.mark.parametrize(
    "character", ["\0", "\ufeff", "\u202e", "\t", "\r", "é", "\ud800"]
)
def test_foreign_characters(character: str) -> None:
    error = error_of(in_line(5, "    copy x" + character))
    assert (error.code, error.span.line, error.span.column) == ("E3002", 5, 10)
    assert error_of(character + GOOD).code == "E3002"


def test_empty_and_truncated_texts() -> None:
    for length in range(len(GOOD)):
        ends_early = GOOD[length] != "\n" and length < GOOD.index("    copy")
        if ends_early:
            error_of(GOOD[:length])


HOSTILE = {
    "parentheses": "tiledsl.ir 1\nfunc f()\n  launch (b: " + "(" * 100_000,
    "nested calls": "tiledsl.ir 1\nfunc f()\n  launch (b: "
    + "neg(" * 5_000
    + "1"
    + ")" * 5_000
    + ") threads 1\n    pass\n",
    "long chain": "tiledsl.ir 1\nfunc f()\n  launch (b: 1"
    + " + 1" * 20_000
    + ") threads 1\n    pass\n",
    "long line": "tiledsl.ir 1\nfunc f()\n  launch (b: " + "1" * 10**6 + ")",
    "deep blocks": "tiledsl.ir 1\nfunc f()\n"
    + "".join("  " * d + "if true\n" for d in range(1, 400)),
    "many names": "tiledsl.ir 1\nfunc f["
    + ", ".join(f"a{i}" for i in range(9999))
    + "]() -> (z)",
    "many lines": "tiledsl.ir 1\nfunc f()\n" + "  pass\n" * 1_100_000,
    "too long": "tiledsl.ir 1\n" + " " * 2**24,
    "spans": GOOD + 'span 2 = "f" 1:1 - 1:1 from 1\n',
    "span names": GOOD + 'span 1 = "\\x" 1:1 - 1:1\n',
    "span syntax": GOOD + "span one\n",
    "two functions": GOOD + "func g()\n  pass\n",
    "strings": "tiledsl.ir 1\nfunc " + '"' + "\\" * 100_001,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts(name: str) -> None:
    error_of(HOSTILE[name])


def test_reading_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiledsl.ir.parser.MAX_SECONDS", 0.5)
    line = "    t[0, 0] = t[0, 0] * 2.0\n"
    started = time.monotonic()
    assert error_of(GOOD + line * 300_000).code == "E3004"
    assert time.monotonic() - started < 5


def test_nesting_up_to_the_limit_is_read() -> None:
    deep = "neg(" * 200 + "1" + ")" * 200
    text = f"tiledsl.ir 1\nfunc f()\n  launch (b: {deep}) threads 1\n    pass\n"
    assert print_function(parse_function(text)) == text


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_texts_never_crash(data: st.DataObject) -> None:
    text = GOOD
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        cut = data.draw(st.integers(0, 6))
        put = data.draw(
            st.sampled_from(sorted({*re.findall(r"\w+|\S|\n", GOOD), "!", " "}))
        )
        text = text[:at] + put + text[at + cut :]
    try:
        function = read_function(text)
    except KernelError as error:
        assert error.code.startswith("E300")
    else:
        assert read_function(print_function(function)) == function


def test_claims_are_never_believed() -> None:
    lie = in_line(8, "        t[!i, !j] = x[!i + 90, !j] * 2.0")
    dropped = print_function(parse_function(lie))
    assert "!" not in dropped
    assert "t[!i, !j] = x[i + 90, !j] * 2.0" in print_function(read_function(lie))
