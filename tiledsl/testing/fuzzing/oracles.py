"""Everything that is held against one generated program.

The interpreter on the source function is the truth.  Against it: the scalar evaluator, a
second run on other garbage, the function after each backend's passes, the backends
themselves (on real floats where every operation is exact, on ring values otherwise),
and the text form.  What a target refuses is counted, not reported.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from tiledsl import settings
from tiledsl.analysis.claims import recheck_claims
from tiledsl.backend import Capabilities
from tiledsl.diagnostics import KernelError, UnsupportedByTarget
from tiledsl.ir.nodes import Function
from tiledsl.ir.parser import parse_function
from tiledsl.ir.printer import print_function
from tiledsl.ir.verifier import problems, verify
from tiledsl.passes.base import Pass
from tiledsl.testing.fuzzing.coverage import Coverage
from tiledsl.testing.fuzzing.exactness import is_exact
from tiledsl.testing.fuzzing.execution import (
    PREFILLS,
    Engine,
    engine,
    first_difference,
    launch,
    outputs,
)
from tiledsl.testing.generator.broken import broken
from tiledsl.testing.generator.choice import SeededChoice
from tiledsl.testing.generator.program import Program
from tiledsl.testing.generator.source import NoSpelling, source
from tiledsl.testing.generator.spelling import spellable, trace_text, traced
from tiledsl.testing.registry import Array
from tiledsl.testing.ring import RingMode
from tiledsl.testing.scalar_evaluator import evaluate

_ANY_TARGET = Capabilities(frozenset(), frozenset(), block_bytes=1 << 62)


@dataclass(frozen=True, slots=True)
class Failure:
    """What one oracle says against a program; ``where`` is a backend or pass."""

    oracle: str
    where: str
    detail: str

    def __str__(self) -> str:
        return f"{self.oracle} ({self.where}): {self.detail}"

    def same_kind(self, other: Failure) -> bool:
        """Whether a smaller program fails in the same way."""
        return (self.oracle, self.where) == (other.oracle, other.where)


@dataclass(frozen=True, slots=True)
class Checks:
    """Which oracles to ask.  Sampled ones are asked of every n-th seed.

    ``periods``: the n of backends that are sampled.
    """

    backends: tuple[str, ...]
    periods: Mapping[str, int] = field(default_factory=dict)
    scalar_every: int = 1
    text_every: int = 12
    both_every: int = 16
    source_every: int = 3
    broken_every: int = 3


@dataclass
class Trial:
    """One program on trial."""

    program: Program
    checks: Checks
    coverage: Coverage
    found: list[Failure] = field(default_factory=list)

    def attempt(self, oracle: str, where: str, body: Callable[[], str | None]) -> bool:
        """Whether one oracle has no complaint.

        The text that it gives is a failure, and so is whatever it raises.
        """
        try:
            detail = body()
        except UnsupportedByTarget as error:
            self.coverage.refused[f"{where} {error.code}"] += 1
            return False
        except Exception as error:
            cause = f" <- {error.__cause__}" if error.__cause__ else ""
            place = traceback.extract_tb(error.__traceback__)[-1]
            detail = f"{type(error).__name__}: {error}{cause} [{place.name}]"
            oracle = f"{oracle} raises"
        self.coverage.checked[f"{oracle} {where}"] += 1
        if detail is not None:
            self.found.append(Failure(oracle, where, detail))
        return detail is None

    def every(self, period: int) -> bool:
        return period > 0 and self.program.seed % period == 0


@dataclass(frozen=True)
class Comparison:
    """A program with what it should give.

    ``exact``: every honest evaluation gives these bits.
    """

    trial: Trial
    program: Program
    truth: tuple[Array, ...]
    ring: bool
    exact: bool

    @property
    def mode(self) -> str:
        return "ring" if self.ring else "real"

    def of(self, function: Function) -> Comparison:
        return replace(self, program=replace(self.program, function=function))


def check_program(
    program: Program, checks: Checks, coverage: Coverage | None = None
) -> list[Failure]:
    """Every complaint about the program; empty if there is none."""
    trial = Trial(program, checks, coverage if coverage is not None else Coverage())
    trial.coverage.see(program)
    function = program.function
    if not trial.attempt("verifier", "generator", lambda: _invalid(function)):
        return trial.found
    if trial.every(checks.text_every):
        trial.attempt("text", "round trip", lambda: _round_trip(function))
    if trial.every(checks.source_every) and not program.given:
        trial.attempt("source text", "frontend", lambda: _retraced(trial))
    if trial.every(checks.broken_every) and not program.given:
        trial.attempt("text with mistakes", "frontend", lambda: _answered(trial))
    exact, both = is_exact(function), trial.every(checks.both_every)
    if exact or both:
        _check_values(trial, program, exact=exact, ring=False)
    if not exact or both:
        _check_ring(trial)
    return trial.found


def _check_ring(trial: Trial) -> None:
    twins: list[Program] = []

    def rewrite() -> str | None:
        function = RingMode().run(trial.program.function, _ANY_TARGET)
        twins.append(replace(trial.program, function=function))
        return _invalid(function)

    if trial.attempt("ring mode", "rewrite", rewrite):
        _check_values(trial, twins[0], exact=True, ring=True)


def _check_values(trial: Trial, program: Program, *, exact: bool, ring: bool) -> None:
    mode = "ring" if ring else "real"
    truth: list[tuple[Array, ...]] = []
    given = partial(_poisoned, program, truth, ring=ring)
    if not trial.attempt(f"interpreter {mode}", "source", given):
        return
    about = Comparison(trial, program, truth[0], ring, exact)
    checks = trial.checks
    # kernels of the library are too large for it
    if exact and not program.given and trial.every(checks.scalar_every):
        trial.attempt(f"scalar {mode}", "source", lambda: _scalar(about))
    for name in checks.backends:
        if trial.every(checks.periods.get(name, 1)):
            _check_backend(about, engine(name))


def _check_backend(about: Comparison, on: Engine) -> None:
    """After all passes of the backend, then as it runs the result."""
    trial, stages = about.trial, [about.program.function]
    for step in on.passes:
        run = partial(_step, trial.coverage, on, step, stages)
        if not trial.attempt(f"pass {about.mode}", step.name, run):
            return
    if stages[-1] is not stages[0]:
        last = about.of(stages[-1])
        if not trial.attempt(
            f"passes {about.mode}", on.name, lambda: _interpreted(last)
        ):
            _blame(about, on, stages)
            return
    if about.exact and on.name != settings.REFERENCE:
        final = about.of(stages[-1])
        trial.attempt(f"backend {about.mode}", on.name, lambda: _run(final, on))


def _step(
    coverage: Coverage, on: Engine, step: Pass, stages: list[Function]
) -> str | None:
    before = stages[-1]
    after = step.run(before, on.capabilities)
    if after is not before and after != before:
        verify(after)
        coverage.fired[step.name] += 1
        stages.append(after)
    else:
        stages.append(before)
    return None


def _blame(about: Comparison, on: Engine, stages: Sequence[Function]) -> None:
    """Replaces a complaint about all passes by one about the first wrong pass."""
    trial = about.trial
    whole = trial.found.pop()
    for step, function in zip(on.passes, stages[1:], strict=True):
        stage = about.of(function)
        oracle = f"pass {about.mode}"
        if not trial.attempt(oracle, step.name, partial(_interpreted, stage)):
            return
    trial.found.append(whole)


# ------------------------------------------------------------- single oracles


def _invalid(function: Function) -> str | None:
    found = problems(function)
    return found[0].message if found else None


def _round_trip(function: Function) -> str | None:
    text = print_function(function)
    again = parse_function(text, settle_claims=recheck_claims)
    if again != recheck_claims(function):
        return "parsing the printed function gives another one"
    if print_function(again) != print_function(recheck_claims(function)):
        return "printing is not stable"
    return None


def _retraced(trial: Trial) -> str | None:
    """The function's source text, traced, gives what the function gives."""
    program = replace(trial.program, function=spellable(trial.program.function))
    try:
        again = traced(program)
    except NoSpelling as reason:
        trial.coverage.refused[f"spelling {reason}"] += 1
        return None
    except KernelError as error:
        if error.code == "E0140":  # Python's own exception, not a rule of the language
            raise
        trial.coverage.refused[f"frontend {error.code}"] += 1
        return None
    trial.coverage.checked["source text traced"] += 1
    reference = engine(settings.REFERENCE)
    runs = [
        launch(reference.build(one.function), one, one.values())
        for one in (program, again)
    ]
    found = first_difference(program, runs[0], runs[1])
    return None if found is None else str(found)


