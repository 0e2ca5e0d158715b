"""Loops over the same tile become one loop, and what it stores stays in registers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tiledsl_llvm.forward_stores import forward_stores
from tiledsl_llvm.fuse_loops import fuse_loops
from tiledsl_llvm.machine import host_machine

from tiledsl.analysis.claims import recheck_claims
from tiledsl.ir.nodes import Function, Load, Parallel, Store
from tiledsl.ir.parser import parse_function
from tiledsl.ir.visitor import walk

Same = Callable[..., list[np.ndarray]]


def program(body: str) -> str:
    lines = [line for line in body.splitlines() if line.strip()]
    margin = len(lines[0]) - len(lines[0].lstrip())
    inside = "\n".join(f"    {line[margin:]}" for line in lines)
    return f"""
func f(X: float32[40, 20], Y: float32[40, 20], Z: bfloat16[40, 20], S: float32[40])
  launch (b: 5) threads 1
    alloc fragment p: float32[8, 20]
    alloc fragment q: bfloat16[8, 20]
    alloc fragment s: float32[8]
    alloc fragment m: float32[8]
{inside}
"""


def parsed(text: str) -> Function:
    whole = f"tiledsl.ir 1\n{text.strip()}\n"
    return parse_function(whole, settle_claims=recheck_claims)


def loops(text: str) -> list[Parallel]:
    fused = fuse_loops(parsed(text), host_machine())
    return [part for part in walk(fused) if isinstance(part, Parallel)]


# the number of loops that are left of those written
FUSED = {
    "in a row": (
        1,
        """
        parallel (i: 8, j: 20)
          p[!i, !j] = X[b * 8 + i, !j] * 2.0
        parallel (u: 8, v: 20)
          p[!u, !v] = p[!u, !v] + 1.0
        parallel (i_1: 8, j_1: 20)
          Y[b * 8 + i_1, !j_1] = p[!i_1, !j_1]
        """,
    ),
    "with a sum": (
        3,
        """
        parallel (k: 8)
          m[!k] = 3.0
        parallel (i: 8, j: 20)
          p[!i, !j] = X[b * 8 + i, !j] - m[!i]
        parallel (k_1: 8)
          s[!k_1] = 0.0
        parallel (i_1: 8, j_1: 20)
          s[!i_1] sum= p[!i_1, !j_1]
        parallel (k_2: 8)
          S[b * 8 + k_2] = s[!k_2]
        """,
    ),
    "through narrow elements": (
        1,
        """
        parallel (i: 8, j: 20)
          q[!i, !j] = bfloat16(X[b * 8 + i, !j])
        parallel (i_1: 8, j_1: 20)
          Y[b * 8 + i_1, !j_1] = float32(q[!i_1, !j_1]) * 3.0
        parallel (i_2: 8, j_2: 20)
          Z[b * 8 + i_2, !j_2] = q[!i_2, !j_2]
        """,
    ),
    "of single rows": (
        1,
        """
        parallel (j: 20)
          p[!0, !j] = X[b, !j]
        parallel (i_1: 1, j_1: 20)
          Y[b + i_1, !j_1] = p[!i_1, !j_1] + 1.0
        """,
    ),
    "under conditions": (
        1,
        """
        parallel (i: 8, j: 20)
          p[!i, !j] = X[b * 8 + i, !j]
          if i + j < 9
            p[!i, !j] = 5.0
        parallel (i_1: 8, j_1: 20)
          Y[b * 8 + i_1, !j_1] = p[!i_1, !j_1]
        """,
    ),
    "outside the buffer": (
        1,
        """
        parallel (i: 16, j: 20)
          p[i - 4, !j] = X[b * 8 + i, !j] + 1.0
        parallel (i_1: 16, j_1: 20)
          Y[b * 8 + i_1 - 4, !j_1] = p[i_1 - 4, !j_1]
        """,
    ),
}
KEPT = {
    "other elements": """
        parallel (i: 8, j: 20)
          p[!i, !j] = X[b * 8 + i, !j]
        parallel (i_1: 8, j_1: 20)
          Y[b * 8 + i_1, !j_1] = p[7 - i_1, 19 - j_1]
        """,
    "a finished sum": """
        parallel (i: 8)
          s[!i] = 0.0
        parallel (i_1: 8, j_1: 20)
          s[!i_1] sum= X[b * 8 + i_1, !j_1]
        parallel (i_2: 8, j_2: 20)
          Y[b * 8 + i_2, !j_2] = X[b * 8 + i_2, !j_2] / s[!i_2]
        """,
    "other extents": """
        parallel (i: 8, j: 20)
          p[!i, !j] = X[b * 8 + i, !j]
        parallel (i_1: 4, j_1: 20)
          p[!i_1, !j_1] = 1.0
        parallel (i_2: 8, j_2: 20)
          Y[b * 8 + i_2, !j_2] = p[!i_2, !j_2]
        """,
    "a value between": """
        parallel (i: 8, j: 20)
          p[!i, !j] = X[b * 8 + i, !j]
        let first: float32 = p[!0, !0]
        parallel (i_1: 8, j_1: 20)
          Y[b * 8 + i_1, !j_1] = X[b * 8 + i_1, !j_1] + first
        """,
    "all iterations": """
        parallel (i: 8, j: 20)
          s[!i] = 1.0
          p[!i, !j] = 1.0
        parallel (i_1: 8, j_1: 20)
          Y[b * 8 + i_1, !j_1] = s[!i_1] + p[!i_1, !j_1]
        """,
}


def arrays() -> tuple[np.ndarray, ...]:
    x = np.random.default_rng(0).integers(-8, 8, (40, 20)).astype(np.float32)
    bfloat16 = parsed(program("let one: index = 1")).params[2].dtype.as_numpy()
    return x, np.zeros_like(x), np.zeros(x.shape, bfloat16), np.zeros(40, np.float32)


@pytest.mark.parametrize("name", FUSED)
def test_fused_loops_compute_the_same(same: Same, name: str) -> None:
    count, body = FUSED[name]
    assert len(loops(program(body))) == count
    same(program(body), *arrays())


@pytest.mark.parametrize("name", KEPT)
def test_loops_that_wait_for_each_other_stay(same: Same, name: str) -> None:
    text = program(KEPT[name])
    written = [part for part in walk(parsed(text)) if isinstance(part, Parallel)]
    assert len(loops(text)) == len(written)
    same(text, *arrays())


def accesses(text: str, buffer: str) -> tuple[int, int]:
    """How many loads and stores of a buffer are left."""
    after = forward_stores(fuse_loops(parsed(text), host_machine()))
    parts = [
        part
        for part in walk(after)
        if isinstance(part, Load | Store) and part.buffer.name == buffer
    ]
    loads = sum(isinstance(part, Load) for part in parts)
    return loads, len(parts) - loads


def test_a_tile_that_nobody_reads_any_more_is_gone() -> None:
    assert accesses(program(FUSED["in a row"][1]), "p") == (0, 0)
    assert accesses(program(FUSED["through narrow elements"][1]), "q") == (0, 0)


def test_what_may_not_have_been_stored_is_loaded() -> None:
    assert accesses(program(FUSED["outside the buffer"][1]), "p") == (1, 1)
    loads, stores = accesses(program(FUSED["under conditions"][1]), "p")
    assert (loads, stores) == (1, 2)
