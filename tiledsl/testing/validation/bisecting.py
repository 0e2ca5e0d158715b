"""The first step of a compilation after which results differ.

A step is a pass of the backend's pipeline, or what comes after the last one: the lowering.
Three views are tried in turn: the passes on the program, judged in ring mode; the ring
twin of the program, passes and lowering; the program itself on real numbers, where
rounding is allowed for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tiledsl.analysis.effects import written
from tiledsl.backend import Backend, BuildOptions, Target
from tiledsl.diagnostics import Error, InternalError
from tiledsl.ir.nodes import Function
from tiledsl.ir.spans import NO_SPAN, Span
from tiledsl.ir.verifier import verify
from tiledsl.testing.validation.bounded_loops import bound_loops
from tiledsl.testing.validation.differences import (
    Difference,
    Same,
    close_elements,
    first_difference,
)
from tiledsl.testing.validation.interpreting import (
    Meaning,
    Outputs,
    meaning,
    run_on,
    same_elements,
    target_here,
)
from tiledsl.testing.validation.narrowing import Blame, narrow
from tiledsl.testing.validation.pass_validator import Mode, in_mode
from tiledsl.testing.validation.samples import Sample


@dataclass(frozen=True, slots=True)
class Finding:
    """The first wrong step, with the first wrong element and the statement to blame."""

    step: str
    mode: Mode
    difference: Difference
    blame: Blame | None
    seed: int

    @property
    def span(self) -> Span:
        return self.blame.span if self.blame else NO_SPAN

    def __str__(self) -> str:
        lines = [
            f"first wrong step: {self.step} ({self.mode}, seed {self.seed})",
            f"first wrong element: {self.difference}",
        ]
        if self.blame is not None:
            place = f"{self.span}: " if self.span.line else ""
            lines.append(f"first wrong statement: {place}{self.blame.text}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Stage:
    """What a step of a compilation makes: its results, when asked for."""

    step: str
    run: Callable[[], Outputs]
    same: Same


@dataclass(frozen=True, slots=True)
class Compiler:
    """A backend for one target: the steps that turn a function into results."""

    backend: Backend
    target: Target

    def passes(self, function: Function) -> Iterator[tuple[str, str, Function]]:
        """The name, contract and result of each pass that changes something."""
        capabilities = self.backend.capabilities(self.target)
        names: Counter[str] = Counter()
        for step in self.backend.pipeline(self.target):
            names[step.name] += 1
            again = f"-{names[step.name]}" if names[step.name] > 1 else ""
            after = step.run(function, capabilities)
            if after is not function and after != function:
                verify(after)
                yield f"pass {step.name}{again}", step.contract, after
            function = after

    def lower(self, function: Function, sample: Sample) -> Outputs:
        """The results of the backend's own code for a function after all passes."""
        options = BuildOptions(fast_math=function.fast_math)
        return run_on(self.backend, self.target, function, sample, options)

    @property
    def lowering(self) -> str:
        return f"the lowering of backend {self.backend.name}"


View = Callable[[Compiler, Function, Sample], "tuple[Meaning, Iterator[Stage]] | None"]


def bisect_function(
    function: Function, sample: Sample, backend: Backend, target: Target | None = None
) -> Finding | None:
    """The first wrong step on these inputs; None if every step is right.

    Raises UnsupportedByTarget for what the backend refuses.
    """
    compiler = Compiler(backend, target or target_here(backend))
    for mode, view in _VIEWS:
        found = _first_wrong(view, compiler, function, sample)
        if found is not None:
            if view is _ring_twin:
                # real numbers show the user's own statements, if they show anything
                plain = _first_wrong(_real_mode, compiler, function, sample)
                if plain is not None and plain[0] == found[0]:
                    mode, view, found = "real mode", _real_mode, plain
            step, difference = found
            trial = _trial(view, compiler, step)
            blame = narrow(function, sample, difference, trial)
            return Finding(step, mode, difference, blame, sample.seed)
    return None


def _trial(
    view: View, compiler: Compiler, step: str
) -> Callable[[Function, Sample], Difference | None]:
    def trial(function: Function, sample: Sample) -> Difference | None:
        found = _first_wrong(view, compiler, function, sample)
        return found[1] if found is not None and found[0] == step else None

    return trial


def _first_wrong(
    view: View, compiler: Compiler, function: Function, sample: Sample
) -> tuple[str, Difference] | None:
    seen = view(compiler, function, sample)
    if seen is None:
        return None
    truth, stages = seen
    for stage in stages:
        try:
            outputs = stage.run()
        except InternalError as error:  # a false proof, a backend that fails
            return stage.step, _failure(function, error)
        difference = first_difference(truth, outputs, stage.same)
        if difference is not None:
            return stage.step, difference
    return None


def _failure(function: Function, error: Error) -> Difference:
    """A step after which nothing runs is wrong in every element."""
    writes = written(function.body)
    name = next((param.name for param in function.params if param.name in writes), "")
    return Difference(name, (), "a result", error.summary, 0)


# ---------------------------------------------------------------------- the views


def _passes_in_ring_mode(
    compiler: Compiler, function: Function, sample: Sample
) -> tuple[Meaning, Iterator[Stage]] | None:
    twin = in_mode(function, sample, "ring mode")
    if twin is None:
        return None

    def stages() -> Iterator[Stage]:
        for step, contract, after in compiler.passes(function):
            if contract == "approximates":
                return
            yield Stage(step, partial(_interpret, after, sample), same_elements)

    return meaning(*twin), stages()


def _results(function: Function, sample: Sample) -> Outputs:
    return meaning(function, sample).first


def _interpret(function: Function, sample: Sample) -> Outputs:
    """The results in ring mode, which was found to exist before any pass."""
    return _results(*(in_mode(function, sample, "ring mode") or (function, sample)))


def _ring_twin(
    compiler: Compiler, function: Function, sample: Sample
) -> tuple[Meaning, Iterator[Stage]] | None:
    twin = in_mode(function, sample, "ring mode")
    if twin is None:
        return None
    program, inputs = twin
    return meaning(program, inputs), _all_stages(compiler, program, inputs, exact=True)


def _real_mode(
    compiler: Compiler, function: Function, sample: Sample
) -> tuple[Meaning, Iterator[Stage]]:
    program = bound_loops(function)
    stages = _all_stages(compiler, program, sample, exact=False)
    return meaning(program, sample), stages


def _all_stages(
    compiler: Compiler, function: Function, sample: Sample, *, exact: bool
) -> Iterator[Stage]:
    """Each pass, interpreted, and the lowering; in real mode rounding may differ once
    something that may reorder sums has run.
    """
    final, same = function, same_elements
    for step, contract, after in compiler.passes(function):
        if not exact and contract != "exact":
            same = close_elements
        yield Stage(step, partial(_results, after, sample), same)
        final = after
    yield Stage(
        compiler.lowering,
        partial(compiler.lower, final, sample),
        same_elements if exact else close_elements,
    )


_VIEWS: tuple[tuple[Mode, View], ...] = (
    ("ring mode", _passes_in_ring_mode),
    ("ring mode", _ring_twin),
    ("real mode", _real_mode),
)
