"""Running one program in a process of its own and saying what became of it."""

from __future__ import annotations

import os
import resource
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from tiledsl.compat.programs import prepare, run
from tiledsl.compat.survey.observing import observe
from tiledsl.compat.survey.outcome import Observed, Outcome, ended, failed
from tiledsl.compat.survey.sizes import reduce_option_defaults

MEMORY: Final = 12 << 30


def survey_program(path: Path, name: str, log: Path) -> Outcome:
    """Runs a program, or the tests of a file ``test_*.py``; its output goes to a log."""
    start = time.monotonic()
    _contain(path, log)
    try:
        prepare(cuda_as_cpu="torch" in sys.modules)
        reduce_option_defaults()
        observed = observe()
        error = _tests(path) if path.name.startswith("test_") else _program(path)
        kind, reason = _judged(error, observed)
        detail = "" if error is None else f"{type(error).__name__}: {error}"
    except MemoryError:
        kind, reason, detail = "limit", "memory", ""
    return Outcome(name, kind, reason, detail[:600], time.monotonic() - start)


def _contain(path: Path, log: Path) -> None:
    """Limits and directories of this process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.chdir(path.parent)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def _judged(error: BaseException | None, observed: Observed) -> tuple[str, str]:
    return ended(observed) if error is None else failed(error, observed)


def _program(path: Path) -> BaseException | None:
    try:
        run([str(path)])
    except SystemExit as ending:
        return None if ending.code in (None, 0) else RuntimeError(f"exit {ending.code}")
    except BaseException as error:
        return error
    return None


def _tests(path: Path) -> BaseException | None:
    """The first error of a test, None if none failed."""
    pytest = import_module("pytest")
    errors: list[BaseException] = []

    class Recorder:
        def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
            errors.append(call.excinfo.value)

    sys.path.insert(0, str(path.parent))
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", str(path)]
    pytest.main([*options, "--rootdir", str(path.parent)], plugins=[Recorder()])
    if not errors:
        return None
    original = getattr(errors[0], "__cause__", None) or errors[0]
    return original if type(errors[0]).__name__ == "CollectError" else errors[0]
