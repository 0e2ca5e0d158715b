"""Calls that are checked once and made often."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tiledsl.backend import PreparedExecutable
from tiledsl.diagnostics import Error
from tiledsl.runtime.binding import Bound
from tiledsl.runtime.compiling import Compiled, run_failure


def prepare(compiled: Compiled, bound: Bound, result: object) -> Callable[[], object]:
    """A function that makes a checked call and returns ``result``."""
    executable = compiled.executable
    if isinstance(executable, PreparedExecutable):
        launch = executable.prepare(bound.arguments)
    else:
        launch = partial(executable.launch, bound.arguments)

    def call() -> object:
        try:
            launch()
        except (Error, MemoryError):
            raise
        except Exception as error:
            raise run_failure(compiled, error) from error
        return result

    return call
