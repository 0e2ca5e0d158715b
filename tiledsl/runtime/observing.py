"""What compiled code shows of a run (rule L72)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Final

from tiledsl.backend import BuildOptions, Capabilities, Executable
from tiledsl.diagnostics import TileWarning
from tiledsl.ir.nodes import Assert, Breakpoint, Function
from tiledsl.ir.verifier import verify
from tiledsl.ir.visitor import walk
from tiledsl.passes.record_observations import record_observations
from tiledsl.runtime.recording import RecordingExecutable

Wrap = Callable[[Executable], Executable]
_NO_STOP: Final = "W5031"


def observable(
    function: Function, capabilities: Capabilities, options: BuildOptions
) -> tuple[Function, Wrap]:
    """The function to compile, and what makes of its executable one that shows its runs.

    Assertions are checked if the options ask for it, what is printed is printed, and
    breakpoints are left out with a warning.
    """
    if capabilities.observes:
        return function, _unchanged
    for node in walk(function):
        if isinstance(node, Breakpoint):
            _warn_of(node)
    recorded = record_observations(function, asserts=options.asserts)
    asserted = options.asserts and any(
        isinstance(part, Assert) and not part.assumed for part in function.body
    )
    if recorded.function != function:
        verify(recorded.function)
    if not recorded.sites and not asserted:
        return recorded.function, _unchanged
    return recorded.function, lambda inner: RecordingExecutable(
        inner, recorded, function, options.asserts
    )


def _unchanged(executable: Executable) -> Executable:
    return executable


def _warn_of(stop: Breakpoint) -> None:
    """A breakpoint stops only where the program is interpreted."""
    warnings.warn_explicit(
        f"{_NO_STOP} breakpoint() does nothing in compiled code: "
        "call kernel.interpret(...)",
        TileWarning,
        stop.span.file,
        max(stop.span.line, 1),
    )
