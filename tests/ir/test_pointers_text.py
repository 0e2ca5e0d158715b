"""Parameters for which an address will do, in the text form."""

from __future__ import annotations

import pytest

from tiledsl.diagnostics import Error
from tiledsl.ir.parser import parse_function
from tiledsl.ir.printer import print_function
from tiledsl.ir.verifier import verify

TEXT = """tiledsl.ir 1
func f[m](pointers: int8[m], y: int8[m], n: int32) -> (y) pointers (pointers) fast_math
  launch (bx: m) threads 1
    y[bx] = pointers[bx]
"""


def test_round_trip() -> None:
    function = parse_function(TEXT)
    assert function.pointers == (0,) and function.outputs == (1,)
    assert print_function(function) == TEXT
    alone = TEXT.replace(" -> (y)", "").replace(" fast_math", "")
    assert print_function(parse_function(alone)) == alone


@pytest.mark.parametrize("wrong", ["n", "y", "pointers, pointers", "z"])
def test_what_cannot_be_one(wrong: str) -> None:
    with pytest.raises(Error, match=r"E3005|E3006|pointers are positions"):
        verify(parse_function(TEXT.replace("(pointers) fast", f"({wrong}) fast")))
