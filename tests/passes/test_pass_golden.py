"""IR in, IR out: golden/<pass>/<name>.before.ir becomes <name>.after.ir."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tiledsl.analysis.reading import read_function
from tiledsl.backend import Capabilities
from tiledsl.ir.nodes import Function
from tiledsl.ir.printer import print_function
from tiledsl.passes.base import Pass
from tiledsl.passes.pipeline import DEFAULT_PIPELINE, run_pipeline

FOLDER = Path(__file__).parent / "golden"
BEFORE = sorted(FOLDER.glob("*/*.before.ir"))
PASSES: dict[str, Pass] = {step.name: step for step in DEFAULT_PIPELINE}


def test_every_pass_has_examples() -> None:
    assert {path.parent.name for path in BEFORE} == set(PASSES)


@pytest.mark.parametrize(
    "path", BEFORE, ids=lambda p: f"{p.parent.name}/{p.name[:-10]}"
)
def test_golden(
    path: Path,
    golden: Callable[[Path, str], None],
    capabilities: Capabilities,
    same_results: Callable[[Function, Function], None],
) -> None:
    step = PASSES[path.parent.name]
    text = path.read_text(encoding="ascii")
    # claims of the examples are the claims of the passes before; they must hold
    function = read_function(text)
    after = run_pipeline(function, (step,), capabilities)
    golden(
        path.with_name(path.name.replace(".before.", ".after.")), print_function(after)
    )
    if "race" not in path.name:
        same_results(function, after)
    assert step.run(after, capabilities) == after, "a second run changes something"
