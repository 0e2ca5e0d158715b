"""What may notice a mutant, the cheap first: programs, generated functions, tests.

Everything that the mutated part has no share in is computed beforehand, in the process
that children are forked from: traced programs, generated functions and their results,
collected tests.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import cache, lru_cache, partial

import numpy as np

from tests.faults.execution import run_case
from tests.faults.oracles import Check
from tests.mutation.groups import Group
from tests.mutation.trial import allow
from tiledsl.backend import Capabilities
from tiledsl.diagnostics import TileWarning, UnsupportedByTarget
from tiledsl.ir.nodes import Function
from tiledsl.passes.base import Pass
from tiledsl.passes.pipeline import DEFAULT_PIPELINE, run_pipeline
from tiledsl.testing.fuzzing.exactness import is_exact
from tiledsl.testing.fuzzing.execution import (
    PREFILLS,
    Engine,
    engine,
    first_difference,
    launch,
    outputs,
)
from tiledsl.testing.generator import Program, generate
from tiledsl.testing.programs import PROGRAMS, Case
from tiledsl.testing.registry import Array
from tiledsl.testing.ring import RingMode
from tiledsl.testing.scalar_evaluator import evaluate

_ANY: Capabilities = Capabilities(frozenset(), frozenset(), block_bytes=1 << 62)
# modules whose rewriting of scalars has a check of its own
_SCALAR = ("canonicalize", "equations", "scalar_rules", "fold")
# of processor time for one look, which takes less than one second
_ALLOWED_SECONDS = 6

Look = tuple[str, Callable[[], str | None]]


def looks(group: Group, module: str) -> Iterator[Look]:
    """Names and checks; a check gives a text, or raises, if something is wrong."""
    for name in PROGRAMS:
        case = PROGRAMS[name] if group.traces else partial(_case, name)
        yield f"program {name}", partial(_program, case, group.backend)
    if module.endswith(_SCALAR):
        yield "expressions", _expressions
    for seed in range(group.generated):
        yield f"generated {seed}", partial(_generated, group.backend, seed)


def first_complaint(group: Group, module: str) -> str | None:
    """What sees that the compiler is wrong."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", TileWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        for name, look in looks(group, module):
            allow(_ALLOWED_SECONDS)
            try:
                complaint = look()
            except UnsupportedByTarget as refusal:
                # a program that was compiled before is no longer
                complaint = None if name in _refused(group) else str(refusal)
            except Exception as error:
                complaint = type(error).__name__
            if complaint:
                return name
    return None


@lru_cache
def _refused(group: Group) -> frozenset[str]:
    """What the unchanged backend does not compile."""
    found = set()
    for name, look in looks(group, ""):
        try:
            look()
        except UnsupportedByTarget:
            found.add(name)
    return frozenset(found)


def warm(group: Group) -> None:
    """Computes what the looks share."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", TileWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        _refused(group)


# -------------------------------------------------------------------- the looks


@lru_cache
def _case(name: str) -> Case:
    return PROGRAMS[name]()


def _program(case: Callable[[], Case], backend: str) -> None:
    run_case(case(), backend)


def _expressions() -> None:
    Check("sequence", "expressions-keep-their-values", "numpy").run()


@cache
def _twin(seed: int) -> tuple[Program, bool]:
    """A random program, on ring values if its floats may be rounded in several ways."""
    program = generate(seed)
    if is_exact(program.function):
        return program, False
    function = RingMode().run(program.function, _ANY)
    return Program(function, program.dims, program.data), True


@cache
def _truth(seed: int) -> tuple[Array, ...]:
    program, ring = _twin(seed)
    values = program.values(PREFILLS[0], ring=ring)
    return launch(engine("numpy").build(program.function), program, values)


@cache
def _scalar_truth(seed: int) -> tuple[Array, ...]:
    program, ring = _twin(seed)
    values = program.values(PREFILLS[0], ring=ring)
    evaluate(program.function, values, program.dims)
    return outputs(program, values)


@cache
def _lowered(seed: int, backend: str) -> Function:
    """The function after the shared passes of a backend: not the part in question."""
    chosen = engine(backend)
    function = _twin(seed)[0].function
    return run_pipeline(function, _shared(chosen), chosen.capabilities)


def _shared(chosen: Engine) -> tuple[Pass, ...]:
    ours = [type(p).__module__.startswith("tiledsl.passes") for p in chosen.passes]
    return chosen.passes[: (*ours, False).index(False)]


def _generated(backend: str, seed: int) -> str | None:
    program, ring = _twin(seed)
    expected = _scalar_truth(seed) if backend == "numpy" else _truth(seed)
    chosen = engine("numpy" if backend == "passes" else backend)
    if backend == "passes":
        function = run_pipeline(program.function, DEFAULT_PIPELINE, _ANY)
    else:
        own = chosen.passes[len(_shared(chosen)) :]
        function = run_pipeline(_lowered(seed, backend), own, chosen.capabilities)
    values = program.values(PREFILLS[1], ring=ring)
    found = first_difference(
        program, expected, launch(chosen.build(function), program, values)
    )
    return None if found is None else str(found)
