"""Barriers: statements of a block see all earlier ones without them (rules L15, L78)."""

from __future__ import annotations

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.threads.statements import Barrier, emit


def sync_threads(barrier_id: object = None, arrive_count: int | None = None) -> None:
    """Every thread of the block waits here for the others.

    Outside ``if`` and loops that depend on the thread there is nothing to wait for: a
    statement sees the effects of all earlier ones in every thread.  ``arrive_count``: only
    so many threads take part, as in ``if tx < 64: T.sync_threads(1, 64)``.

    E0210: inside ``T.Parallel``, whose iterations cannot wait for each other.  E0220: a
    barrier that provably only some of its threads reach.
    """
    known = arrive_count is None or (
        isinstance(arrive_count, int) and not isinstance(arrive_count, bool)
    )
    if not known or (arrive_count is not None and arrive_count < 1):
        raise KernelError(
            "E0209",
            "the number of threads of a barrier is not a positive static int",
            span=here(),
            got=brief(arrive_count),
        )
    _barrier("sync_threads", arrive_count)


def sync_warp(mask: object = None) -> None:
    """As ``sync_threads``, for the threads of a warp."""
    _barrier("sync_warp", None)


def _barrier(function: str, count: int | None) -> None:
    builder = Builder.active()
    if builder.inside("parallel"):
        raise KernelError(
            "E0210",
            f"T.{function} cannot stand inside T.Parallel",
            span=here(),
            hint="split the loop in two: the second sees all effects of the first",
        )
    launch = builder.innermost("launch")
    if launch is not None:
        launch.facts["barriers"] = True
        emit(builder, Barrier(function, count, span=here()))
