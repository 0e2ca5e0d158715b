"""Verifying kernels of the registry on backends, with several independent oracles.

``bounds``: every element within a sound bound of its float64 value.  ``poison``: outputs
prefilled with two different bytes come out the same, so that nothing is left unwritten
and results are reproducible.  ``integers``: small integers as inputs, compared bit for
bit (kernels that are linear).  ``ring``: the exact twin of the program gives the same
bits as on the reference backend.  ``compile``: targets without a device here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal, TypeAlias

import numpy as np

from tiledsl import settings
from tiledsl.diagnostics import Error, UnsupportedByTarget
from tiledsl.runtime.backends import backend_names, targets_of
from tiledsl.testing.bounds import Bounded
from tiledsl.testing.compare import Comparison, compare, compare_exact_values
from tiledsl.testing.registry import Array, Expected, KernelEntry, Size, Workload
from tiledsl.testing.subject import POISONS, Subject, subject_of

Oracle: TypeAlias = Literal["bounds", "poison", "integers", "ring", "compile"]
Status: TypeAlias = Literal["ok", "wrong", "inconclusive", "unsupported", "failed"]

ORACLES: tuple[Oracle, ...] = ("bounds", "poison", "integers", "ring", "compile")


@dataclass(frozen=True, slots=True)
class Report:
    """What one oracle says of one workload on one backend (``compile``: one target)."""

    kernel: str
    workload: str
    backend: str
    oracle: Oracle
    status: Status
    detail: str = ""
    worst_share: float = 0.0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Nothing wrong was seen; what a target refuses is not wrong."""
        return self.status in ("ok", "unsupported")

    def __str__(self) -> str:
        place = f"{self.kernel}/{self.workload} on {self.backend}, {self.oracle}"
        return f"{place}: {self.status}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The part of a report that an oracle decides."""

    status: Status
    detail: str = ""
    worst_share: float = 0.0


@dataclass(frozen=True)
class Problem:
    """One workload with its data, traced and with its reference computed once."""

    entry: KernelEntry
    work: Workload
    seed: int

    @cached_property
    def reals(self) -> tuple[Subject, Mapping[str, Expected]]:
        return self._prepare(integers=False)

    @cached_property
    def integers(self) -> tuple[Subject, Mapping[str, Expected]]:
        return self._prepare(integers=True)

    def _prepare(self, *, integers: bool) -> tuple[Subject, Mapping[str, Expected]]:
        rng = np.random.default_rng(self.seed)
        inputs = self.work.make_inputs(rng, integers=integers)
        call = self.work.call(inputs)
        kernel = self.entry.kernel.compile(*call.arguments, **call.options)
        expected = self.work.reference(inputs)
        shapes = [output.value.shape for output in expected.values()]
        return subject_of(kernel, call.arguments, shapes), expected


@dataclass(frozen=True)
class Trial:
    """A problem on one backend."""

    problem: Problem
    backend: str

    @cached_property
    def outputs(self) -> tuple[Array, ...]:
        return self.problem.reals[0].run(self.backend, POISONS[0])


def verify_kernel(
    entry: KernelEntry,
    *,
    backends: Sequence[str] | None = None,
    size: Size = "small",
    seed: int = 0,
    oracles: Sequence[Oracle] = ORACLES,
) -> tuple[Report, ...]:
    """Judges every workload of a size on every backend (default: those that work here).

    Never raises for a wrong kernel or backend: that is what the reports say.
    """
    names = tuple(backends) if backends is not None else runnable_backends()
    reports: list[Report] = []
    for number, work in enumerate(entry.of_size(size)):
        problem = Problem(entry, work, seed)
        for name in names:
            reports += _verify(Trial(problem, name), oracles)
            if number == 0 and "compile" in oracles:
                reports += _compile_everywhere(problem, name)
    return tuple(reports)


def runnable_backends() -> tuple[str, ...]:
    """Backends that can run kernels on host arrays here, the reference first."""
    names = [name for name in backend_names() if _runs_here(name)]
    return tuple(sorted(names, key=lambda name: (name != settings.REFERENCE, name)))


def _runs_here(name: str) -> bool:
    targets = targets_of(name)
    if isinstance(targets, str):
        return False
    return any(target.runnable and target.device == "cpu" for target in targets)


