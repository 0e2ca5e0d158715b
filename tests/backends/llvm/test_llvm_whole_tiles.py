"""Loops without the comparisons that hold in all of a tile."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tiledsl_llvm.whole_tiles import split_whole_tiles

from tiledsl.analysis.claims import recheck_claims
from tiledsl.ir.nodes import Function, If, Parallel
from tiledsl.ir.parser import parse_function
from tiledsl.ir.visitor import walk

Same = Callable[..., list[np.ndarray]]


def program(*body: str) -> str:
    inside = "\n".join(f"              {line}" for line in body)
    return f"""
        func f[n](X: float32[n, 20], Y: float32[n, 20], m: int32)
          launch (b: 5) threads 1
            alloc fragment x: float32[8, 20]
            let top: index = index(m) - b
            copy X[b * 8 +: 8, 0 +: 20] -> x[0 +: 8, 0 +: 20] shape (8, 20)
            parallel (i: 8, j: 20)
{inside}
            copy x[0 +: 8, 0 +: 20] -> Y[b * 8 +: 8, 0 +: 20] shape (8, 20)
        """


CASES = {
    "one": ("x[!i, !j] = select(b * 8 + i < top, x[!i, !j], -1.0)",),
    "turned": ("x[!i, !j] = select(top > b * 8 + i, x[!i, !j], -1.0)",),
    "at least": ("x[!i, !j] = select(top >= 3 * i - 2 * j, x[!i, !j] + 1.0, -1.0)",),
    "at most": ("x[!i, !j] = select(20 - j <= top - i, 7.0, x[!i, !j])",),
    "named": (
        "let seen: bool = select(top > b * 8 + j, b * 8 + j <= i + top, false)",
        "let other: float32 = select(seen, 2.0, 3.0)",
        "x[!i, !j] = select(seen, x[!i, !j], other)",
    ),
    "arms": (
        "if i + j < top",
        "  x[!i, !j] = x[!i, !j] * 2.0",
        "else",
        "  x[!i, !j] = 4.0",
    ),
    "nested": (
        "if x[!i, !j] > 0.0",
        "  let late: bool = i + j < top",
        "  x[!i, !j] = select(late, 1.0, 0.5)",
    ),
}
LEFT = {
    "varies otherwise": ("x[!i, !j] = select(i * j < top, 1.0, 2.0)",),
    "fixed": ("x[!i, !j] = select(b < top, 1.0, 2.0)",),
    "only inside": ("x[!i, !j] = select(i < j, 1.0, 2.0)",),
    "bound inside": (
        "let k: index = i * i",
        "x[!i, !j] = select(k + j < top, 1.0, 2.0)",
    ),
    "equality": ("x[!i, !j] = select(i == top, 1.0, 2.0)",),
}


def parsed(text: str) -> Function:
    lines = [line.removeprefix(" " * 8) for line in text.splitlines() if line.strip()]
    whole = "\n".join(["tiledsl.ir 1", *lines]) + "\n"
    return parse_function(whole, settle_claims=recheck_claims)


def split_loops(text: str) -> list[If]:
    """Conditions around loops over tiles."""
    found = [
        part for part in walk(split_whole_tiles(parsed(text))) if isinstance(part, If)
    ]
    return [part for part in found if isinstance((*part.otherwise, None)[0], Parallel)]


@pytest.mark.parametrize("name", CASES)
def test_results_are_the_same(same: Same, name: str) -> None:
    text = program(*CASES[name])
    assert len(split_loops(text)) == 1
    x = np.random.default_rng(0).normal(size=(37, 20)).astype(np.float32)
    for m in (-50, -1, 0, 3, 8, 17, 20, 31, 36, 37, 60, 1000):
        same(text, x, np.zeros_like(x), m, dims=(37,))


@pytest.mark.parametrize("name", LEFT)
def test_other_loops_stay_one(same: Same, name: str) -> None:
    text = program(*LEFT[name])
    assert not split_loops(text)
    x = np.ones((37, 20), np.float32)
    same(text, x, np.zeros_like(x), 10, dims=(37,))


def test_nothing_is_left_where_every_element_stays() -> None:
    (condition,) = split_loops(program(*CASES["one"]))
    assert condition.then == ()
    (condition,) = split_loops(program(*CASES["turned"]))
    assert condition.then == ()
    (condition,) = split_loops(program(*CASES["arms"]))
    assert isinstance(condition.then[0], Parallel)
