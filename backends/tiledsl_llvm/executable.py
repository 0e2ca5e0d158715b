"""A compiled function: arguments into words, workspaces, launches over the threads."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from tiledsl.backend import Arguments
from tiledsl.diagnostics import ArgumentError, UnsupportedByTarget
from tiledsl.ir.nodes import Function, Var
from tiledsl_llvm import threads
from tiledsl_llvm.jit import Library
from tiledsl_llvm.launches import Emitted
from tiledsl_llvm.words import word_writer

_LARGEST_WORKSPACE = 1 << 46  # bytes; beyond this the sizes are a mistake
_REMEMBERED = 512  # combinations of sizes and scalars


@dataclass(frozen=True, slots=True)
class _Schedule:
    """The bytes of the workspaces of a call, and its launches that have blocks."""

    workspaces: tuple[int, ...]
    jobs: tuple[threads.Job, ...]


@dataclass
class LlvmExecutable:
    """Runs on the caller's thread and the pool's; returns when everything is done.

    Code that is not ``runnable`` is for another machine: it can be looked at only.
    ``in_order``: blocks run one after the other.
    """

    function: Function
    emitted: Emitted
    code: bytes
    texts: Mapping[str, Callable[[], str]]
    runnable: bool = True
    in_order: bool = False
    _library: Library | None = field(default=None, repr=False)
    _schedules: dict[tuple[object, ...], _Schedule] = field(
        default_factory=dict, repr=False
    )

    def __post_init__(self) -> None:
        if not self.runnable:
            return
        names = [f"launch.{k}" for k in range(len(self.emitted.arena_bytes))]
        self._library = library = Library(self.code, ("sizes", *names))
        pointer, word = ctypes.c_void_p, ctypes.c_int64
        self._sizes = library.function("sizes", pointer, pointer)
        self._launches = [library.address(name) for name in names]
        params = self.function.params
        self._words = [word_writer(part) for part in params]
        self._scalars = [k for k, part in enumerate(params) if isinstance(part, Var)]
        count = len(params) + len(self.function.dims) + len(self.emitted.workspaces)
        self._word_array = word * count
        results = len(self.emitted.workspaces) + 3 * len(names)
        self._result_array = word * max(1, results)

    @property
    def stages(self) -> Mapping[str, Callable[[], str]]:
        return self.texts

    @property
    def binary(self) -> bytes | None:
        return self.code

    def launch(self, arguments: Arguments) -> None:
        words, schedule, kept = self._ready(arguments)
        at = ctypes.addressof(words)
        for job in schedule.jobs:
            threads.run(job, at, threads.workers_of(job))
        del kept  # not before

    def prepare(self, arguments: Arguments) -> Callable[[], None]:
        """A function that launches with these arguments, on as many threads as now."""
        words, schedule, kept = self._ready(arguments)
        at = ctypes.addressof(words)
        runs = [
            partial(threads.run, job, at, threads.workers_of(job))
            for job in schedule.jobs
        ]

        def prepared(keep: object = (arguments, words, kept)) -> None:
            for run in runs:
                run()

        return prepared

    def _ready(
        self, arguments: Arguments
    ) -> tuple[ctypes.Array[ctypes.c_int64], _Schedule, list[np.ndarray]]:
        """The words of a call, what to run, and the memory that has to stay until then."""
        if self._library is None:
            raise UnsupportedByTarget(
                "E2002",
                f"{self.function.name} was compiled for another machine",
                hint="compile for the target 'host' to launch it",
            )
        values, dims = arguments.values, arguments.dims
        written = [w(v) for w, v in zip(self._words, values, strict=True)]
        words = self._word_array(*written, *dims)
        key = (dims, *[written[k] for k in self._scalars])
        schedule = self._schedules.get(key)
        if schedule is None:
            if len(self._schedules) >= _REMEMBERED:
                self._schedules.clear()
            schedule = self._schedules[key] = self._schedule(words)
        kept = []
        for k, size in enumerate(schedule.workspaces, len(written) + len(dims)):
            memory = np.empty(size + 64, np.uint8)
            words[k] = memory.ctypes.data + -memory.ctypes.data % 64
            kept.append(memory)
        return words, schedule, kept

    def _schedule(self, words: ctypes.Array[ctypes.c_int64]) -> _Schedule:
        """Sizes and grids follow from dims and scalars."""
        results = self._result_array()
        self._sizes(words, results)
        sizes = []
        for k, dtype in enumerate(self.emitted.workspaces):
            size = results[k] * dtype.bytes
            if not 0 <= size <= _LARGEST_WORKSPACE:
                raise ArgumentError(
                    "E2025",
                    f"a workspace of {self.function.name} has {results[k]} elements",
                )
            sizes.append(size)
        jobs = []
        for number, address in enumerate(self._launches):
            start = len(sizes) + 3 * number
            total = _blocks(results[start : start + 3], self.function)
            arena = self.emitted.arena_bytes[number]
            records = self.emitted.record_bytes[number]
            limit = 1 if self.in_order else None
            if total:
                jobs.append(threads.Job(address, total, arena, records, limit))
        return _Schedule(tuple(sizes), tuple(jobs))


def _blocks(grid: list[int], function: Function) -> int:
    if min(grid) < 0:
        raise ArgumentError(
            "E5001",
            f"{function.name}: the grid of a launch has a negative extent",
            got=str(tuple(grid)),
        )
    total = grid[0] * grid[1] * grid[2]
    if total >= 1 << 62:
        raise ArgumentError(
            "E2021", f"{function.name}: a launch has too many blocks", got=str(total)
        )
    return total
