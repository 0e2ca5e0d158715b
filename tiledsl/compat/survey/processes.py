"""One process a program, several at a time, each with a limit of time."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Final

from tiledsl.compat.survey.child import contain, survey_program, survey_tests
from tiledsl.compat.survey.outcome import Outcome

_FORK: Final = get_context("fork")
_WAITING: Final = 60  # times the limit of processor time, on the clock


@dataclass(frozen=True, slots=True)
class Job:
    """A program, or test functions of one file, named FILE::FUNCTION."""

    path: Path
    names: tuple[str, ...]
    is_functions: bool = False


@dataclass(slots=True)
class _Running:
    process: ForkProcess
    answer: Connection
    job: Job
    since: float
    missing: list[str] = field(default_factory=list)


def survey(
    jobs: Sequence[Job], *, at_once: int, limit: float, logs: Path | None
) -> Iterator[Outcome]:
    """What becomes of each program, in the order in which they end.

    ``limit`` is in seconds of processor time, for a program or a test function.
    """
    if find_spec("torch") is not None:
        import_module("torch")  # once, for all processes forked from this one
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if logs is None else logs
        folder.mkdir(parents=True, exist_ok=True)
        waiting = list(jobs)
        running: list[_Running] = []
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(_start(waiting.pop(0), folder, limit))
            for part in list(running):
                yield from _reported(part)
                if part.answer.closed or time.monotonic() > part.since:
                    running.remove(part)
                    yield from _ended(part, limit)
                    if len(part.missing) > 1:  # the first one ended the process
                        rest = tuple(part.missing[1:])
                        waiting.insert(0, Job(part.job.path, rest, True))
            time.sleep(0.05)


def _start(job: Job, logs: Path, limit: float) -> _Running:
    name = job.names[0].partition("::")[0]
    log = (logs / f"{name.replace('/', '--')}.log").resolve()
    ours, theirs = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_child, args=(job, log, limit, theirs))
    process.start()
    theirs.close()
    ending = time.monotonic() + _WAITING * limit * len(job.names)
    return _Running(process, ours, job, ending, list(job.names))


def _child(job: Job, log: Path, limit: float, answer: Connection) -> None:
    os.setpgid(0, 0)  # with what the program starts
    contain(job.path, log)
    run: Callable[[Callable[[Outcome], None]], None]
    if job.is_functions:
        run = partial(survey_tests, job.path, job.names, limit)
    else:
        run = partial(survey_program, job.path, job.names[0], limit)
    run(answer.send)
    answer.close()
    os._exit(0)  # threads of the program may never end


def _reported(part: _Running) -> Iterator[Outcome]:
    """Outcomes that have arrived; closes the connection after the last."""
    while not part.answer.closed and part.answer.poll():
        try:
            outcome: Outcome = part.answer.recv()
        except EOFError:
            part.answer.close()
            return
        part.missing.remove(outcome.program)
        yield outcome


def _ended(part: _Running, limit: float) -> Iterator[Outcome]:
    """The outcome of a program that ended without a report, or is ended now."""
    late = not part.answer.closed
    with suppress(ProcessLookupError, PermissionError):
        if late:
            os.killpg(part.process.pid or 0, signal.SIGKILL)
    part.process.join()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(part.process.pid or 0, signal.SIGKILL)  # what it started
    if part.missing:
        code = part.process.exitcode
        if late or code == -signal.SIGXCPU:
            yield Outcome(part.missing[0], "limit", f"{limit:.0f} s", "", limit)
        else:
            yield Outcome(part.missing[0], "ours", f"exit {code}")
