"""What the fuzzer does with a compiler that is wrong: sees it, blames, reduces, saves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from tiledsl.analysis import fold
from tiledsl.commands import fuzz as command
from tiledsl.diagnostics import ArgumentError
from tiledsl.ir.nodes import Apply, Copy, Function, Node, Range, index
from tiledsl.ir.visitor import transform, walk
from tiledsl.passes import canonicalize
from tiledsl.passes.dead_code import DeadCode
from tiledsl.testing.fuzzing import (
    Campaign,
    Checks,
    Failure,
    campaign,
    check_program,
    check_seeds,
    reduce_program,
    run_campaign,
    save,
)
from tiledsl.testing.fuzzing.exactness import is_exact
from tiledsl.testing.generator import Program, find_policy, generate
from tiledsl.testing.generator import source_expressions as source

CHECKS = Checks(("llvm",), text_every=0, scalar_every=0, both_every=0, source_every=0)


@pytest.fixture
def wrong_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dead code drops the last row that each copy of four rows brings."""
    run = DeadCode.run

    def shorter(node: Node) -> Node:
        if isinstance(node, Range) and node.extent == index(4):
            return Range(node.start, index(3), node.proved)
        return node

    def wrong(self: DeadCode, function: Function, capabilities: object) -> Function:
        found = run(self, function, capabilities)  # type: ignore[arg-type]
        return transform(
            found,
            lambda node: transform(node, shorter) if isinstance(node, Copy) else node,
        )

    monkeypatch.setattr(DeadCode, "run", wrong)


# what the faults planted here are about stands in launches
LAUNCHES = replace(find_policy("mixed"), tensors=0)


def first_failure(checks: Checks = CHECKS) -> tuple[Program, Failure]:
    for seed in range(200):
        program = generate(seed, LAUNCHES)
        found = check_program(program, checks)
        if found:
            return program, found[0]
    raise LookupError("no program shows the fault")


def test_the_wrong_pass_is_blamed(wrong_pass: None) -> None:
    failure = first_failure()[1]
    assert failure.where == "dead-code"
    assert failure.oracle in ("pass real", "pass ring")
    assert "expected" in failure.detail


def test_reduction_keeps_the_failure_and_little_else(
    wrong_pass: None, tmp_path: Path
) -> None:
    program, failure = first_failure()

    def fails(smaller: Program) -> bool:
        return any(one.same_kind(failure) for one in check_program(smaller, CHECKS))

    smaller = reduce_program(program, fails, seconds=40)
    assert fails(smaller)
    before, after = (sum(1 for _ in walk(p.function)) for p in (program, smaller))
    assert after < before
    assert any(isinstance(node, Copy) for node in walk(smaller.function))
    text = save(tmp_path, smaller, failure, ("llvm",)).read_text()
    assert str(failure) in text
    assert f"seed {program.seed}" in text
    assert "tiledsl.ir 1" in text


def test_a_saved_program_runs_and_says_that_the_fault_is_gone(tmp_path: Path) -> None:
    path = save(
        tmp_path, generate(4), Failure("pass real", "dead-code", "x"), ("llvm",)
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "no oracle complains any more" in done.stdout


def test_an_exception_of_a_pass_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(canonicalize, "fold_apply", broken)
    failure = first_failure()[1]
    assert failure.oracle.endswith("raises")
    assert "oops" in failure.detail


def test_a_wrong_constant_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    true = fold.fold_apply

    def off(op: str, args: tuple) -> object:
        return true("sub" if op == "add" else op, args)

    monkeypatch.setattr(canonicalize, "fold_apply", off)
    assert first_failure()[1].where == "canonicalize"


def test_source_text_with_another_meaning_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(source._INFIX, "sub", "+")
    checks = Checks(
        ("numpy",), text_every=0, scalar_every=0, both_every=0, source_every=1
    )
    failure = first_failure(checks)[1]
    assert (failure.oracle, failure.where) == ("source text", "frontend")


def test_source_text_of_many_programs_is_traced() -> None:
    checks = Checks(
        ("numpy",), text_every=0, scalar_every=0, both_every=0, source_every=1
    )
    result = check_seeds(range(300, 400), checks)
    assert not result.found
    assert result.coverage.checked["source text traced"] >= 25


def test_approximations_and_sums_leave_a_choice() -> None:
    seen = set()
    for seed in range(60):
        function = generate(seed).function
        approximates = any(
            isinstance(node, Apply) and node.op in ("exp", "sin")
            for node in walk(function)
        )
        seen.add(is_exact(function))
        assert not (approximates and is_exact(function))
    assert seen == {True, False}


# ---------------------------------------------------------------------- campaigns


def test_processes_check_every_seed_once() -> None:
    plan = Campaign(Checks(("numpy",)), seed=70, programs=60, jobs=2)
    result = run_campaign(plan)
    alone = check_seeds(range(70, 130), plan.checks)
    assert result.programs == 60
    assert result.coverage == alone.coverage
    assert not result.found


def test_a_process_that_dies_is_a_failure_of_its_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(campaign, "_work", _dies_at_72)
    plan = Campaign(Checks(("numpy",)), seed=70, programs=10, jobs=1)
    result = run_campaign(plan)
    assert [(found.seed, found.failure.oracle) for found in result.found] == [
        (72, "crash")
    ]
    assert result.programs == 8  # 72 itself and the seven after it


def _dies_at_72(connection, current, checks, policy) -> None:
    while True:
        seeds = connection.recv()
        for seed in seeds:
            current.value = seed
            if seed == 72:
                os._exit(3)
        connection.send(check_seeds(seeds, checks, policy))


# ------------------------------------------------------------------- command line


def run_command(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(command.fuzz, arguments)
    if isinstance(done.exception, ArgumentError):
        raise done.exception
    return done.exit_code, done.stdout


def test_the_command_prints_seed_and_coverage(tmp_path: Path) -> None:
    options = ("--programs", "30", "--seed", "5", "--backends", "numpy")
    status, text = run_command(*options, "--out", str(tmp_path))
    assert status == 0
    assert text.startswith("seed 5\n")
    assert "30 programs" in text
    assert "scalar operations unused" in text


def test_the_command_prints_json(tmp_path: Path) -> None:
    options = ("--programs", "20", "--seed", "5", "--backends", "numpy", "--json")
    status, text = run_command(*options, "--policy", "tiny")
    found = json.loads(text[text.index("{") :])
    assert status == 0
    assert found["coverage"]["policies"] == {"tiny": 20}
    assert found["found"] == []


def test_an_unknown_policy_is_an_error_with_the_known_ones() -> None:
    with pytest.raises(
        ArgumentError, match=r"E4050.*'loops'(?s:.)*mixed, exact, tails"
    ):
        run_command("--policy", "loops")
