"""The gate: two thousand programs on the interpreter and the compiled backend."""

from __future__ import annotations

import pytest

from tiledsl.ir.parser import parse_function
from tiledsl.testing.fuzzing import Checks, check_program, check_seeds
from tiledsl.testing.generator import Program

CHUNKS, CHUNK = 40, 50
CHECKS = Checks(("llvm",), both_every=64, text_every=50, source_every=5)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_oracle_complains(chunk: int) -> None:
    result = check_seeds(range(chunk * CHUNK, (chunk + 1) * CHUNK), CHECKS)
    assert not [f"seed {found.seed}: {found.failure}" for found in result.found]
    assert result.programs == CHUNK


def test_some_programs_on_the_interpreted_gpu_backend() -> None:
    pytest.importorskip("triton")
    checks = Checks(
        ("triton",), both_every=0, scalar_every=0, text_every=0, source_every=0
    )
    result = check_seeds(range(20_004, 20_040), checks)
    assert not [f"seed {found.seed}: {found.failure}" for found in result.found]
    assert result.coverage.checked["backend real triton"] >= 10


# seed 20003, reduced: a row of a product, taken at a position that is outside for some blocks
ROW_OF_A_PRODUCT = """tiledsl.ir 1
func f[m](x: int32[5], out15: float64[m, 2, 3], out16: float64[m, 2]) -> (out15, out16)
  launch (b: m) threads 128
    alloc shared t6: float64[2, 4]
    fill t6[!0 +: 2, !0 +: 4] = -0.0:float64
    alloc shared t9: float64[3, 4]
    copy t6[0 +: 3, 0 +: 4] -> t9[!0 +: 3, !0 +: 4] shape (3, 4)
    alloc fragment t10: float64[2, 3]
    copy t9[0 +: 2, 0 +: 3] -> t10[!0 +: 2, !0 +: 3] shape (2, 3)
    gemm t10[!0 +: 2, !0 +: 3] += t6[!0 +: 2, !0 +: 4] @ t9[!0 +: 3, !0 +: 4].T clear m > 2
    alloc shared t11: float64[2]
    copy t10[index(x[b]), 0 +: 2] -> t11[!0 +: 2] shape (2)
    copy t10[!0 +: 2, !0 +: 3] -> out15[b, !0 +: 2, !0 +: 3] shape (2, 3)
    copy t11[!0 +: 2] -> out16[b, !0 +: 2] shape (2)
"""


def test_a_row_outside_a_product_on_the_interpreted_gpu_backend() -> None:
    pytest.importorskip("triton")
    function = parse_function(ROW_OF_A_PRODUCT)
    checks = Checks(("triton",), scalar_every=0, text_every=0, source_every=0)
    assert not check_program(Program(function, (11,), 342179976), checks)
