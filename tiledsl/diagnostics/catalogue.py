"""Every code with its meaning.  A code is never reused.

E01 source and syntax, E02 operands of tile operations, E03 types and values, E04 names
and scopes, E05 bounds, E06 launches and functions, E10 arguments, E20 refused by a
target, E30 IR text, E40 settings, cache and command line, E50 checks at run time,
E90 our own bugs.  W codes are warnings, in the same ranges.
"""

from __future__ import annotations

from typing import Final

CATALOGUE: Final[dict[str, str]] = {
    # E20 refused by a target
    "E2001": "the target cannot do this construct",
    "E2002": "the backend or its target is not available on this machine",
    "E2003": "ring mode has no meaning for this construct",
    # E90 our own bugs
    "E9001": "a pass or the frontend made IR that does not verify",
    "E9002": "a backend failed to compile verified IR",
}
