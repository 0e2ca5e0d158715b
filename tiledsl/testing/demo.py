"""The rows of the demo table: each kernel on each backend, judged and timed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tiledsl.diagnostics import Error, UnsupportedByTarget
from tiledsl.runtime.profiler import do_bench
from tiledsl.testing.compare import compare
from tiledsl.testing.oracles import Status
from tiledsl.testing.registry import KernelEntry, Size, Workload, discover_kernels
from tiledsl.testing.verify import runnable_backends


@dataclass(frozen=True, slots=True)
class DemoRow:
    """One kernel on one backend.

    ``worst_share``: the largest error as a share of its bound.  Times are in ms: the
    first call with tracing and compilation, and the median of later ones.
    """

    kernel: str
    workload: str
    backend: str
    status: Status
    detail: str = ""
    worst_share: float = 0.0
    first_ms: float = 0.0
    ms: float = 0.0
    gflops: float = 0.0
    gbytes: float = 0.0


def demo(
    *,
    kernels: Sequence[KernelEntry] | None = None,
    backends: Sequence[str] | None = None,
    size: Size = "model",
    seed: int = 0,
    milliseconds: float = 200.0,
) -> Iterator[DemoRow]:
    """Rows as they are measured: the first workload of a size of every kernel."""
    names = tuple(backends) if backends is not None else runnable_backends()
    for entry in discover_kernels() if kernels is None else kernels:
        for work in entry.of_size(size)[:1]:
            for name in names:
                yield _row(entry, work, name, seed, milliseconds)


def _row(
    entry: KernelEntry, work: Workload, backend: str, seed: int, milliseconds: float
) -> DemoRow:
    try:
        return _measured(entry, work, backend, seed, milliseconds)
    except UnsupportedByTarget as error:
        return DemoRow(entry.name, work.name, backend, "unsupported", error.summary)
    except Error as error:
        return DemoRow(entry.name, work.name, backend, "failed", error.summary)
    except Exception as error:  # a row of the table, not the end of it
        detail = f"{type(error).__name__}: {error}"
        return DemoRow(entry.name, work.name, backend, "failed", detail)


def _measured(
    entry: KernelEntry, work: Workload, backend: str, seed: int, milliseconds: float
) -> DemoRow:
    inputs = work.make_inputs(np.random.default_rng(seed))
    call = work.call(inputs)
    start = time.perf_counter()
    kernel = entry.kernel.compile(*call.arguments, **call.options)
    outputs = kernel(*call.arguments, backend=backend)
    first = time.perf_counter() - start
    results = outputs if isinstance(outputs, list | tuple) else (outputs,)
    comparisons = [
        compare(name, np.asarray(got), expected)
        for (name, expected), got in zip(
            work.reference(inputs).items(), results, strict=True
        )
    ]
    wrong = [str(result) for result in comparisons if not result.ok]
    # a slow backend is timed by the call already made
    ms = first * 1e3
    if ms < 10 * milliseconds:
        timed = do_bench(
            lambda: kernel(*call.arguments, backend=backend), warmup=1, rep=milliseconds
        )
        ms = float(np.median(timed))
    return DemoRow(
        entry.name,
        work.name,
        backend,
        "wrong" if wrong else "ok",
        "; ".join(wrong),
        max(result.worst_share for result in comparisons),
        first * 1e3,
        ms,
        work.flops(inputs) / ms / 1e6,
        work.bytes(inputs) / ms / 1e6,
    )
