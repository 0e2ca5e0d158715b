"""Texts with mistakes: the frontend answers each with a code, or makes a valid function."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl.frontend.builder
from tiledsl.testing.fuzzing import Checks, Coverage, check_program
from tiledsl.testing.generator.broken import broken
from tiledsl.testing.generator.choice import SeededChoice
from tiledsl.testing.generator.program import generate
from tiledsl.testing.generator.source import NoSpelling, source
from tiledsl.testing.generator.spelling import spellable, trace_text

# asks nothing else
MISTAKES = Checks((), text_every=0, source_every=0, both_every=0, broken_every=1)


def text_of(seed: int) -> str | None:
    try:
        return source(spellable(generate(seed).function))
    except NoSpelling:
        return None


def test_a_seed_makes_one_text() -> None:
    text = next(text for seed in range(20) if (text := text_of(seed)))
    first, again = (broken(text, SeededChoice(7)) for _ in range(2))
    assert first == again != text


@pytest.mark.parametrize("chunk", range(4))
def test_every_mistake_is_answered(chunk: int) -> None:
    coverage = Coverage()
    for seed in range(chunk * 60, (chunk + 1) * 60):
        found = check_program(generate(seed), MISTAKES, coverage)
        assert [str(one) for one in found] == []
    codes = [code for code in coverage.diagnostics if code.startswith("E0")]
    assert len(codes) >= 10
    assert not set(codes) & set(coverage.missing_diagnostics())


def test_an_error_without_a_code_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("ours")

    seeds = [seed for seed in range(20) if text_of(seed)]
    monkeypatch.setattr(tiledsl.frontend.builder.Builder, "emit", breaks)
    # some mistakes are answered before anything is emitted
    found = [one for seed in seeds for one in check_program(generate(seed), MISTAKES)]
    assert any(one.oracle.startswith("text with mistakes") for one in found)


@pytest.mark.parametrize("bounds", ["-1:3", "5:3"])
def test_a_slice_that_ends_before_it_starts_is_empty(bounds: str) -> None:
    # found with a text that had mistakes: the verifier complained of a negative extent
    text = f"""import tiledsl
import tiledsl.language as T


@tiledsl.jit
def kernel():
    @T.prim_func
    def main(x: T.Tensor((8,), "int32"), y: T.Tensor((6,), "int32")):
        with T.Kernel(1):
            t = T.alloc_fragment((6,), "int32")
            T.fill(t, 7)
            T.copy(x[{bounds}], t)
            T.copy(t, y)
    return main
"""
    kernel = trace_text(text, f"<slice {bounds}>")
    y = np.ones(6, np.int32)
    kernel(np.ones(8, np.int32), y)
    assert (y == 0).all()
