"""The scalar evaluator by itself, against results worked out by hand."""

from __future__ import annotations

import math
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest

from tiledsl.ir.dtypes import DType
from tiledsl.ir.parser import parse_function
from tiledsl.testing.scalar_evaluator import evaluate
from tiledsl.testing.scalar_evaluator.operations import apply

F32, F64, I8, U8 = (DType(name) for name in ("float32", "float64", "int8", "uint8"))

CASES = [
    ("floordiv", (-7, 2), I8, -4),
    ("floormod", (-7, 2), I8, 1),
    ("truncdiv", (-7, 2), I8, -3),
    ("truncmod", (-7, 2), I8, -1),
    ("ceildiv", (-7, 2), I8, -3),
    ("floordiv", (-128, -1), I8, -128),
    ("floormod", (-128, -1), I8, 0),
    ("floordiv", (5, 0), U8, 0),
    ("floormod", (5, 0), U8, 5),
    ("ceildiv", (5, 0), U8, 0),
    ("shl", (3, 8), U8, 0),
    ("shl", (3, 6), I8, -64),
    ("shr", (-3, -1), I8, -1),
    ("shr", (200, 8), U8, 0),
    ("abs", (-128,), I8, -128),
    ("neg", (1,), U8, 255),
    ("clz", (0,), I8, 8),
    ("popcount", (-1,), I8, 8),
    ("add", (127, 1), I8, -128),
    ("add", (1.0, 2.0**-24), F32, 1.0),
    ("add", (1.0, 2.0**-24 + 2.0**-47), F64, 1 + 2.0**-24 + 2.0**-47),
    ("mul", (1e30, 1e30), F32, math.inf),
    ("fma", (1 + 2.0**-23, 1 - 2.0**-23, -1.0), F32, -(2.0**-46)),
    ("fma", (2.0**127, 2.0, -math.inf), F32, -math.inf),
    ("div", (1.0, -0.0), F32, -math.inf),
    ("max", (-0.0, 0.0), F32, 0.0),
    ("min", (0.0, -0.0), F32, -0.0),
    ("max", (math.nan, 1.0), F32, 1.0),
    ("max_nan", (math.nan, 1.0), F32, math.nan),
    ("round", (2.5,), F32, 2.0),
    ("round_away", (2.5,), F32, 3.0),
    ("ceil", (-0.5,), F32, -0.0),
    ("fmod", (-7.0, 2.0), F32, -1.0),
    ("nextafter", (0.0, -1.0), F32, -(2.0**-149)),
    ("nextafter", (1.0, 2.0), F32, 1 + 2.0**-23),
    ("ldexp", (1.0, -149.0), F32, 2.0**-149),
    ("rsqrt", (-0.0,), F32, -math.inf),
    ("exp2", (-math.inf,), F32, 0.0),
    ("log", (-1.0,), F32, math.nan),
    ("sigmoid", (-math.inf,), F32, 0.0),
    ("pow", (-2.0, 3.0), F32, -8.0),
]


@pytest.mark.parametrize(("name", "operands", "dtype", "expected"), CASES)
def test_facts(name: str, operands: tuple, dtype: DType, expected: float) -> None:
    found = apply(name, operands, dtype)
    if isinstance(expected, float) and math.isnan(expected):
        assert math.isnan(found)
    else:
        assert found == expected
        assert math.copysign(1, found) == math.copysign(1, expected)


def test_a_whole_function() -> None:
    function = parse_function(
        """tiledsl.ir 1
func f[n](X: bfloat16[n], Y: float32[2, n], N: int32[1], s: float32)
  launch (b: 2) threads 1
    alloc shared t: float32[4]
    copy X[1 +: 4; fill 8.0:bfloat16] -> t[0 +: 4] shape (4)
    parallel (i: 4)
      alloc local k: int32[]
      k[] = 0:int32
      while k[] < 5:int32
        k[] = k[] + 1:int32
        if t[i] < 2.0
          continue
        if k[] == 3:int32
          break
      N[0] sum= k[]
      t[i] = t[i] * s
    for serial j in n - 1 .. -1 step -1
      Y[b, j] = t[j] + float32(b)
"""
    )
    x = np.array([9, 1, 2], ml_dtypes.bfloat16)
    y, n = np.zeros((2, 3), np.float32), np.zeros(1, np.int32)
    evaluate(function, [x, y, n, 0.5], [3])
    # the tile is 1, 2, 8, 8: five steps for the first element, three for the others
    assert n.tolist() == [2 * (5 + 3 + 3 + 3)]
    assert y.tolist() == [[0.5, 1, 4], [1.5, 2, 5]]


def test_it_shares_nothing_with_a_backend() -> None:
    code = "import sys, tiledsl.testing.scalar_evaluator; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert b"tiledsl_" not in done.stdout and b"scalar_evaluator" in done.stdout
