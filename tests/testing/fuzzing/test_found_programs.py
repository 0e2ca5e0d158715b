"""Programs that generated ones were reduced to, each of which found a mistake once."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from tiledsl.ir.parser import parse_function
from tiledsl.testing.fuzzing import Checks, check_program
from tiledsl.testing.generator import Program

# a float was to be padded with all bits set
BITS_OF_FLOATS = """tiledsl.ir 1
func f[m, n](x: float32[m, n], out: int32[m]) -> (out)
  reduce and x[!0 +: m, !0 +: n] axis 1 -> out[!0 +: m] clear
"""
# where to read from was read from the tile again after its first elements were written
SOURCE_BY_TARGET = """tiledsl.ir 1
func f[m](x: int4[m, 7, 2, 2], out: bfloat16[m, 3, 6]) -> (out)
  launch (b: m) threads 64
    alloc shared t: int4[3, 6]
    copy x[0, b, 0 +: 3, 0 +: 6] -> t[!0 +: 3, !0 +: 6] shape (3, 6)
    copy x[0, b, index(t[0, 0]) % 3 - 1 +: 3, b - 3 +: 6] -> t[!0 +: 3, !0 +: 6] shape (3, 6)
    copy t[!0 +: 3, !0 +: 6] -> out[b, !0 +: 3, !0 +: 6] shape (3, 6)
"""
# padding took part where every element was NaN, with the least element of the dtype
REDUCED_NAN = """tiledsl.ir 1
func f[m, n](x: {dtype}[m, n], out: float32[m]) -> (out)
  reduce {reduction} x[!0 +: m, !0 +: n] axis 1 -> out[!0 +: m] clear
"""
CHECKS = Checks(("llvm",), both_every=1, source_every=0, broken_every=0)


@pytest.mark.parametrize(
    ("text", "dims", "data"),
    [
        (BITS_OF_FLOATS, (7, 3), 0),
        *((SOURCE_BY_TARGET, (1,), data) for data in range(4)),
    ],
)
def test_no_oracle_complains_any_more(
    text: str, dims: tuple[int, ...], data: int
) -> None:
    program = Program(parse_function(text), dims, data)
    assert [str(one) for one in check_program(program, CHECKS)] == []


@pytest.mark.parametrize("dtype", ["float8_e8m0fnu", "float8_e4m3fn"])
@pytest.mark.parametrize("reduction", ["max", "min", "absmax"])
def test_nan_alone_is_reduced_to_what_a_reduction_starts_from(
    reduction: str, dtype: str
) -> None:
    function = parse_function(REDUCED_NAN.format(reduction=reduction, dtype=dtype))
    given = np.full((2, 3), np.nan, getattr(ml_dtypes, dtype))
    program = Program(function, (2, 3), 0, given=(given, None))
    assert [str(one) for one in check_program(program, CHECKS)] == []
