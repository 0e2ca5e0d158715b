"""What was tried, and what came of it: the rows of every table in this package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from tiledsl.testing.accuracy.elementwise import Refusal

Status: TypeAlias = Literal["tested", "refused", "wrong", "failed"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One construct with its dtypes on one backend.

    ``refused``: the backend raises UnsupportedByTarget with ``code``, as it may.
    ``count``: elements or operand tuples compared.
    """

    construct: str
    dtypes: tuple[str, ...]
    backend: str
    status: Status
    code: str = ""
    detail: str = ""
    count: int = 0

    @property
    def ok(self) -> bool:
        """Right wherever it gave a result."""
        return self.status in ("tested", "refused")

    def __str__(self) -> str:
        place = f"{self.construct} ({', '.join(self.dtypes)}) on {self.backend}"
        return f"{place}: {self.status} {self.code}{self.detail}".rstrip()


def refused(
    construct: str, dtypes: tuple[str, ...], backend: str, why: Refusal
) -> Cell:
    """The cell of a refusal or failure."""
    status: Status = "refused" if why.code else "failed"
    return Cell(construct, dtypes, backend, status, why.code, f" {why.reason}")


def judged(
    construct: str, dtypes: tuple[str, ...], backend: str, count: int, wrong: str
) -> Cell:
    """The cell of a comparison; ``wrong`` describes the first differences, if any."""
    status: Status = "wrong" if wrong else "tested"
    return Cell(construct, dtypes, backend, status, "", wrong, count)


def merged(cells: list[Cell]) -> Cell:
    """One cell for several tries of the same: the worst, with all that was compared."""
    order: tuple[Status, ...] = ("failed", "wrong", "refused", "tested")
    worst = min(cells, key=lambda cell: order.index(cell.status))
    count = sum(cell.count for cell in cells)
    return Cell(
        worst.construct,
        worst.dtypes,
        worst.backend,
        worst.status,
        worst.code,
        worst.detail,
        count,
    )
