"""Compiling a function for a target, and everything that can be seen on the way."""

from __future__ import annotations

import importlib
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Final

from tiledsl import settings
from tiledsl.backend import Backend, BuildOptions, Capabilities, Executable, Target
from tiledsl.diagnostics import Error, InternalError
from tiledsl.ir.nodes import Function
from tiledsl.ir.printer import print_function
from tiledsl.ir.verifier import verify
from tiledsl.passes.base import Pass
from tiledsl.passes.pipeline import Observer, run_pipeline
from tiledsl.runtime.cache import open_cache
from tiledsl.runtime.observing import observable

# stages that every compilation has, whatever its passes and backend are called
TRACE: Final = "trace"
TILED: Final = "tiled"
FINAL: Final = "final"
BACKEND: Final = "backend"


@dataclass(frozen=True, slots=True)
class PassRecord:
    """A pass that ran, and the function it made.

    A pass that runs again is called ``name-2`` and so on.
    """

    name: str
    contract: str
    changed: bool
    function: Function


@dataclass(frozen=True, slots=True)
class Compiled:
    """A function compiled for one target of one backend."""

    function: Function
    backend: Backend
    target: Target
    options: BuildOptions
    records: tuple[PassRecord, ...]
    executable: Executable

    @property
    def final(self) -> Function:
        """The function that the backend was given."""
        return self.records[-1].function if self.records else self.function

    @property
    def texts(self) -> Mapping[str, Callable[[], str]]:
        """Every stage with its text, in the order in which they were derived."""
        texts: dict[str, Callable[[], str]] = {}
        texts[TRACE] = partial(print_function, self.function)
        tiled = next(
            (r.function for r in self.records if r.name == "tile"), self.function
        )
        texts[TILED] = partial(print_function, tiled)
        for record in self.records:
            texts[record.name] = partial(print_function, record.function)
        texts[FINAL] = partial(print_function, self.final)
        texts.update(self.executable.stages)
        return MappingProxyType(texts)

    def source(self, stage: str) -> str | None:
        """The text of a stage; None if there is none of that name.

        ``backend`` is the first text that the backend itself makes.
        """
        if stage == BACKEND:
            texts = self.executable.stages
            return next(iter(texts.values()))() if texts else self.source(FINAL)
        text = self.texts.get(stage)
        return text() if text is not None else None


def compile_function(
    function: Function, backend: Backend, target: Target, options: BuildOptions
) -> Compiled:
    """Runs the target's passes on ``function`` and builds the result.

    Raises KernelError and UnsupportedByTarget for what the user can change, and
    InternalError, with the IR saved in a file, for a backend that fails.
    """
    settings.validate()
    verify(function)  # so that no pass is blamed for what it was given
    if options.cache is None:
        options = replace(options, cache=open_cache())
    records: list[PassRecord] = []
    names: Counter[str] = Counter()

    capabilities = backend.capabilities(target)
    final, shown = observable(function, capabilities, options)
    judge = _judge(final, capabilities)

    def record(step: Pass, before: Function, after: Function) -> None:
        if judge is not None:
            judge(step, before, after)
        names[step.name] += 1
        again = f"-{names[step.name]}" if names[step.name] > 1 else ""
        changed = after is not before and after != before
        records.append(PassRecord(step.name + again, step.contract, changed, after))

    try:
        passes = backend.pipeline(target)
        final = run_pipeline(final, passes, capabilities, observer=record)
        executable = shown(backend.build(final, target, options))
    except (Error, MemoryError):
        raise
    except Exception as error:
        raise backend_failure(
            "E9002", "compile", backend, target, final, error
        ) from error
    return Compiled(function, backend, target, options, tuple(records), executable)


def _judge(function: Function, capabilities: Capabilities) -> Observer | None:
    """Translation validation of each pass, if the settings ask for it."""
    inputs = settings.VALIDATE.value
    if inputs == 0:
        return None
    validation = importlib.import_module(settings.VALIDATOR)
    judge: Observer = validation.validator(function, capabilities, inputs)
    return judge


def backend_failure(
    code: str,
    what: str,
    backend: Backend,
    target: Target,
    function: Function,
    error: Exception,
) -> InternalError:
    """The report of a bug in a backend, with the IR that shows it saved in a file."""
    saved = _save_reproducer(function)
    return InternalError(
        code,
        f"backend '{backend.name}' failed to {what} '{function.name}' for "
        f"target '{target.name}': {type(error).__name__}: {error}",
        span=function.span,
        notes=(f"the IR is saved in {saved}",) if saved else (),
        hint="this is a bug in tiledsl or the backend; please report it with that file",
    )


def run_failure(compiled: Compiled, error: Exception) -> InternalError:
    """The report of a backend that fails to run what it compiled."""
    return backend_failure(
        "E9003", "run", compiled.backend, compiled.target, compiled.final, error
    )


def _save_reproducer(function: Function) -> str | None:
    try:
        handle, path = tempfile.mkstemp(prefix="tiledsl-reproducer-", suffix=".ir")
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(print_function(function, spans=True))
    except (OSError, ValueError):
        return None
    return path