def _answered(trial: Trial) -> str | None:
    """A text with mistakes is refused with a code, or makes a valid function."""
    program, diagnostics = trial.program, trial.coverage.diagnostics
    file = f"<mistakes {program.seed}>"
    try:
        text = broken(source(spellable(program.function)), SeededChoice(program.seed))
        kernel = trace_text(text, file)
    except NoSpelling:
        return None
    except Exception as error:
        code = getattr(error, "code", "")
        innermost = traceback.extract_tb(error.__traceback__)[-1]
        if not code and (isinstance(error, SyntaxError) or innermost.filename == file):
            code = "Python's"  # a signature is evaluated before anybody traces
        if not code:
            raise
        diagnostics[code] += 1
        return str(error) if code.startswith("E90") else None
    diagnostics["none"] += 1
    return _invalid(kernel.function)


def _poisoned(
    program: Program, truth: list[tuple[Array, ...]], *, ring: bool
) -> str | None:
    """The interpreter, twice: results depend on no undefined memory."""
    reference = engine(settings.REFERENCE)
    runs: list[tuple[Array, ...]] = []
    for poison, prefill in zip((0, 3), PREFILLS, strict=True):
        executable = reference.build(program.function, poison=poison)
        runs.append(launch(executable, program, program.values(prefill, ring=ring)))
    found = first_difference(program, runs[0], runs[1])
    if found is not None:
        return f"depends on undefined memory: {found}"
    truth.append(runs[0])
    return None


def _scalar(about: Comparison) -> str | None:
    program = about.program
    values = program.values(PREFILLS[0], ring=about.ring)
    evaluate(program.function, values, program.dims)
    found = first_difference(program, about.truth, outputs(program, values))
    return None if found is None else str(found)


def _interpreted(about: Comparison) -> str | None:
    return _run(about, engine(settings.REFERENCE), prefills=PREFILLS[:1])


def _run(
    about: Comparison, on: Engine, *, prefills: Sequence[int] = PREFILLS
) -> str | None:
    """Runs on different garbage, each compared with the truth."""
    program = about.program
    executable = on.build(program.function)
    for prefill in prefills:
        values = program.values(prefill, ring=about.ring)
        got = launch(executable, program, values)
        found = first_difference(program, about.truth, got)
        if found is not None:
            return str(found)
    return None
