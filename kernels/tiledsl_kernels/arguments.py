"""What wrappers check before they call a kernel; the kernel checks the rest."""

from __future__ import annotations

import tiledsl


def check_arrays(**arrays: tuple[object, int]) -> None:
    """Each argument, given with its rank, is an array of that rank.

    Raises ArgumentError (E1030) that names the first one that is not.
    """
    for name, (value, rank) in arrays.items():
        shape = getattr(value, "shape", None)
        if shape is None or not hasattr(value, "dtype"):
            got = type(value).__name__
        elif len(shape) != rank:
            got = f"shape {tuple(shape)}"
        else:
            continue
        raise tiledsl.ArgumentError(
            "E1030",
            f"argument {name!r}",
            expected=f"an array of {rank} dimension{'s' if rank > 1 else ''}",
            got=got,
        )


def check(holds: bool, name: str, *, expected: str, got: object) -> None:
    """A relation between arguments holds.  Raises ArgumentError (E1031) otherwise."""
    if not holds:
        raise tiledsl.ArgumentError(
            "E1031", f"argument {name!r}", expected=expected, got=str(got)
        )


def check_scale(scale: float) -> None:
    """Scores are multiplied by a positive finite number."""
    is_number = isinstance(scale, int | float) and not isinstance(scale, bool)
    positive = is_number and 0 < scale < float("inf")
    check(positive, "scale", expected="a positive finite number", got=scale)
