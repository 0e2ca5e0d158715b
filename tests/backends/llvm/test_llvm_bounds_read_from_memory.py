"""Bounds that an operation reads from the tile it changes are those before it."""

from __future__ import annotations

import pytest

from tiledsl.ir.parser import parse_function
from tiledsl.testing.fuzzing import Checks, check_program
from tiledsl.testing.generator import Program

TEXT = """tiledsl.ir 1
func f(x: int32[8], out: int32[4]) -> (out)
  launch (b: 1) threads 64
    alloc fragment t: int32[4]
    copy x[0 +: 4] -> t[!0 +: 4] shape (4)
    {operation}
    copy t[!0 +: 4] -> out[!0 +: 4] shape (4)
"""


@pytest.mark.parametrize(
    "operation",
    [
        "copy x[index(t[0]) % 2 + 1 +: 4] -> t[!0 +: 4] shape (4)",
        "copy x[0 +: 4] -> t[index(t[0]) % 2 +: 3] shape (3)",
        "fill t[index(t[0]) % 2 +: index(t[1]) % 4] = 7:int32",
        "fill t[0 +: index(t[0] + 2:int32) % 4] = -9:int32",
    ],
)
def test_bounds_are_read_once(operation: str) -> None:
    function = parse_function(TEXT.format(operation=operation))
    for data in range(8):
        assert not check_program(Program(function, (), data), Checks(("llvm",)))
