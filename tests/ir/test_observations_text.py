"""Statements that look at a run: text, round trip, what the verifier refuses."""

from __future__ import annotations

import pytest

from tiledsl.diagnostics import KernelError
from tiledsl.ir.parser import parse_function
from tiledsl.ir.printer import print_function

TEXT = """\
tiledsl.ir 1
func f[m](X: float32[m, 64], "wait": float32[m, 64], k: int32) -> ("wait")
  assume "m is \\"even\\"" m % 2 == 0
  assert "" k > 1:int32
  launch (bx: ceildiv(m, 32)) threads 128
    alloc fragment x: float32[32, 64]
    copy X[bx * 32 +: 32, 0 +: 64] -> x[0 +: 32, 0 +: 64] shape (32, 64) asynchronous
    wait
    print "tile\\n" [x[0 +: 32, 3]]
    print "" bx + 1
    print "alone"
    breakpoint ("x" [x[0 +: 32, 0 +: 64]], "bx" bx, "y" "wait"[bx, 0])
    breakpoint ()
    parallel (i: 32, j: 64)
      print "elem" x[i, j]
      assert "p" x[i, j] < 2.0
      assume "q" x[i, j] > 0.0
      breakpoint ("x" [x[0 +: 32, 0 +: 64]])
      "wait"[bx * 32 + i, j] = x[i, j] * 2.0
"""


@pytest.mark.parametrize("spans", [False, True])
def test_round_trip(spans: bool) -> None:
    function = parse_function(TEXT)
    assert print_function(function) == TEXT
    text = print_function(function, spans=spans)
    assert parse_function(text) == function
    assert print_function(parse_function(text), spans=spans) == text


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("assert \"p\" x[i, j] < 2.0", "assert \"p\" x[i, j]", "E3006"),
        ('print "elem" x[i, j]', 'print "elem" [x[i, 0 +: 64]]', "E3006"),
        ('print "elem" x[i, j]', "print x[i, j]", "E3002"),
        ('print "elem" x[i, j]', 'print "\\q" x[i, j]', "E3007"),
        ('print "elem" x[i, j]', "wait", "E3006"),
        ('assert "" k > 1:int32', 'assert "" X[0, 0] > 1.0', "E3006"),
        ('assert "" k > 1:int32', 'print "" k', "E3006"),
        ('breakpoint ()', 'breakpoint ("a" bx, "a" bx)', "E3006"),
    ],
)  # fmt: skip
def test_what_is_no_tile_ir(old: str, new: str, code: str) -> None:
    assert old in TEXT
    with pytest.raises(KernelError) as caught:
        parse_function(TEXT.replace(old, new))
    assert caught.value.code == code
