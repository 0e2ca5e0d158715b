"""What the passes of this backend leave of copies that products read."""

from __future__ import annotations

import pytest
from tiledsl_llvm import LlvmBackend

from tiledsl.analysis.claims import recheck_claims
from tiledsl.ir.nodes import Copy, For, Gemm
from tiledsl.ir.parser import parse_function
from tiledsl.ir.visitor import walk
from tiledsl.passes.pipeline import run_pipeline

# a is copied once and b in every step; rows may be outside
TEXT = """tiledsl.ir 1
func f[m](A: float16[m, 64], B: float16[m, 48], C: float32[m, 48])
  launch (bx: ceildiv(m, 32)) threads 1
    alloc shared a: float16[32, 64]
    alloc shared b: float16[64, 48]
    alloc fragment c: float32[32, 48]
    copy A[bx * 32 +: 32, 0 +: 64] -> a[0 +: 32, 0 +: 64] shape (32, 64)
    fill c[0 +: 32, 0 +: 48] = 0.0
    for serial k in 0 .. bx step 1
      copy B[k * 64 +: 64, 0 +: 48] -> b[0 +: 64, 0 +: 48] shape (64, 48)
      gemm c[0 +: 32, 0 +: 48] += a[0 +: 32, 0 +: 64] @ b[0 +: 64, 0 +: 48]
      {more}
    copy c[0 +: 32, 0 +: 48] -> C[bx * 32 +: 32, 0 +: 48] shape (32, 48)
"""


@pytest.mark.parametrize("more", ["", "b[0, 0] = float16(1.0)"])
def test_operands_are_read_where_they_are_but_not_copied_in_loops(more: str) -> None:
    backend = LlvmBackend()
    target = backend.targets()[0]
    text = "\n".join(
        line for line in TEXT.format(more=more).splitlines() if line.strip()
    )
    function = run_pipeline(
        parse_function(text + "\n", settle_claims=recheck_claims),
        backend.pipeline(target),
        backend.capabilities(target),
    )
    (loop,) = [part for part in walk(function) if isinstance(part, For)]
    (gemm,) = [part for part in loop.body if isinstance(part, Gemm)]
    assert gemm.a.buffer.name == "a"
    assert gemm.b.buffer.name == ("b" if more else "B")
    assert any(isinstance(part, Copy) for part in loop.body) == bool(more)
