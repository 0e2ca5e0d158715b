"""Arguments of the host API that are no arrays: what they have to be."""

from __future__ import annotations

import os
from pathlib import Path

from tiledsl.diagnostics import ArgumentError, brief


def expect(valid: bool, what: str, expected: str, got: object) -> None:
    """Raises ArgumentError E1014 unless ``valid``."""
    if not valid:
        raise ArgumentError("E1014", what, expected=expected, got=brief(got))


def expect_function(function: object, what: str) -> None:
    """Refuses what cannot be called."""
    expect(callable(function), what, "a function", function)


def expect_number(number: object, what: str, *, least: float = 0) -> None:
    """Refuses what is not an int or float of at least ``least``."""
    plain = isinstance(number, int | float) and not isinstance(number, bool)
    valid = plain and number >= least  # type: ignore[operator]  # a number, see above
    expect(valid, what, f"a number of at least {least}", number)


def expect_count(number: object, what: str, *, least: int = 0) -> None:
    """Refuses what is not an int of at least ``least``."""
    valid = isinstance(number, int) and not isinstance(number, bool) and number >= least
    expect(valid, what, f"an int of at least {least}", number)


def expect_checked(checked: object) -> None:
    """Refuses what is no value of the option ``checked``."""
    valid = isinstance(checked, bool) or (
        isinstance(checked, str) and checked == "strict"
    )
    expect(valid, "the option checked", 'True, False or "strict"', checked)


def path_of(path: object, what: str) -> Path:
    """A path; whether it can be written is for the system to say (OSError)."""
    valid = isinstance(path, str | os.PathLike) and "\0" not in str(path)
    expect(valid, what, "a path", path)
    return Path(str(path))
