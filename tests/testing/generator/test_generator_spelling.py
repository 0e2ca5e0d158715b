"""Source text of generated functions: what it cannot say, and what it must say carefully."""

from __future__ import annotations

import pytest

from tiledsl.ir.parser import parse_function
from tiledsl.testing.fuzzing import check_program, every_check
from tiledsl.testing.generator.program import Program
from tiledsl.testing.generator.source import NoSpelling, source
from tiledsl.testing.generator.spelling import spellable, traced

NUMPY = every_check(("numpy",))
BEFORE = """tiledsl.ir 1
func f[m](out: int32[3, m]) -> (out)
  launch (b: m) threads 1
    alloc shared t: int32[3]
    fill t[!0 +: 3] = 7:int32
    parallel (i: 3)
      t[i - 3] = 1:int32
    copy t[!0 +: 3] -> out[!0 +: 3, b] shape (3)
"""
STATIC_CONDITION = """tiledsl.ir 1
func f[m](out: int32[m]) -> (out)
  launch (b: m) threads 1
    parallel (i: 1)
      if not(64 >= 64)
        out[b] = 1:int32
      else
        out[b] = 2:int32
"""
WIDE_REMAINDER = """tiledsl.ir 1
func f[m](x: uint64[m, 8], y: int32[9], out: int32[m, 8]) -> (out)
  launch (b: m) threads 1
    parallel (i: 8)
      out[b, i] = y[index(x[b, i] % 9:uint64)]
"""
SMALLEST_OF_UNSIGNED = """tiledsl.ir 1
func f[m](x: uint32[m], out: int32[m]) -> (out)
  launch (b: m) threads 1
    parallel (i: 1)
      if min(index(x[b]), -1) <= m
        out[b] = 1:int32
      else
        out[b] = 2:int32
"""
NAN_OF_ABSOLUTE_VALUES = """tiledsl.ir 1
func f[m](x: float32[m, 8], out: float32[m]) -> (out)
  launch (b: m) threads 1
    alloc fragment t: float32[1, 8]
    copy x[b +: 1, 0 +: 8] -> t[!0 +: 1, !0 +: 8] shape (1, 8)
    alloc fragment r: float32[1]
    reduce absmax t[!0 +: 1, !0 +: 8] axis 1 -> r[!0 +: 1] clear nan_propagate
    parallel (i: 1)
      out[b] = r[i]
"""
SHORT_COPY = """tiledsl.ir 1
func f[m](x: float32[m, 8], out: float32[m, 8]) -> (out)
  launch (b: m) threads 1
    alloc fragment t: float32[1, 8]
    fill t[!0 +: 1, !0 +: 8] = -0.0
    copy x[b +: 1, 0 +: 4] -> t[!0 +: 1, !0 +: 4] shape (1, 3)
    copy t[!0 +: 1, !0 +: 8] -> out[b +: 1, !0 +: 8] shape (1, 8)
"""


def program(text: str) -> Program:
    return Program(parse_function(text), dims=(4,), data=3)


def test_a_write_before_its_buffer_has_no_spelling() -> None:
    # in the language such a position counts from the end
    one = program(BEFORE)
    with pytest.raises(NoSpelling, match="before its buffer"):
        traced(Program(spellable(one.function), one.dims, one.data))
    assert check_program(one, NUMPY) == []


@pytest.mark.parametrize(
    "text",
    [
        STATIC_CONDITION,
        WIDE_REMAINDER,
        SMALLEST_OF_UNSIGNED,
    ],
)
def test_the_traced_text_gives_the_same(text: str) -> None:
    one = program(text)
    again = traced(Program(spellable(one.function), one.dims, one.data))
    assert len(again.function.params) == len(one.function.params)
    assert check_program(one, NUMPY) == []


def test_the_largest_of_absolute_values_may_be_nan() -> None:
    one = program(NAN_OF_ABSOLUTE_VALUES)
    assert "nan_propagate=True" in source(spellable(one.function))
    assert check_program(one, NUMPY) == []


def test_a_copy_that_stops_short_has_no_spelling() -> None:
    one = program(SHORT_COPY)
    with pytest.raises(NoSpelling, match="Copy"):
        source(spellable(one.function))
    assert check_program(one, NUMPY) == []
