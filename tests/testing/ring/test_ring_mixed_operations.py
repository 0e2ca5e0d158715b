"""Ring mode of operations that mix floats with integers, in operands and conditions."""

from __future__ import annotations

import pytest

from tiledsl.ir.parser import parse_function
from tiledsl.testing.fuzzing import Checks, check_program
from tiledsl.testing.generator import Program

TEXT = """tiledsl.ir 1
func f(x: {x}[3, 4], out: {out}[4]) -> (out)
  launch (b: 1) threads 64
    alloc fragment t: {x}[3, 4]
    copy x[0 +: 3, 0 +: 4] -> t[!0 +: 3, !0 +: 4] shape (3, 4)
    alloc fragment r: {out}[4]
    fill r[!0 +: 4] = {zero}
    reduce {kind} t[!0 +: 3, !0 +: 4] axis 0 -> r[!0 +: 4]
    copy r[!0 +: 4] -> out[!0 +: 4] shape (4)
"""
GEMM = """tiledsl.ir 1
func f(x: float32[4], out: int32[2, 2]) -> (out)
  launch (b: 1) threads 64
    alloc fragment a: int32[2, 2]
    fill a[!0 +: 2, !0 +: 2] = 3:int32
    alloc fragment c: int32[2, 2]
    fill c[!0 +: 2, !0 +: 2] = 1:int32
    gemm c[!0 +: 2, !0 +: 2] += a[!0 +: 2, !0 +: 2] @ a[!0 +: 2, !0 +: 2] clear x[0] < x[1]
    copy c[!0 +: 2, !0 +: 2] -> out[!0 +: 2, !0 +: 2] shape (2, 2)
"""
# scalar and interpreter oracles in ring mode; seed 0 asks for everything
CHECKS = Checks(("llvm",))


@pytest.mark.parametrize("kind", ["sum", "max", "absmax"])
@pytest.mark.parametrize(
    ("x", "out", "zero"),
    [
        ("float32", "int32", "0:int32"),
        ("bfloat16", "int8", "0:int8"),
        ("int32", "float32", "0.0"),
        ("uint8", "float16", "0.0:float16"),
    ],
)
def test_reductions(kind: str, x: str, out: str, zero: str) -> None:
    function = parse_function(TEXT.format(kind=kind, x=x, out=out, zero=zero))
    for data in range(3):
        assert not check_program(Program(function, (), data), CHECKS)


def test_bools_become_floats() -> None:
    text = TEXT.format(kind="sum", x="bool", out="float32", zero="0.0")
    assert not check_program(Program(parse_function(text), (), 1), CHECKS)


def test_a_condition_on_floats_clears_an_integer_product() -> None:
    for data in range(4):
        program = Program(parse_function(GEMM), (), data)
        assert not check_program(program, CHECKS)
