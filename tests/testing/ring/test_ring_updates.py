"""Ring mode of atomic updates: every backend agrees bit by bit, in any order."""

from __future__ import annotations

import numpy as np
import pytest

from tiledsl.backend import Capabilities
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.dtypes import ALL_DTYPES
from tiledsl.ir.nodes import Function
from tiledsl.ir.parser import parse_function
from tiledsl.ir.verifier import verify
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing import runnable_backends
from tiledsl.testing.fuzzing import Checks, check_program
from tiledsl.testing.generator import Program
from tiledsl.testing.ring import RingMode
from tiledsl.testing.ring.encoding import INFINITY, NAN
from tiledsl.testing.scalar_evaluator import evaluate

ANYTHING = Capabilities(frozenset(ALL_DTYPES), frozenset(), 1 << 30)
TEXT = """tiledsl.ir 1
func f(x: {dtype}[7, 9], ids: int32[7, 9], y: {dtype}[5])
  launch (b: 7) threads 64
    parallel (i: 9)
      atomic {op} relaxed y[index(ids[b, i])] = x[b, i]
"""
OTHERWISE = """tiledsl.ir 1
func f(x: float32[4], y: float32[4])
  launch (b: 4) threads 64
    {lines}
"""


def ring(function: Function) -> Function:
    changed = RingMode().run(function, ANYTHING)
    verify(changed)
    return changed


@pytest.mark.parametrize("op", ["add", "max", "min"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_updates_from_many_blocks(op: str, dtype: str) -> None:
    function = ring(parse_function(TEXT.format(op=op, dtype=dtype)))
    rng = np.random.default_rng(5)
    ids = rng.integers(-1, 6, (7, 9), np.int32)
    x = rng.integers(-(2**14), 2**14, (7, 9))
    x[1, 2], x[3, 4], x[5, 6] = NAN, INFINITY, -INFINITY
    start = rng.integers(-100, 100, 5)
    expected = start.copy()
    evaluate(function, [x, ids, expected])
    assert (expected != start).any()
    for backend in runnable_backends():
        found = start.copy()
        JITKernel(function, name="f", backend=backend)(x, ids, found)
        np.testing.assert_array_equal(found, expected)
    if dtype == "float32":
        finite = np.abs(x) < INFINITY
        for at in range(5):
            own = x[ids == at]
            if finite[ids == at].all():
                parts = [start[at], *own]
                total = {"add": sum, "max": max, "min": min}[op](parts)
                assert expected[at] == total


@pytest.mark.parametrize("op", ["add", "max", "min"])
def test_the_fuzzer_checks_updates(op: str) -> None:
    text = """tiledsl.ir 1
func f(x: float32[6, 8], y: float32[8]) -> (y)
  launch (a: 1) threads 64
    fill y[0 +: 8] = 3.0
  launch (b: 6) threads 64
    parallel (i: 8)
      atomic OP relaxed y[(i + b) % 8] = x[b, i]
"""
    function = parse_function(text.replace("OP", op))
    for data in range(2):
        assert not check_program(Program(function, (), data), Checks(("llvm",)))


@pytest.mark.parametrize(
    "lines",
    [
        "atomic add relaxed y[0] = x[b] -> before: float32",
        "atomic exchange relaxed y[0] = x[b]",
        "atomic load relaxed y[0] -> before: float32",
        "atomic add relaxed y[0] = x[b]\n    atomic max relaxed y[0] = x[b]",
        "atomic add relaxed y[0] = x[b]\n    y[1] = 0.0",
        "atomic add relaxed y[0] = y[1]",
    ],
)
def test_what_shows_the_order_is_refused(lines: str) -> None:
    function = parse_function(OTHERWISE.format(lines=lines))
    with pytest.raises(UnsupportedByTarget, match="ring mode has no atomic"):
        ring(function)


def test_integers_are_updated_as_they_are() -> None:
    text = """tiledsl.ir 1
func f(x: float32[4], y: int32[1])
  launch (b: 4) threads 64
    atomic add relaxed y[0] = 1:int32 -> ticket: int32
    x[b] = float32(ticket)
"""
    function = ring(parse_function(text))
    x, y = np.zeros(4, np.int64), np.zeros(1, np.int32)
    JITKernel(function, name="f", backend="llvm")(x, y)
    assert sorted(x) == [0, 1, 2, 3]
    assert y[0] == 4
