"""Many programs, in several processes: a crash or a hang of one is a finding like others."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.sharedctypes import Synchronized

from tiledsl.testing.fuzzing.coverage import Coverage
from tiledsl.testing.fuzzing.oracles import Checks, Failure, check_program
from tiledsl.testing.generator.mutation import program_of
from tiledsl.testing.generator.policy import Policy

# seeds that a process works on before it reports
CHUNK = 25
# A program takes milliseconds; one that takes so long does not end.  Of processor time,
# which a busy machine does not stretch; and of time for one that waits for something.
PATIENCE_SECONDS = 120
WAITING_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Found:
    """A failure and the seed of its program."""

    seed: int
    failure: Failure


@dataclass
class Result:
    """What a campaign has seen so far."""

    coverage: Coverage = field(default_factory=Coverage)
    found: list[Found] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def programs(self) -> int:
        return self.coverage.programs

    @property
    def rate(self) -> float:
        """Programs per second."""
        return self.programs / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Campaign:
    """Seeds from ``seed`` on, until ``programs`` or ``seconds`` are reached."""

    checks: Checks
    seed: int = 0
    programs: int | None = None
    seconds: float | None = None
    policy: Policy | None = None
    jobs: int = 1


def check_seeds(
    seeds: range,
    checks: Checks,
    policy: Policy | None = None,
    *,
    begin: Callable[[int], None] = lambda seed: None,
) -> Result:
    """Checks programs here, in this process."""
    result, start = Result(), time.perf_counter()
    for seed in seeds:
        begin(seed)
        program = program_of(seed, policy)
        for failure in check_program(program, checks, result.coverage):
            result.found.append(Found(seed, failure))
    result.seconds = time.perf_counter() - start
    return result


def run_campaign(
    campaign: Campaign, progress: Callable[[Result], None] = lambda result: None
) -> Result:
    """Checks programs in ``jobs`` processes; ``progress`` is called now and then."""
    context = multiprocessing.get_context("spawn")
    result, start = Result(), time.monotonic()
    chunks = _chunks(campaign, start)
    workers = [_Worker(context, campaign) for _ in range(campaign.jobs)]
    for worker in workers:
        worker.give(next(chunks, None))
    try:
        while any(worker.busy for worker in workers):
            wait([w.connection for w in workers if w.busy], timeout=1.0)
            for worker in workers:
                if worker.busy and worker.collect(result):
                    worker.give(next(chunks, None))
            result.seconds = time.monotonic() - start
            progress(result)
    finally:
        for worker in workers:
            worker.stop()
    return result


def _chunks(campaign: Campaign, start: float) -> Iterator[range]:
    end = None if campaign.programs is None else campaign.seed + campaign.programs
    first = campaign.seed
    while end is None or first < end:
        if campaign.seconds is not None and time.monotonic() - start > campaign.seconds:
            return
        last = first + CHUNK if end is None else min(first + CHUNK, end)
        yield range(first, last)
        first = last


class _Worker:
    """A process that checks one chunk of seeds at a time, and the chunk it has."""

    def __init__(self, context: SpawnContext, campaign: Campaign) -> None:
        self._context, self._campaign = context, campaign
        self._chunk: range | None = None
        self._start()

    def _start(self) -> None:
        self.connection, remote = self._context.Pipe()
        self._seed: Synchronized[int] = self._context.Value("q", -1)
        arguments = (remote, self._seed, self._campaign.checks, self._campaign.policy)
        self._process: SpawnProcess = self._context.Process(
            target=_work, args=arguments, daemon=True
        )
        self._process.start()
        remote.close()
        self._seen, self._since = -1, time.monotonic()

    @property
    def busy(self) -> bool:
        return self._chunk is not None

    def give(self, chunk: range | None) -> None:
        self._chunk = chunk if chunk else None
        if self._chunk is not None:
            self._since = time.monotonic()
            self.connection.send(self._chunk)

    def collect(self, result: Result) -> bool:
        """Adds what the process has found; True if it is ready for more."""
        try:
            if self.connection.poll():
                part: Result = self.connection.recv()
                result.coverage.add(part.coverage)
                result.found += part.found
                self._chunk = None
                return True
        except (EOFError, OSError):
            code = self._exit_code()
            if code == -signal.SIGPROF:
                return self._lost(result, "the program does not end", "hang")
            return self._lost(result, f"the process died (exit code {code})", "crash")
        if self._seed.value != self._seen:
            self._seen, self._since = self._seed.value, time.monotonic()
        if time.monotonic() - self._since > WAITING_SECONDS:
            return self._lost(result, "the program waits for ever", "hang")
        return False

    def _exit_code(self) -> int | None:
        self._process.join(5)
        return self._process.exitcode

    def _lost(self, result: Result, detail: str, oracle: str) -> bool:
        """Blames the program at work and goes on after it with a new process."""
        seed, chunk = int(self._seed.value), self._chunk or range(0)
        result.found.append(Found(seed, Failure(oracle, "process", detail)))
        result.coverage.programs += 1
        self.stop()
        self._start()
        self.give(range(max(seed + 1, chunk.start), chunk.stop))
        return not self.busy

    def stop(self) -> None:
        self._process.kill()
        self._process.join(5)
        self.connection.close()


def _work(
    connection: Connection,
    current: Synchronized[int],
    checks: Checks,
    policy: Policy | None,
) -> None:
    def begin(seed: int) -> None:
        current.value = seed
        signal.setitimer(signal.ITIMER_PROF, PATIENCE_SECONDS)  # ends the process

    while True:
        try:
            seeds = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        connection.send(check_seeds(seeds, checks, policy, begin=begin))
