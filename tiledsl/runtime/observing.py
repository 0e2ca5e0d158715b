"""What compiled code shows of a run (rule L72)."""

from __future__ import annotations

import warnings
from typing import Final

from tiledsl.backend import BuildOptions
from tiledsl.diagnostics import TileWarning, UnsupportedByTarget
from tiledsl.ir.nodes import Assert, Breakpoint, Function, Print
from tiledsl.ir.visitor import walk

_NO_STOP: Final = "W5031"


def require_silent(function: Function, options: BuildOptions) -> None:
    """Refuses what compiled code would have to show; warns of what it leaves out."""
    for node in walk(function):
        if isinstance(node, Print):
            raise UnsupportedByTarget(
                "E2001",
                "T.print in compiled code is not available yet",
                span=node.span,
                hint="call kernel.interpret(...)",
            )
        if isinstance(node, Assert) and options.asserts and not node.assumed:
            raise UnsupportedByTarget(
                "E2001",
                "assertions in compiled code are not available yet",
                span=node.span,
                hint="call kernel.interpret(...)",
            )
        if isinstance(node, Breakpoint):
            warn_of(node)


def warn_of(stop: Breakpoint) -> None:
    """A breakpoint stops only where the program is interpreted."""
    warnings.warn_explicit(
        f"{_NO_STOP} breakpoint() does nothing in compiled code: call kernel.interpret(...)",
        TileWarning,
        stop.span.file,
        max(stop.span.line, 1),
    )
