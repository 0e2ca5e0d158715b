"""Verifying kernels of the registry on backends, with several independent oracles."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from tiledsl import settings
from tiledsl.backend import Target
from tiledsl.runtime.backends import backend_names, targets_of
from tiledsl.testing.oracles import (
    JUDGES,
    ORACLES,
    RELATIVE,
    BackendLike,
    Oracle,
    Status,
    Trial,
    Verdict,
    name_of,
    settled,
)
from tiledsl.testing.programs import PROGRAMS, judge_program
from tiledsl.testing.registry import Expected, KernelEntry, Size, Workload
from tiledsl.testing.subject import Subject, subject_of

# what reports about small programs have in place of a kernel's name
PROGRAMS_NAME = "programs"


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


def verify_kernel(
    entry: KernelEntry,
    *,
    backends: Sequence[BackendLike] | None = None,
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
            reports += _verify(problem, name, oracles)
            if number == 0 and "compile" in oracles:
                reports += _compile_everywhere(problem, name)
    return tuple(reports)


def verify_programs(
    backends: Sequence[BackendLike] | None = None,
) -> Iterator[Report]:
    """Runs the small programs of ``tiledsl.testing.programs`` on every backend.

    They need every mask, tail, fill and clear of a lowering, which kernels may not.
    """
    for backend in backends if backends is not None else runnable_backends():
        for name in PROGRAMS:
            judge = partial(judge_program, name, backend)
            yield _report(PROGRAMS_NAME, name, name_of(backend), "exact", judge)


def runnable_backends() -> tuple[str, ...]:
    """Backends that can run kernels on host arrays here, the reference first."""
    names = [name for name in backend_names() if _runs_here(name)]
    return tuple(sorted(names, key=lambda name: (name != settings.REFERENCE, name)))


def _runs_here(name: str) -> bool:
    targets = targets_of(name)
    if isinstance(targets, str):
        return False
    return any(target.runnable and target.device == "cpu" for target in targets)


def _verify(
    problem: Problem, backend: BackendLike, oracles: Sequence[Oracle]
) -> Iterator[Report]:
    work = problem.work
    is_reference = name_of(backend) == settings.REFERENCE
    trial = Trial(problem, backend)  # one for all oracles: it keeps its outputs
    for oracle, judge in JUDGES.items():
        pointless = oracle in RELATIVE and (is_reference or work.size != "small")
        if oracle == "integers" and not work.linear:
            pointless = True
        if oracle in oracles and not pointless:
            place = name_of(backend)
            run = partial(judge, trial)
            yield _report(problem.entry.name, work.name, place, oracle, run)


def _report(
    kernel: str,
    workload: str,
    backend: str,
    oracle: Oracle,
    judge: Callable[[], Verdict],
) -> Report:
    start = time.perf_counter()
    verdict = settled(judge)
    return Report(
        kernel,
        workload,
        backend,
        oracle,
        verdict.status,
        verdict.detail,
        verdict.worst_share,
        time.perf_counter() - start,
    )


def _compile_everywhere(problem: Problem, backend: BackendLike) -> Iterator[Report]:
    """Compiles for the targets that the backend cannot run here."""
    targets = targets_of(backend) if isinstance(backend, str) else backend.targets()
    for target in () if isinstance(targets, str) else targets:
        if not target.runnable:
            judge = partial(_compile, problem, backend, target)
            place = f"{name_of(backend)} {target.name}"
            yield _report(
                problem.entry.name, problem.work.name, place, "compile", judge
            )


def _compile(problem: Problem, backend: BackendLike, target: Target) -> Verdict:
    compiled = problem.reals[0].kernel.compiled(backend, target.name)
    size = len(compiled.executable.binary or b"")
    return Verdict("ok", f"{size} bytes" if size else "")
