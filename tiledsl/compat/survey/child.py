"""Running one program, or tests of one file, in a process of its own."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from tiledsl.compat.programs import prepare, run
from tiledsl.compat.survey.observing import observe
from tiledsl.compat.survey.outcome import Outcome, ended, failed
from tiledsl.compat.survey.sizes import reduce_option_defaults
from tiledsl.compat.survey.tests import Recorder

MEMORY: Final = 12 << 30
Report = Callable[[Outcome], None]


def survey_program(path: Path, name: str, limit: float, report: Report) -> None:
    """Runs a program, or the tests of a file ``test_*.py``, and reports once."""
    start = time.process_time()
    _limit_processor_time(limit)
    try:
        prepare(cuda_as_cpu="torch" in sys.modules)
        reduce_option_defaults()
        observed = observe()
        is_test = path.name.startswith("test_")
        error = _first_error_of_tests(path) if is_test else _program(path)
        kind, reason = ended(observed) if error is None else failed(error, observed)
        detail = "" if error is None else f"{type(error).__name__}: {error}"
    except MemoryError:
        kind, reason, detail = "limit", "memory", ""
    seconds = round(time.process_time() - start, 1)
    report(Outcome(name, kind, reason, detail[:600], seconds))


def survey_tests(
    path: Path, names: Sequence[str], limit: float, report: Report
) -> None:
    """Runs test functions of a file in order; reports each, named FILE::FUNCTION."""
    prepare(cuda_as_cpu="torch" in sys.modules)
    observed = observe()
    recorder = Recorder(names, observed, report, lambda: _limit_processor_time(limit))
    _limit_processor_time(limit)
    _pytest(path, [name.rpartition("::")[2] for name in names], recorder)
    recorder.finish()


def contain(path: Path, log: Path) -> None:
    """Limits and directories of this process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir(path.parent)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def _limit_processor_time(seconds: float) -> None:
    """The system ends this process when it has used so much more."""
    used = time.process_time()
    resource.setrlimit(
        resource.RLIMIT_CPU, (round(used + seconds + 0.5), resource.RLIM_INFINITY)
    )


def _program(path: Path) -> BaseException | None:
    try:
        run([str(path)])
    except SystemExit as ending:
        return None if ending.code in (None, 0) else RuntimeError(f"exit {ending.code}")
    except BaseException as error:
        return error
    return None


def _first_error_of_tests(path: Path) -> BaseException | None:
    """The first error of a test, None if none failed."""
    errors: list[BaseException] = []

    class First:
        def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
            errors.append(call.excinfo.value)

    _pytest(path, [], First())
    if not errors:
        return None
    original = getattr(errors[0], "__cause__", None) or errors[0]
    return original if type(errors[0]).__name__ == "CollectError" else errors[0]


def _pytest(path: Path, functions: Sequence[str], plugin: object) -> None:
    pytest = import_module("pytest")
    sys.path.insert(0, str(path.parent))
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
    chosen = [f"{path}::{name}" for name in functions] or [str(path)]
    pytest.main([*options, *chosen, "--rootdir", str(path.parent)], plugins=[plugin])
