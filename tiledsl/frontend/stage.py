"""What rewritten code calls: the meaning of each Python construct (rules L17-L26).

``rewrite`` says which construct becomes which call; the parts of ``Stage`` say what the
calls do: run Python where operands are static, build IR where they are symbolic.
"""

from __future__ import annotations

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.assignments import Assignments
from tiledsl.frontend.branches import Branches
from tiledsl.frontend.debugger import Debugger
from tiledsl.frontend.launches import Launches
from tiledsl.frontend.loops import Loops
from tiledsl.frontend.snapshots import evaluated
from tiledsl.frontend.specs import KernelSpec, LoopSpec


class Stage(Assignments, Branches, Debugger, Loops, Launches):
    """One run of one rewritten function."""

    def alone(self, k: int, value: object) -> None:
        """An expression as a statement: loops and launches mean nothing so."""
        if isinstance(value, KernelSpec | LoopSpec):
            with_or_for = "with" if isinstance(value, KernelSpec) else "for"
            raise KernelError(
                "E0141",
                f"{value!r} has no effect as a statement",
                span=self.here(k),
                hint=f"use it in a `{with_or_for}` statement",
            )

    def give_back(self, k: int, value: object) -> object:
        """``return value``: scalars are evaluated here."""
        self.here(k)
        return _result(self.value(value))


def _result(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(map(_result, value))
    return evaluated(value, "result")
