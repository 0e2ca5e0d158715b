"""What the passes make of frozen programs, in numbers: nothing gets weaker unseen.

A pass that drops a proof or leaves a statement changes no result, so that no comparison
of results can see it.  ``strength/*.ir`` are functions; for each of them the golden text
says how many dimensions of accesses are proved to be in bounds, and how many statements
and expressions there are after each pass that changes something.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tiledsl.analysis.claims import derive_claims
from tiledsl.analysis.reading import read_function
from tiledsl.backend import Capabilities
from tiledsl.ir.nodes import (
    Accumulate,
    Apply,
    At,
    Atomic,
    Cast,
    Const,
    Function,
    Load,
    Range,
    Select,
    Statement,
    Store,
    Var,
)
from tiledsl.ir.visitor import walk
from tiledsl.passes.base import Pass
from tiledsl.passes.pipeline import DEFAULT_PIPELINE, run_pipeline

FOLDER = Path(__file__).with_name("strength")
HEAD = "tiledsl.ir 1\n"


def functions(path: Path) -> list[Function]:
    _, *texts = path.read_text(encoding="ascii").split(HEAD)
    return [read_function(HEAD + text) for text in texts]


def sizes(function: Function) -> str:
    parts = list(walk(function))
    statements = sum(isinstance(part, Statement) for part in parts)
    kinds = Const | Var | Apply | Select | Cast | Load
    expressions = sum(isinstance(part, kinds) for part in parts)
    return f"{statements} statements {expressions} expressions"


def proofs(function: Function) -> str:
    claims: list[bool] = []
    for part in walk(derive_claims(function)):
        if isinstance(part, At | Range):
            claims.append(part.proved)
        elif isinstance(part, Load | Store | Accumulate | Atomic):
            claims += part.proved or [False] * len(part.indices)
    return f"{sum(claims)} of {len(claims)} proved"


def strength(function: Function, capabilities: Capabilities) -> str:
    lines = [f"{function.name}: {sizes(function)}, {proofs(function)}"]

    def observer(step: Pass, before: Function, after: Function) -> None:
        if after != before:
            lines.append(f"  {step.name}: {sizes(after)}")

    final = run_pipeline(function, DEFAULT_PIPELINE, capabilities, observer=observer)
    lines.append(f"  {proofs(final)}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", ["programs", "generated"])
def test_strength(
    name: str, golden: Callable[[Path, str], None], capabilities: Capabilities
) -> None:
    path = FOLDER / f"{name}.ir"
    found = [strength(function, capabilities) for function in functions(path)]
    golden(path.with_suffix(".txt"), "".join(found))
