"""The rows of the benchmark table: a kernel and its rivals on one workload."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tiledsl.benchmarking.contenders import Contender, prepared
from tiledsl.benchmarking.interleaved import Timing, measure, ratio
from tiledsl.benchmarking.limits import Limit, multiply_add, streaming
from tiledsl.benchmarking.table import Suite
from tiledsl.testing.compare import compare
from tiledsl.testing.registry import Inputs, KernelEntry, Workload


@dataclass(frozen=True, slots=True)
class BenchRow:
    """One contender on one workload.

    ``ms``: the median over ``quiet`` of ``windows`` windows (over all of them if none was
    quiet).  ``worst_share``: the largest error as a share of its bound.  ``roof``: the
    share of what the processor's float32 arithmetic and memory allow, measured in the
    same rounds; narrower arithmetic may exceed it.  ``speedup``, for our own row: how
    many times as long the strongest rival takes.
    """

    kernel: str
    workload: str
    contender: str
    ms: float
    best_ms: float
    gflops: float
    gbytes: float
    roof: float
    worst_share: float
    speedup: float
    quiet: int
    windows: int


def bench(
    entries: Sequence[KernelEntry],
    suite: Suite,
    *,
    size: str = "model",
    backend: str = "llvm",
    rounds: int = 5,
    patience: float = 20.0,
    seed: int = 0,
) -> Iterator[BenchRow]:
    """Rows as they are measured; the kernel's own row comes first, then its rivals'."""
    limits = (multiply_add(backend), streaming(backend))
    for entry in entries:
        for work in _workloads(entry, suite, size):
            inputs = work.make_inputs(np.random.default_rng(seed))
            contenders = _contenders(entry, work, inputs, suite, backend)
            everybody = [*contenders, *(limit.contender for limit in limits)]
            timings = measure(
                {part.name: part.run for part in everybody},
                rounds=rounds,
                patience=patience,
            )
            yield from _rows(entry, work, inputs, contenders, timings, limits)


def _workloads(entry: KernelEntry, suite: Suite, size: str) -> Sequence[Workload]:
    if size == "large":
        return suite.large.get(entry.name, ())
    return [work for work in entry.workloads if work.size == size]


def _contenders(
    entry: KernelEntry, work: Workload, inputs: Inputs, suite: Suite, backend: str
) -> list[Contender]:
    call = work.call(inputs)
    kernel = entry.kernel.compile(*call.arguments, **call.options)
    found = [prepared(backend, kernel, call.arguments, backend)]
    for table in suite.rivals.values():
        make = table.get(entry.name)
        rival = make(work, inputs) if make is not None else None
        if rival is not None:
            found.append(rival)
    return found


def _rows(
    entry: KernelEntry,
    work: Workload,
    inputs: Inputs,
    contenders: Sequence[Contender],
    timings: dict[str, Timing],
    limits: tuple[Limit, Limit],
) -> Iterator[BenchRow]:
    expected = work.reference(inputs)
    flops, traffic = work.flops(inputs), work.bytes(inputs)
    peak, stream = (limit.rate(timings[limit.contender.name].ms) for limit in limits)
    roof_ms = max(flops / peak, traffic / stream) * 1e3
    ours, *rivals = contenders
    mine = timings[ours.name]
    speedups = [ratio(timings[rival.name], mine) for rival in rivals]
    for part in contenders:
        timing = timings[part.name]
        # rivals may leave out outputs, so the results may be fewer
        judged = [
            compare(name, np.asarray(got), want)
            for (name, want), got in zip(expected.items(), part.results(), strict=False)
        ]
        yield BenchRow(
            kernel=entry.name,
            workload=work.name,
            contender=part.name,
            ms=timing.ms,
            best_ms=timing.best_ms,
            gflops=flops / timing.ms / 1e6,
            gbytes=traffic / timing.ms / 1e6,
            roof=roof_ms / timing.ms,
            worst_share=max(verdict.worst_share for verdict in judged),
            speedup=min(speedups, default=0.0) if part is ours else 0.0,
            quiet=timing.quiet,
            windows=len(timing.windows),
        )
