"""How an error looks: one line of facts, the place with a caret, notes, a way out."""

from __future__ import annotations

import linecache
import pickle
import textwrap
import traceback

from tiledsl.diagnostics import ArgumentError, Error, KernelError
from tiledsl.ir.spans import Span

FILE = "<example kernel>"
TEXT = "def kernel():\n\tT.gemm(a, b, c)\n    helper(x)\n"
linecache.cache[FILE] = (len(TEXT), None, TEXT.splitlines(True), FILE)
SPAN = Span(FILE, 2, 1, 2, 16)


def error() -> KernelError:
    return KernelError(
        "E0201",
        "gemm: K of a and b",
        span=SPAN,
        expected="64",
        got="65",
        hint="transpose b",
    )


def test_message_has_code_place_caret_expected_got_and_hint() -> None:
    assert str(error()) == textwrap.dedent(
        """\
        E0201 gemm: K of a and b: expected 64, got 65
          --> <example kernel>:2:2
              2 | \tT.gemm(a, b, c)
                | \t^^^^^^^^^^^^^^^
          hint: transpose b"""
    )


def test_the_caller_of_a_macro_is_shown_below() -> None:
    inner = Span(FILE, 3, 4, 3, 13, caller=SPAN)
    lines = str(KernelError("E0201", "no", span=inner)).splitlines()
    assert lines[1] == "  --> <example kernel>:3:5"
    assert lines[4] == "  called from <example kernel>:2:2"


def test_python_itself_draws_the_line() -> None:
    drawn = traceback.format_exception_only(KernelError, error())
    assert any("T.gemm(a, b, c)" in line for line in drawn)
    assert any("^^^" in line for line in drawn)


def test_errors_are_what_python_users_catch() -> None:
    assert isinstance(error(), SyntaxError | Error)
    assert isinstance(ArgumentError("E1001", "no"), ValueError)


def test_errors_survive_a_process_boundary() -> None:
    copy = pickle.loads(pickle.dumps(error()))
    assert str(copy) == str(error())
    assert copy.span == SPAN
