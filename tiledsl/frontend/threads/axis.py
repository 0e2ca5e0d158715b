"""The threads of a block: their indices, their number, their order (rules L77, L82)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.builder import Builder, here
from tiledsl.ir.dtypes import INDEX
from tiledsl.ir.nodes import Apply, Expr, Var, index

WARP: Final = 32
_FACT: Final = "thread_axis"
_PLAIN: Final = "plain_update"


@dataclass(frozen=True, slots=True)
class ThreadAxis:
    """One index variable for each extent of ``threads``, the first varying fastest."""

    vars: tuple[Var, ...]
    extents: tuple[int, ...]

    @property
    def count(self) -> int:
        return math.prod(self.extents)

    @property
    def ordered(self) -> tuple[tuple[Var, int], ...]:
        """Variables with extents, slowest first, as the axes of a tile."""
        return tuple(zip(self.vars, self.extents, strict=True))[::-1]

    @property
    def number(self) -> Expr:
        """The position of the thread in its block."""
        result: Expr = index(0)
        for var, extent in self.ordered:
            scaled = Apply("mul", (result, index(extent)))
            result = var if result == index(0) else Apply("add", (scaled, var))
        return result

    def places(self) -> Sequence[dict[str, int]]:
        """The indices of every thread, by the names of the variables, in order."""
        found: list[dict[str, int]] = [{}]
        for var, extent in self.ordered:
            found = [{**at, var.name: i} for at in found for i in range(extent)]
        return found


def thread_axis(builder: Builder, function: str) -> ThreadAxis:
    """The thread axis of the launch around; from here on the launch has one.

    E0210: outside ``T.Kernel``, or in ``T.Parallel``, whose iterations are no threads.
    """
    launch = builder.innermost("launch")
    if launch is None or builder.inside("parallel"):
        raise KernelError(
            "E0210",
            f"T.{function} has no meaning here: there are no threads",
            span=here(),
            expected="a place inside T.Kernel and outside T.Parallel",
            hint="use the loop index of T.Parallel"
            if builder.inside("parallel")
            else "open `with T.Kernel(..., threads=...)`",
        )
    known = launch.facts.get(_FACT)
    if isinstance(known, ThreadAxis):
        return known
    if _PLAIN in launch.facts:
        raise KernelError(
            "E0210",
            f"T.{function} comes after an atomic update of the same T.Kernel",
            span=here(),
            hint="ask for the thread index first: it makes every statement of the "
            "T.Kernel one of each thread",
        )
    threads = launch.facts["threads"]
    extents = threads if isinstance(threads, tuple) else (128,)
    names = [builder.unique(name) for name in ("tx", "ty", "tz")[: len(extents)]]
    made = ThreadAxis(tuple(Var(name, INDEX, span=here()) for name in names), extents)
    builder.inner_names.update(names)
    for name, extent in zip(names, extents, strict=True):
        builder.ranges[name] = (0, extent - 1)
    launch.facts[_FACT] = made
    return made


def used_axis(facts: dict[str, object]) -> ThreadAxis | None:
    """The thread axis of a launch, if anything in it asked for one."""
    axis = facts.get(_FACT)
    return axis if isinstance(axis, ThreadAxis) else None


def in_thread_code(builder: Builder) -> bool:
    """Whether a statement here is one of a single thread."""
    launch = builder.innermost("launch")
    asked = launch is not None and used_axis(launch.facts) is not None
    return asked and not builder.inside("parallel")


def note_plain_update(builder: Builder) -> None:
    """An update was traced as a read and a write, since no thread was asked for yet."""
    launch = builder.innermost("launch")
    if launch is None or builder.inside("parallel"):
        return
    if used_axis(launch.facts) is None:
        launch.facts[_PLAIN] = True
