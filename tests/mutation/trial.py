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
from typing import Final, Literal

from tests.faults.planting import NotThere, evaluate_again, functions_of, recompile
from tests.mutation.groups import source_of
from tests.mutation.mutants import Mutant

# tables that functions of a module make when it is imported
DERIVED: Final = {
    "tiledsl.passes.scalar_rules": (
        "tiledsl.passes.scalar_rules:SCALAR_RULES",
        "tiledsl.passes.canonicalize:_RULES",
    )
}

Outcome = Literal["killed", "timeout", "crash", "survived", "none"]

_SURVIVED, _KILLED, _NONE = 0, 1, 3
# what is cached by one of these modules may come from another of them
_CACHING_TOGETHER: Final = ("tiledsl.frontend", "tiledsl.ir")
# a process that waits so many times its limit is waiting for nothing
_PATIENCE = 12


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant, what saw it, and the seconds of processor time."""

    outcome: Outcome
    by: str
    seconds: float


@dataclass(frozen=True)
class Living:
    """What of a module is alive: code to exchange, and what was computed with it."""

    functions: list[FunctionType]
    caches: list[Callable[..., object]]
    remembering: list[object]

    def plant(self, mutant: Mutant) -> None:
        """Exchanges the code and forgets what the code before has computed."""
        module = importlib.import_module(mutant.module)
        original = source_of(mutant.module)
        changed = mutant.source(original)
        undo = ExitStack()  # never: the process ends with the mutant in place
        recompile(undo, module, self.functions, original, changed)
        for table in DERIVED.get(mutant.module, ()):
            evaluate_again(undo, table)
        for cache in self.caches:
            cache.cache_clear()  # type: ignore[attr-defined]
        for owner in self.remembering:
            for name in _remembered(type(owner)):
                vars(owner).pop(name, None)


def living(modules: set[str]) -> dict[str, Living]:
    """What is alive of each module; to be asked before ``gc.freeze``, which hides it."""
    caches: dict[str, list[Callable[..., object]]] = {name: [] for name in modules}
    owners: dict[str, list[object]] = {name: [] for name in modules}
    for found in gc.get_objects():
        if isinstance(found, functools._lru_cache_wrapper):
            for name in modules:
                if found.__module__ == name or _share(found.__module__, name):
                    caches[name].append(found)
        elif type(found).__module__ in modules and _remembered(type(found)):
            owners[type(found).__module__].append(found)
    return {
        name: Living(
            functions_of(importlib.import_module(name)), caches[name], owners[name]
        )
        for name in modules
    }


def _share(one: str, other: str) -> bool:
    return one.startswith(_CACHING_TOGETHER) and other.startswith(_CACHING_TOGETHER)


def _remembered(kind: type) -> list[str]:
    """The properties of a class that are computed once."""
    rows = vars(kind).items()
    return [name for name, part in rows if isinstance(part, functools.cached_property)]


def try_mutant(
    mutant: Mutant | None,
    alive: Living | None,
    judge: Callable[[], str | None],
    limit: int,
) -> Verdict:
    """Runs the judge on the mutant, or on the code as it is."""
    reading, writing = os.pipe()
    begin = _children()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _in_child(mutant, alive, judge, limit, writing)
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
    alive: Living | None,
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
        if mutant is not None and alive is not None:
            alive.plant(mutant)
        by = judge()
        code = _SURVIVED if by is None else _KILLED
        os.write(writing, (by or "").encode())
    except NotThere:
        code = _NONE
    except BaseException as error:
        os.write(writing, type(error).__name__.encode())
    finally:
        os._exit(code)


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
