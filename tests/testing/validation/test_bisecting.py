"""Bisecting names the planted fault: its step, its element, its statement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from tiledsl_numpy import NumpyBackend

from tiledsl.analysis.reading import read_function
from tiledsl.commands.group import commands
from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.nodes import Apply, Const, Copy, Gemm, Node, Range, Reduce
from tiledsl.ir.printer import print_function
from tiledsl.passes.pipeline import DEFAULT_PIPELINE
from tiledsl.runtime import backends
from tiledsl.testing import find_kernel
from tiledsl.testing.validation import Finding, bisect_function, generate_sample
from tiledsl.testing.verify import Problem

NORMALIZE = """tiledsl.ir 1
func normalize[m](X: float32[m, 12], Y: float32[m, 12]) -> (Y)
  launch (b: ceildiv(m, 4)) threads 128
    alloc shared x: float32[4, 12]
    alloc fragment largest: float32[4]
    alloc fragment total: float32[4]
    copy X[b * 4 +: 4, 0 +: 12] -> x[0 +: 4, 0 +: 12] shape (4, 12)
    reduce max x[0 +: 4, 0 +: 12] axis 1 -> largest[0 +: 4] clear
    parallel (i: 4, j: 12)
      x[i, j] = exp2(x[i, j] - largest[i])
    reduce sum x[0 +: 4, 0 +: 12] axis 1 -> total[0 +: 4] clear
    parallel (k: 4, l: 12)
      x[k, l] = x[k, l] / total[k]
    copy x[0 +: 4, 0 +: 12] -> Y[b * 4 +: 4, 0 +: 12] shape (4, 12)
"""

Change = Callable[[Node], Node | tuple[Node, ...]]


def smallest(node: Node) -> Node:
    if isinstance(node, Reduce) and node.reduction == "max":
        return replace(node, reduction="min")
    return node


def product(node: Node) -> Node:
    if isinstance(node, Apply) and node.op == "div" and node.dtype == "float32":
        return replace(node, op="mul")
    return node


def sum_of_columns(node: Node) -> Node:
    if isinstance(node, Reduce) and node.reduction == "sum":
        return replace(node, clear=False)
    return node


def late_row(node: Node) -> Node:
    """The first row of what a block reads is the second."""
    if isinstance(node, Copy) and node.source.buffer.name == "X":
        first, *others = node.source.dims
        assert isinstance(first, Range)
        one = Const(1, first.start.dtype)
        moved = replace(first, start=Apply("add", (first.start, one)), proved=False)
        return replace(node, source=replace(node.source, dims=(moved, *others)))
    return node


FAULTS = [
    (smallest, "reduce max x"),
    (product, "x[k, l] = x[k, l] / total[k]"),
    (sum_of_columns, "reduce sum x"),
    (late_row, "copy X["),
]


def bisected(backend: NumpyBackend) -> Finding | None:
    function = read_function(NORMALIZE)
    return bisect_function(function, generate_sample(function, 3), backend)


@pytest.mark.parametrize(("change", "statement"), FAULTS)
def test_a_wrong_pass_is_found(
    change: Change, statement: str, faulty: type, faulty_backend: type
) -> None:
    passes = (*DEFAULT_PIPELINE[:3], faulty(change), *DEFAULT_PIPELINE[3:])
    finding = bisected(faulty_backend(passes))
    assert finding is not None
    assert finding.step == "pass faulty"
    assert finding.difference.buffer == "Y"
    assert finding.blame is not None
    assert finding.blame.text.startswith(statement)
    assert "seed 3" in str(finding)


@pytest.mark.parametrize(("change", "statement"), FAULTS)
def test_a_wrong_lowering_is_found_after_the_last_pass(
    change: Change, statement: str, faulty_backend: type
) -> None:
    finding = bisected(faulty_backend(DEFAULT_PIPELINE, change))
    assert finding is not None
    assert finding.step == "the lowering of backend faulty-backend"
    assert finding.blame is not None
    assert finding.blame.text.startswith(statement)


def test_the_second_run_of_a_pass_is_told_from_the_first(
    faulty: type, faulty_backend: type
) -> None:
    harmless = faulty(lambda node: node, name="fold")
    finding = bisected(faulty_backend((harmless, faulty(product, name="fold"))))
    assert finding is not None
    assert finding.step == "pass fold-2"


@pytest.mark.parametrize("name", ["numpy", "llvm"])
def test_right_backends_have_no_wrong_step(name: str) -> None:
    function = read_function(NORMALIZE)
    sample = generate_sample(function, 0)
    assert bisect_function(function, sample, backends.find_backend(name)) is None


def test_the_line_of_the_user_is_named(faulty_backend: type) -> None:
    """Of a kernel of the library: the line with the product."""

    def unclear(node: Node) -> Node:
        return (
            replace(node, clear=Const(True, BOOL)) if isinstance(node, Gemm) else node
        )

    entry = find_kernel("gemm")
    subject = Problem(entry, entry.of_size("small")[0], 0).reals[0]
    backend = faulty_backend(DEFAULT_PIPELINE, unclear)
    finding = bisect_function(subject.function, subject.sample(0), backend)
    assert finding is not None
    source = Path(finding.span.file).read_text().splitlines()
    assert "T.gemm(a, b, acc" in source[finding.span.line - 1]


# ------------------------------------------------------------------- the command


@pytest.fixture
def wrong_backend(monkeypatch: pytest.MonkeyPatch, faulty_backend: type) -> str:
    backend = faulty_backend(DEFAULT_PIPELINE, product)
    real = backends._load
    points = {**backends._entry_points(), backend.name: object()}
    monkeypatch.setattr(backends, "_entry_points", lambda: points)
    monkeypatch.setattr(
        backends, "_load", lambda name: backend if name == backend.name else real(name)
    )
    return str(backend.name)


def test_the_command_prints_the_finding(wrong_backend: str, tmp_path: Path) -> None:
    file = tmp_path / "normalize.ir"
    file.write_text(print_function(read_function(NORMALIZE)))
    run = CliRunner().invoke
    found = run(commands, ["bisect", str(file), "--backend", wrong_backend])
    assert found.exit_code == 1
    assert "first wrong step: the lowering of backend faulty-backend" in found.output
    assert "x[k, l] / total[k]" in found.output
    facts = run(commands, ["bisect", str(file), "--backend", wrong_backend, "--json"])
    assert '"element": "Y[0, 0]"' in facts.output
    right = run(commands, ["bisect", str(file), "--backend", "llvm", "--seed", "8"])
    assert right.exit_code == 0
    assert "every step agrees on 5 inputs" in right.output
    kernel = run(commands, ["bisect", "rmsnorm", "--backend", "llvm"])
    assert kernel.exit_code == 0


def test_the_command_refuses_what_is_no_program(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.ir")
    result = CliRunner().invoke(commands, ["bisect", missing, "--backend", "numpy"])
    assert result.exception is not None
    assert "E4003" in str(result.exception)
