"""One process a program, several at a time, each with a limit of time."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Final

from tiledsl.compat.survey.child import survey_program
from tiledsl.compat.survey.outcome import Outcome

_FORK: Final = get_context("fork")


@dataclass(frozen=True, slots=True)
class _Running:
    process: ForkProcess
    answer: Connection
    name: str
    since: float


def survey(
    root: Path, programs: Sequence[Path], *, jobs: int, limit: float, logs: Path | None
) -> Iterator[Outcome]:
    """What becomes of each program, in the order in which they end."""
    if find_spec("torch") is not None:
        import_module("torch")  # once, for all processes forked from this one
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if logs is None else logs
        folder.mkdir(parents=True, exist_ok=True)
        waiting = list(programs)
        running: list[_Running] = []
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(_start(root, waiting.pop(0), folder))
            for part in list(running):
                outcome = _ended(part, limit)
                if outcome is not None:
                    running.remove(part)
                    yield outcome
            time.sleep(0.05)


def _start(root: Path, path: Path, logs: Path) -> _Running:
    name = str(path.relative_to(root))
    log = (logs / f"{name.replace('/', '--')}.log").resolve()
    ours, theirs = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_child, args=(path.resolve(), name, log, theirs))
    process.start()
    theirs.close()
    return _Running(process, ours, name, time.monotonic())


def _child(path: Path, name: str, log: Path, answer: Connection) -> None:
    os.setpgid(0, 0)  # with what the program starts
    outcome = survey_program(path, name, log)
    answer.send(outcome)
    answer.close()
    os._exit(0)  # threads of the program may never end


def _ended(part: _Running, limit: float) -> Outcome | None:
    """The outcome, if the program has ended or is ended now."""
    seconds = time.monotonic() - part.since
    if part.answer.poll():
        try:
            outcome: Outcome = part.answer.recv()
        except EOFError:
            part.process.join()
            outcome = Outcome(part.name, "ours", f"exit {part.process.exitcode}")
    elif seconds > limit:
        outcome = Outcome(part.name, "limit", f"{limit:.0f} s")
    else:
        return None
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(part.process.pid or 0, signal.SIGKILL)
    part.process.join()
    return replace(outcome, seconds=round(seconds, 1))
