"""Bounds that an operation reads from the tile it changes are those before it."""

from __future__ import annotations

import pytest

from tiledsl.ir.parser import parse_function
from tiledsl.testing.fuzzing import Checks, check_program
from tiledsl.testing.generator import Program

# of two dimensions: the rows after the first one would see other bounds
TEXT = """tiledsl.ir 1
func f(x: int32[8, 6], out: int32[5, 6]) -> (out)
  launch (b: 1) threads 64
    alloc fragment t: int32[5, 6]
    copy x[0 +: 5, 0 +: 6] -> t[!0 +: 5, !0 +: 6] shape (5, 6)
    {operation}
    copy t[!0 +: 5, !0 +: 6] -> out[!0 +: 5, !0 +: 6] shape (5, 6)
"""


@pytest.mark.parametrize(
    "operation",
    [
        "copy x[index(t[0, 1]) % 3 +: 5, 1 +: 6] -> t[!0 +: 5, !0 +: 6] shape (5, 6)",
        "copy x[2 +: 4, 0 +: 6] -> t[0 +: 4, index(t[0, 1]) % 3 +: 6] shape (4, 6)",
        "fill t[0 +: 5, index(t[0, 1]) % 3 +: 6] = 8:int32",
        "fill t[0 +: 5, 0 +: index(t[0, 1]) % 5] = -9:int32",
    ],
)
def test_bounds_are_read_once(operation: str) -> None:
    function = parse_function(TEXT.format(operation=operation))
    for data in range(8):
        assert not check_program(Program(function, (), data), Checks(("llvm",)))