def _verify(trial: Trial, oracles: Sequence[Oracle]) -> Iterator[Report]:
    judges: dict[Oracle, Callable[[Trial], Verdict]] = {
        "bounds": _judge_bounds,
        "poison": _judge_poison,
    }
    work = trial.problem.work
    if work.linear:
        judges["integers"] = _judge_integers
    if trial.backend != settings.REFERENCE and work.size == "small":
        judges["ring"] = _judge_ring
    for oracle, judge in judges.items():
        if oracle in oracles:
            yield _report(trial.problem, trial.backend, oracle, partial(judge, trial))


def _report(
    problem: Problem, backend: str, oracle: Oracle, judge: Callable[[], Verdict]
) -> Report:
    start = time.perf_counter()
    try:
        verdict = judge()
    except UnsupportedByTarget as error:
        verdict = Verdict("unsupported", error.summary)
    except Error as error:
        cause = f": {error.__cause__}" if error.__cause__ else ""
        verdict = Verdict("failed", error.summary + cause)
    except Exception as error:  # whatever a backend raises is a finding, not an end
        verdict = Verdict("failed", f"{type(error).__name__}: {error}")
    seconds = time.perf_counter() - start
    return Report(
        problem.entry.name,
        problem.work.name,
        backend,
        oracle,
        verdict.status,
        verdict.detail,
        verdict.worst_share,
        seconds,
    )


def _judge_bounds(trial: Trial) -> Verdict:
    expected = trial.problem.reals[1]
    pairs = zip(expected.items(), trial.outputs, strict=False)
    return _summary([compare(name, got, value) for (name, value), got in pairs])


def _judge_poison(trial: Trial) -> Verdict:
    subject, expected = trial.problem.reals
    again = subject.run(trial.backend, POISONS[1])
    return same_bits(
        tuple(expected), trial.outputs, again, "differ between two prefilled values"
    )


def _judge_integers(trial: Trial) -> Verdict:
    subject, expected = trial.problem.integers
    outputs = subject.run(trial.backend, POISONS[0])
    return _summary(
        [
            compare_exact_values(name, got, value.value)
            for (name, value), got in zip(expected.items(), outputs, strict=False)
            if isinstance(value, Bounded)
        ]
    )


def _judge_ring(trial: Trial) -> Verdict:
    subject, expected = trial.problem.reals
    twin = subject.in_ring_mode(np.random.default_rng(trial.problem.seed + 1))
    truth = twin.run(settings.REFERENCE, POISONS[0])
    got = twin.run(trial.backend, POISONS[0])
    return same_bits(tuple(expected), truth, got, "differ from the reference backend")


def _summary(comparisons: Sequence[Comparison]) -> Verdict:
    worst = max((result.worst_share for result in comparisons), default=0.0)
    for result in comparisons:
        if not result.ok:
            return Verdict(
                "inconclusive" if not result.wrong else "wrong", str(result), worst
            )
    return Verdict("ok", "", worst)


def same_bits(
    names: Sequence[str], first: Sequence[Array], second: Sequence[Array], problem: str
) -> Verdict:
    """Whether two runs gave the same bytes; ``names`` are those of the first arrays."""
    labels = [*names, *(f"array {i}" for i in range(len(first) - len(names)))]
    for name, a, b in zip(labels, first, second, strict=True):
        # the bytes of an element, so that NaN counts by its bits
        bits = (np.ascontiguousarray(x).view(f"u{x.dtype.itemsize}") for x in (a, b))
        wrong = np.not_equal(*bits)
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            count = int(wrong.sum())
            values = f"{a[index]} and {b[index]}"
            return Verdict(
                "wrong", f"{name}: {count} elements {problem}, {index}: {values}"
            )
    return Verdict("ok")


def _compile_everywhere(problem: Problem, backend: str) -> Iterator[Report]:
    """Compiles for the targets that the backend cannot run here."""
    targets = targets_of(backend)
    for target in () if isinstance(targets, str) else targets:
        if not target.runnable:
            judge = partial(_compile, problem, backend, target.name)
            yield _report(problem, f"{backend} {target.name}", "compile", judge)


def _compile(problem: Problem, backend: str, target: str) -> Verdict:
    compiled = problem.reals[0].kernel.compiled(backend, target)
    size = len(compiled.executable.binary or b"")
    return Verdict("ok", f"{size} bytes" if size else "")
