"""Accesses, uses and costs of small functions written as text."""

from __future__ import annotations

from tiledsl.analysis.cost import cost
from tiledsl.analysis.effects import accesses, read, written
from tiledsl.analysis.reading import read_function
from tiledsl.analysis.uses import allocated, buffer_reads, variable_uses
from tiledsl.ir.nodes import Function


def function_of(
    body: str, head: str = "func f[m](x: float32[m, 64], y: float32[m])"
) -> Function:
    lines = [f"  {line}" for line in body.strip("\n").splitlines()]
    return read_function("\n".join(["tiledsl.ir 1", head, *lines]) + "\n")


MIXED = function_of(
    """
launch (b: m) threads 1
  alloc shared t: float32[64]
  alloc shared u: float32[1]
  alloc local n: int32[]
  let v: index = b + 1
  copy x[v, 0 +: 64] -> t[0 +: 64] shape (64)
  reduce max t[0 +: 64] axis 0 -> u[0] clear
  reduce max t[0 +: 64] axis 0 -> u[0]
  parallel (i: 64)
    y[b] sum= t[i]
  n[] = 0:int32
  y[v] = u[v - v]
"""
)


def test_accesses() -> None:
    assert read([MIXED]) == {"x", "t", "u", "y"}
    assert written([MIXED]) == {"t", "u", "y", "n"}
    seen = [(access.buffer, access.writes) for access in accesses([MIXED])]
    assert seen.count(("u", True)) == 2
    assert seen.count(("u", False)) == 2  # the second reduce and the load
    assert seen.count(("y", False)) == 1  # the accumulation
    assert seen.index(("t", True)) < seen.index(("t", False))


def test_a_clearing_gemm_does_not_read_its_result() -> None:
    body = """
launch (b: 1) threads 1
  alloc shared a: float32[4, 4]
  alloc shared c: float32[4, 4]
  gemm c[0 +: 4, 0 +: 4] += a[0 +: 4, 0 +: 4] @ a[0 +: 4, 0 +: 4]{how}
"""
    assert "c" not in read([function_of(body.format(how=" clear true"))])
    assert "c" in read([function_of(body.format(how=""))])
    assert "c" in read([function_of(body.format(how=" clear b == 0"))])


def test_uses() -> None:
    assert variable_uses([MIXED])["v"] == 4
    assert variable_uses([MIXED])["i"] == 1
    assert variable_uses([MIXED])["b"] == 2
    assert buffer_reads([MIXED])["t"] == 3
    assert allocated([MIXED]) == {"t", "u", "n"}


def test_cost_of_a_gemm() -> None:
    gemm = function_of(
        """
launch (bx: 2, by: ceildiv(m, 32)) threads 1
  alloc shared a: bfloat16[32, 16]
  alloc shared b: bfloat16[16, 32]
  alloc fragment c: float32[32, 32]
  fill c[0 +: 32, 0 +: 32] = 0.0
  for serial k in 0 .. 4 step 1
    copy x[by * 32 +: 32, k * 16 +: 16] -> a[0 +: 32, 0 +: 16] shape (32, 16)
    copy w[k * 16 +: 16, bx * 32 +: 32] -> b[0 +: 16, 0 +: 32] shape (16, 32)
    gemm c[0 +: 32, 0 +: 32] += a[0 +: 32, 0 +: 16] @ b[0 +: 16, 0 +: 32]
  copy c[0 +: 32, 0 +: 32] -> y[by * 32 +: 32, bx * 32 +: 32] shape (32, 32)
""",
        "func f[m](x: bfloat16[m, 64], w: bfloat16[64, 64], y: float32[m, 64])",
    )
    found = cost(gemm, (128,))
    assert found.flops == 2 * 128 * 64 * 64
    assert found.compulsory == 128 * 64 * 2 + 64 * 64 * 2 + 128 * 64 * 4
    assert found.moved == 8 * (4 * 2 * 32 * 16 * 2 + 32 * 32 * 4)
    assert cost(gemm, (0,)).flops == 0


def test_cost_follows_triangles_and_conditions() -> None:
    causal = function_of(
        """
launch (b: m) threads 1
  for serial k in 0 .. b + 1 step 1
    if k % 2 == 0
      y[b] = x[b, k] + x[b, k]
    else
      y[b] = x[b, k] * 2.0 + 1.0
"""
    )
    assert cost(causal, (10,)).flops == sum(
        1 if k % 2 == 0 else 2 for b in range(10) for k in range(b + 1)
    )
    estimate = cost(causal, (1000,)).flops
    exact = 1.5 * 1000 * 1001 / 2
    assert abs(estimate - exact) < 0.05 * exact


def test_unknown_trip_counts_count_once() -> None:
    body = """
launch (b: m) threads 1
  for serial k in 0 .. index(y[b]) step 1
    y[b] = x[b, k] + 1.0
  while y[b] < 1.0
    y[b] = 2.0 + y[b]
"""
    assert cost(function_of(body), (8,)).flops == 16
