"""A planted defect, and the list of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from tiledsl.diagnostics import CheckReport

MARK: Final = "# planted"


class Checkable(Protocol):
    """What ``tiledsl.jit`` makes of a function."""

    def check(self, *arguments: object) -> CheckReport: ...


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect, in the line of ``kernel`` that ends with ``MARK``.

    ``faulty`` are arguments with which it happens, ``clean`` others with which it does
    not.  ``count``: how often it happens; ``block`` and ``loops`` say where first.
    """

    name: str
    code: str
    kernel: Checkable
    faulty: tuple[np.ndarray | int, ...]
    clean: tuple[np.ndarray | int, ...]
    count: int
    block: tuple[int, ...] | None = (0,)
    loops: tuple[tuple[str, int], ...] = ()


_MADE: list[Callable[[], Defect]] = []


def planted(make: Callable[[], Defect]) -> Callable[[], Defect]:
    """Adds a defect to the list; it is made when the list is read."""
    _MADE.append(make)
    return make


def all_defects() -> Iterator[Defect]:
    """Every defect, in the order of the classes."""
    for make in _MADE:
        yield make()
