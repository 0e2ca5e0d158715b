"""Decisions of single passes that no program of the other tests depends on."""

from __future__ import annotations

import pytest

from tiledsl.analysis.claims import derive_claims
from tiledsl.analysis.interval import interval
from tiledsl.analysis.ranges import Ranges
from tiledsl.analysis.reading import read_function
from tiledsl.backend import Capabilities
from tiledsl.ir.dtypes import INDEX, WHOLE_DTYPES, DType
from tiledsl.ir.literals import fits
from tiledsl.ir.nodes import Apply, Function, Var, index
from tiledsl.ir.printer import print_function
from tiledsl.passes.base import Pass
from tiledsl.passes.canonicalize import holds_all
from tiledsl.passes.dead_code import DeadCode
from tiledsl.passes.forward_copies import ForwardCopies
from tiledsl.passes.record_observations import record_observations
from tiledsl.passes.simplify_index import shorter

A = Var("a", INDEX)


def function_of(body: str, head: str = "func f(x: int32[8], y: int32[8])") -> Function:
    lines = [f"  {line}" for line in body.strip("\n").splitlines()]
    return read_function("\n".join(["tiledsl.ir 1", head, *lines]) + "\n")


def body_after(step: Pass, function: Function, capabilities: Capabilities) -> str:
    text = print_function(step.run(function, capabilities))
    return "\n".join(line[2:] for line in text.splitlines()[2:]) + "\n"


@pytest.mark.parametrize("wide", WHOLE_DTYPES, ids=str)
@pytest.mark.parametrize("narrow", WHOLE_DTYPES, ids=str)
def test_dtypes_that_hold_all_values_of_others(wide: DType, narrow: DType) -> None:
    if wide.is_integer and narrow.is_integer:
        ends = (int(narrow.minimum), int(narrow.maximum))
        assert holds_all(wide, narrow) == all(fits(end, wide) for end in ends)
    elif wide.is_float and narrow.is_float:
        # of narrow floats only that they are no wide ones
        wider = {"float32": 32, "float64": 64}.get(str(wide), 0)
        assert holds_all(wide, narrow) == (narrow.bits <= wider)
    else:
        assert not holds_all(wide, narrow)


def test_what_gets_no_shorter_stays_as_it_is() -> None:
    ranges = Ranges().with_value(A, interval(0, 9))
    expr = Apply("add", (index(1), A))
    assert shorter(expr, ranges) is expr
    longer = Apply("add", (Apply("add", (A, index(1))), index(1)))
    assert shorter(longer, ranges) == Apply("add", (A, index(2)))


def test_one_operand_of_a_minimum() -> None:
    ranges = Ranges().with_value(A, interval(0, 9))
    nine, four, zero = index(9), index(4), index(0)
    assert shorter(Apply("min", (A, nine)), ranges) == A
    assert shorter(Apply("min", (nine, A)), ranges) == A
    assert shorter(Apply("max", (A, zero)), ranges) == A
    assert shorter(Apply("max", (zero, A)), ranges) == A
    assert shorter(Apply("max", (A, nine)), ranges) == nine
    for op in ("min", "max"):
        for args in ((A, four), (four, A)):
            expr = Apply(op, args)
            assert shorter(expr, ranges) is expr


def test_divisors() -> None:
    ranges = Ranges().with_value(A, interval(0, 9))
    ten, one = index(10), index(1)
    assert shorter(Apply("floordiv", (A, one)), ranges) == A
    assert shorter(Apply("ceildiv", (A, one)), ranges) == Apply("floordiv", (A, one))
    assert shorter(Apply("floordiv", (A, ten)), ranges) == index(0)
    assert shorter(Apply("floormod", (A, ten)), ranges) == A
    for op, divisor in (("floordiv", 9), ("floormod", 9), ("ceildiv", 9)):
        expr = Apply(op, (A, index(divisor)))
        assert shorter(expr, ranges) is expr


ARMS = """
launch (b: 1) threads 1
  for serial k in 0 .. 8 step 1
    if k < 4
      y[k] = 1:int32
      break
      y[k] = 2:int32
    else
      y[k] = 3:int32
      continue
      y[k] = 4:int32
"""


def test_arms_end_with_a_jump(capabilities: Capabilities) -> None:
    after = body_after(DeadCode(), function_of(ARMS), capabilities)
    dropped = [line for line in ARMS.strip("\n").splitlines() if line[-7] not in "24"]
    assert after.splitlines() == dropped


@pytest.mark.parametrize("arm", ["then", "else"])
def test_one_arm_ends_with_a_jump(arm: str, capabilities: Capabilities) -> None:
    text = "launch (b: 1) threads 1\n  for serial k in 0 .. 8 step 1\n    if k < 4\n"
    jump = "      y[k] = 1:int32\n      break\n"
    plain = "      y[k] = 3:int32\n"
    behind = "      y[k] = 2:int32\n"
    first, second = (jump, plain) if arm == "then" else (plain, jump)
    short = f"{text}{first}    else\n{second}"
    long = short.replace(jump, jump + behind)
    assert body_after(DeadCode(), function_of(long), capabilities) == short


VIEWED = """
launch (b: 1) threads 1
  alloc shared t: int32[8]
  alloc shared v: int32[2, 4] of t
  copy x[0 +: 8] -> t[0 +: 8] shape (8)
  parallel (i: 8)
    y[i] = v[i // 4, i % 4]
"""


def test_a_tile_with_views_is_not_forwarded(capabilities: Capabilities) -> None:
    function = derive_claims(function_of(VIEWED))
    assert ForwardCopies().run(function, capabilities) == function


def test_what_sites_record() -> None:
    text = """
launch (b: 1) threads 1
  assert "first" b < 1
  print "one" y[0]
"""
    recorded = record_observations(function_of(text), asserts=True)
    assert [str(site.dtype) for site in recorded.sites] == ["bool", "int32"]
    assert [site.rank for site in recorded.sites] == [None, None]
