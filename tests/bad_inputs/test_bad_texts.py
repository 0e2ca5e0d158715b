"""Cases 74 to 84: IR text that nobody may trust."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tiledsl
from tiledsl.analysis.reading import read_function
from tiledsl.diagnostics import Error
from tiledsl.frontend.prim_func import PrimFunc
from tiledsl.ir.parser import parse_function
from tiledsl.ir.printer import print_function

Refused = Callable[..., Error]

GOOD = """tiledsl.ir 1
func f[m](x: float32[m, 8], y: float32[m, 8]) -> (y)
  launch (b: m) threads 64
    parallel (i: 8)
      y[b, i] = x[b, i] * 2.0
"""
STORE = "y[b, i] = x[b, i] * 2.0"

TEXTS = [
    (74, ""),
    (74, "hello"),
    (74, "\x89PNG\r\n"),
    (74, GOOD[: len(GOOD) // 2]),
    (74, GOOD.replace("parallel", "perpendicular")),
    (75, GOOD.replace("2.0", "neg(" * 5000 + "2.0" + ")" * 5000)),
    (75, GOOD.replace("2.0", "(" * 100_000)),
    (76, GOOD + " " * 2**24),
    (76, "tiledsl.ir 1\nfunc f()\n" + "  pass\n" * 1_100_000),
    (77, GOOD.replace("b: m", "b: " + "9" * 60)),
    (77, GOOD.replace("b: m", "b: " + "9" * 100_000)),
    (78, GOOD.replace("2.0", "1e999")),
    (78, GOOD.replace("2.0", "nan")),
    (78, GOOD.replace("2.0", "inf")),
    (78, GOOD.replace("2.0", "0x1p3")),
    (79, GOOD.replace("* 2.0", "\0")),
    (79, "\ufeff" + GOOD),
    (79, GOOD.replace("2.0", "2.0\u202e")),
    (79, GOOD.replace("func f", "func \u0444")),
    (80, GOOD.replace("[m](", "[m, m](")),
    (80, GOOD.replace("* 2.0", "* q")),
    (80, GOOD.replace("(i: 8)", "(b: 8)")),
    (81, GOOD.replace("x[b, i] * 2.0", "frobnicate(x[b, i])")),
    (81, GOOD.replace("ir 1", "ir 7")),
]


@pytest.mark.parametrize(
    ("number", "text"),
    TEXTS,
    ids=[f"test_case_{row[0]}-{n}" for n, row in enumerate(TEXTS)],
)
def test_refused_text(refused: Refused, number: int, text: str) -> None:
    started = time.perf_counter()
    error = refused(number, lambda: parse_function(text), "line ", "column ")
    assert error.span is not None
    assert time.perf_counter() - started < 15


@pytest.mark.parametrize(
    "expression",
    ["9 ** 9 ** 9", "1 << 10 ** 9", "s * 10 ** 5000", "s + (1 << 10 ** 6)"],
)
def test_case_82_constants_that_explode(
    program: Callable[..., PrimFunc], refused: Refused, expression: str
) -> None:
    """Python evaluates what is static; a number of any size is refused on its way in."""
    if expression.startswith(("9", "1")):
        # Python itself would compute these without end: the smaller ones stand for them
        expression = expression.replace("9 ** 9 ** 9", "9 ** 9 ** 5")
        expression = expression.replace("10 ** 9", "10 ** 7")
    kernel = program(f"var = {expression}")
    started = time.perf_counter()
    refused(82, lambda: kernel.function)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("name", ["../../x", 'x");import os', "a\\nb", "%s{}", "con"])
@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_case_83_names_never_reach_paths_or_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, backend: str
) -> None:
    monkeypatch.setenv("TILEDSL_CACHE_DIR", str(tmp_path / "cache"))
    quoted = '"' + name.replace('"', '\\"') + '"'
    text = GOOD.replace("y", '"y;z"').replace("x", quoted)
    text = text.replace("func f", f"func {quoted}")
    function = parse_function(text)
    assert parse_function(print_function(function)) == function
    x = np.ones((2, 8), np.float32)
    assert (tiledsl.compile(function, backend=backend)(x) == 2).all()
    found = {path.name for path in tmp_path.rglob("*")}
    assert not any("import" in part or part == "x" for part in found)
    assert not list(tmp_path.parent.glob("x"))


def test_case_84_claims_are_derived_again() -> None:
    lie = GOOD.replace(STORE, "y[!b, !i] = x[!b + 90, !i] * 2.0")
    function = read_function(lie)
    text = print_function(function)
    assert "x[b + 90, !i]" in text
    x = np.ones((2, 8), np.float32)
    for backend in ("numpy", "llvm"):
        assert (tiledsl.compile(function, backend=backend)(x) == 0).all()
