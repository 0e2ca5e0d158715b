"""Barriers: statements of a block see all earlier ones without them (rule L15)."""

from __future__ import annotations

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.builder import Builder, here


def sync_threads(*arguments: object) -> None:
    """Nothing to wait for: a block's statements take effect in program order.

    E0210: inside ``T.Parallel``, whose iterations cannot wait for each other.
    """
    _check("sync_threads")


def sync_warp(*arguments: object) -> None:
    """As ``sync_threads``."""
    _check("sync_warp")


def _check(name: str) -> None:
    if Builder.active().inside("parallel"):
        raise KernelError(
            "E0210",
            f"T.{name} cannot stand inside T.Parallel",
            span=here(),
            hint="split the loop in two: the second sees all effects of the first",
        )
