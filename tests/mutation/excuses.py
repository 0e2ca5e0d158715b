"""Why a mutant need not be noticed: it changes no result, or only how fast it comes.

The lists of the backends are texts: the name of a mutant as a run prints it, and under it,
indented, the reason.  A mutant of a line that has changed since is not excused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

from tests.mutation import equivalent
from tests.mutation.mutants import Mutant

Kind = Literal["equivalent", "speed"]
_FOLDER: Final = Path(__file__).with_name("excused")
# speed.txt: what decides how fast code is, as far as no test counts instructions
_FILES: Final[tuple[tuple[str, Kind], ...]] = (
    ("equivalent.txt", "equivalent"),
    ("speed.txt", "speed"),
)


class Excuse(NamedTuple):
    kind: Kind
    reason: str


def excuse(mutant: Mutant) -> Excuse | None:
    """Why nothing can notice the mutant, or nothing that is about results."""
    found = equivalent.reason(mutant)
    if found is not None:
        return Excuse("equivalent", found)
    return listed().get(mutant.name)


@cache
def listed() -> Mapping[str, Excuse]:
    """What the texts say, by the names of the mutants."""
    return {
        name: Excuse(kind, reason)
        for file, kind in _FILES
        for name, reason in _rows((_FOLDER / file).read_text(encoding="utf-8"))
    }


def _rows(text: str) -> Iterator[tuple[str, str]]:
    name = ""
    for line in text.splitlines():
        if line.startswith(" "):
            yield name, line.strip()
        elif line and not line.startswith("#"):
            name = line
