"""Generated programs: valid, defined, repeatable, and of every kind."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings

from tiledsl.ir.nodes import (
    Allocate,
    Atomic,
    Buffer,
    Function,
    Launch,
    Load,
    Region,
    Store,
)
from tiledsl.ir.printer import print_function
from tiledsl.ir.verifier import problems
from tiledsl.ir.visitor import walk
from tiledsl.testing.fuzzing import Coverage
from tiledsl.testing.generator import (
    POLICIES,
    Program,
    SeededChoice,
    find_policy,
    generate,
)
from tiledsl.testing.generator.mutation import library, mutant
from tiledsl.testing.strategies import dtypes, indices, programs, shapes, strides


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_programs_are_valid(policy) -> None:
    for seed in range(150):
        assert problems(generate(seed, policy).function) == []


def test_a_seed_determines_its_program_in_every_process() -> None:
    code = (
        "from tiledsl.testing.generator import generate;"
        "from tiledsl.ir.printer import print_function;"
        "p = generate(11); print(print_function(p.function), p.dims, p.data)"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    assert print_function(generate(11).function).encode() in runs.pop()


def test_everything_is_generated() -> None:
    coverage = Coverage()
    for seed in range(1500):
        coverage.see(generate(seed))
    nodes = {
        "Accumulate",
        "Bitcast",
        "Break",
        "Continue",
        "Copy",
        "Fill",
        "For",
        "Gemm",
    }
    nodes |= {"Sort", "Atomic", "Assert", "Print", "Wait", "TileHint"}
    nodes |= {"If", "Launch", "Let", "Parallel", "Reduce", "Select", "Store", "While"}
    assert not {name for name in nodes if coverage.nodes[name] < 20}
    assert not coverage.missing_operations()
    assert set(coverage.policies) == {policy.name for policy in POLICIES}
    kinds = set(coverage.operations)
    assert {
        "for-pipelined 3",
        "reduce-absmax float32",
        "buffer-global float8_e5m2",
        "buffer-global int4",
        "buffer-shared float4_e2m1fn",
        "view-global int32",
        "sort float32",
    } <= kinds
    for start in ("atomic-max tensor", "atomic-exchange tile", "view-shared int"):
        assert any(kind.startswith(start) for kind in kinds)


def test_elements_of_a_byte_are_written_by_one_block() -> None:
    seen = 0
    for seed in range(300):
        program = generate(seed, find_policy("packed"))
        for param in program.function.params:
            if isinstance(param, Buffer) and param.dtype.is_packed:
                assert program.extents(param)[-1] % 2 == 0
                seen += 1
    assert seen > 100


def test_what_is_updated_atomically_is_read_by_no_block_meanwhile() -> None:
    seen = 0
    for seed in range(400):
        for launch in generate(seed, find_policy("atomics")).function.body:
            updates = [node for node in walk(launch) if isinstance(node, Atomic)]
            targets = {n.buffer.name for n in updates if n.buffer.scope == "global"}
            for name in targets:
                kinds = {n.op for n in updates if n.buffer.name == name}
                touched = [
                    node
                    for node in walk(launch)
                    if isinstance(node, Load | Store | Region)
                    and node.buffer.name == name
                ]
                assert len(kinds) == 1
                assert touched == []
                seen += 1
    assert seen > 20


def test_sizes_meet_the_edges_of_tiles() -> None:
    sizes = {generate(seed, find_policy("tails")).dims[0] for seed in range(300)}
    assert {0, 1, 2, 3, 4, 5, 7, 11} <= sizes


def test_programs_launch_several_times_and_keep_workspaces() -> None:
    functions = [generate(seed, find_policy("tiny")).function for seed in range(100)]
    assert any(_count(function, Launch) == 3 for function in functions)
    assert any(isinstance(part, Allocate) for f in functions for part in f.body)


def _count(function: Function, kind: type) -> int:
    return sum(isinstance(statement, kind) for statement in function.body)


def test_inputs_have_the_strides_that_the_function_declares() -> None:
    seen = 0
    for seed in range(400):
        program = generate(seed)
        values = program.values()
        for param, value in zip(program.function.params, values, strict=True):
            strides_of = getattr(param, "strides", None)
            if (
                strides_of is None
                or not isinstance(value, np.ndarray)
                or not value.size
            ):
                continue
            expected = [program.size(stride) * value.itemsize for stride in strides_of]
            steps = zip(value.shape, value.strides, expected, strict=True)
            assert all(have == want for extent, have, want in steps if extent > 1)
            seen += 1
    assert seen > 40


def test_mutants_of_the_library_are_valid_and_different() -> None:
    originals = {program.policy: program.function for program in library()}
    different = 0
    for seed in range(12):
        program = mutant(SeededChoice(seed), seed=seed)
        assert problems(program.function) == []
        assert len(program.values()) == len(program.function.params)
        different += program.function != originals[program.policy]
    assert different >= 6


def test_an_unknown_policy_is_named() -> None:
    with pytest.raises(KeyError, match="no policy 'loops'; there are mixed"):
        find_policy("loops")


@settings(max_examples=30, deadline=None, derandomize=True)
@given(programs())
def test_hypothesis_draws_the_same_kind_of_programs(program: Program) -> None:
    assert problems(program.function) == []
    program.values()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(shapes().flatmap(lambda shape: strides(shape).map(lambda s: (shape, s))))
def test_strides_do_not_overlap(drawn) -> None:
    shape, steps = drawn
    places = [
        sum(i * s for i, s in zip(at, steps, strict=True)) for at in np.ndindex(*shape)
    ]
    assert len(set(places)) == len(places)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(indices(), dtypes())
def test_subscripts_are_indices(expr, dtype) -> None:
    assert expr.dtype == "index"
    assert dtype != "index"
