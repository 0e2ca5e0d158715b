"""Stores past the caches: where they are used, and that they store the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tiledsl_llvm.launches import emit_function
from tiledsl_llvm.machine import named_machine

from tiledsl.analysis.claims import recheck_claims
from tiledsl.ir.nodes import Function
from tiledsl.ir.parser import parse_function

Same = Callable[..., list[np.ndarray]]
STREAM = "!nontemporal"


def program(rows: int, columns: int, value: str = "X[!j] + float32(i)") -> str:
    return f"""
        func f(X: float32[{columns}], Y: float32[{rows * 8}, {columns}])
          launch (b: 8) threads 1
            parallel (i: {rows}, j: {columns})
              Y[!b * {rows} + i, !j] = {value}
        """


def parsed(text: str) -> Function:
    lines = [line.removeprefix(" " * 8) for line in text.splitlines() if line.strip()]
    whole = "\n".join(["tiledsl.ir 1", *lines]) + "\n"
    return parse_function(whole, settle_claims=recheck_claims)


def emitted(text: str, machine: str = "x86-64-v4") -> str:
    return emit_function(parsed(text), named_machine(machine)).text


# rows that all start on lines of the cache, and rows of which few do
@pytest.mark.parametrize(("rows", "columns"), [(1024, 1024), (1030, 1025)])
def test_large_arrays_get_every_element(same: Same, rows: int, columns: int) -> None:
    text = program(rows, columns)
    assert STREAM in emitted(text)
    x = np.arange(columns, dtype=np.float32)
    same(text, x, np.zeros((rows * 8, columns), np.float32))


def test_streaming_stores_are_waited_for() -> None:
    assert "sfence" in emitted(program(1024, 1024))
    assert "sfence" not in emitted(program(16, 1024))


def test_small_arrays_and_those_that_are_read_use_the_caches() -> None:
    assert STREAM not in emitted(program(16, 1024))
    read_too = program(1024, 1024, f"Y[!b * {1024} + i, !j] + X[!j]")
    assert STREAM not in emitted(read_too)
    assert STREAM not in emitted(program(1024, 1024), "aarch64-linux-gnu")


def test_sizes_known_at_calls_are_compared_then() -> None:
    text = """
        func f[n](X: float32[1024], Y: float32[n, 1024])
          launch (b: n) threads 1
            parallel (j: 1024)
              Y[!b, !j] = X[!j]
        """
    assert STREAM in emitted(text)
