"""One mutant on trial, in a process of its own with a limit of processor time.

Wall time says nothing on a busy machine.  Only a process that waits, and would wait for
ever, is ended by the clock.
"""

from __future__ import annotations

import functools
import gc
import importlib
import os
import resource
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from types import FunctionType
from typing import Literal

from tests.faults.planting import NotThere, functions_of, recompile
from tests.mutation.groups import source_of
from tests.mutation.mutants import Mutant

Outcome = Literal["killed", "timeout", "crash", "survived", "none"]

_SURVIVED, _KILLED, _NONE = 0, 1, 3
# a process that waits so many times its limit is waiting for nothing
_PATIENCE = 12


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant, what saw it, and the seconds of processor time."""

    outcome: Outcome
    by: str
    seconds: float


def try_mutant(
    mutant: Mutant | None,
    functions: list[FunctionType],
    judge: Callable[[], str | None],
    limit: int,
) -> Verdict:
    """Runs the judge on the mutant, or on the code as it is."""
    reading, writing = os.pipe()
    begin = _children()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _in_child(mutant, functions, judge, limit, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        by = pipe.read().decode("utf-8", "replace")
    _, status = os.waitpid(child, 0)
    return Verdict(_outcome(status), by, round(_children() - begin, 2))


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _in_child(
    mutant: Mutant | None,
    functions: list[FunctionType],
    judge: Callable[[], str | None],
    limit: int,
    writing: int,
) -> None:
    code = _KILLED
    try:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))
        signal.alarm(limit * _PATIENCE)
        if mutant is not None:
            _plant(mutant, functions)
        by = judge()
        code = _SURVIVED if by is None else _KILLED
        os.write(writing, (by or "").encode())
    except NotThere:
        code = _NONE
    except BaseException as error:
        os.write(writing, type(error).__name__.encode())
    finally:
        os._exit(code)


def _plant(mutant: Mutant, functions: list[FunctionType]) -> None:
    module = importlib.import_module(mutant.module)
    original = source_of(mutant.module)
    recompile(ExitStack(), module, functions, original, mutant.source(original))
    for found in gc.get_objects():
        cached = isinstance(found, functools._lru_cache_wrapper)
        if cached and getattr(found, "__module__", "") == mutant.module:
            found.cache_clear()


def functions_by_module(modules: set[str]) -> dict[str, list[FunctionType]]:
    """To be called before ``gc.freeze``, which hides them."""
    return {name: functions_of(importlib.import_module(name)) for name in modules}


def _outcome(status: int) -> Outcome:
    if os.WIFSIGNALED(status):
        slow = (signal.SIGXCPU, signal.SIGALRM, signal.SIGKILL)
        return "timeout" if os.WTERMSIG(status) in slow else "crash"
    code = os.WEXITSTATUS(status)
    if code == _NONE:
        return "none"
    return "survived" if code == _SURVIVED else "killed"


def allow(seconds: int) -> None:
    """This process ends when it has used so much more processor time."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    until = int(time.process_time()) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (min(until, most), most))
