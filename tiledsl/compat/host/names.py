"""Small host names: element types by name, the level of logging, identities."""

from __future__ import annotations

import logging
import warnings
from typing import Final, TypeVar

import tiledsl
from tiledsl.diagnostics import ArgumentError, TileWarning
from tiledsl.language.dtypes import CastingDType, dtype

ValueT = TypeVar("ValueT")
VERSION: Final = tiledsl.__version__
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def DataType(name: object) -> CastingDType:
    """The element type of a name, with ``.bits``.

    >>> DataType("float16").bits
    16
    """
    return dtype(name)


def set_log_level(level: int | str) -> None:
    """The least severe messages that the logger ``tiledsl`` lets through."""
    wanted = level.upper() if isinstance(level, str) else level
    if isinstance(wanted, str) and wanted not in _LEVELS:
        raise ArgumentError(
            "E1014", "argument 'level'", expected=", ".join(_LEVELS), got=repr(level)
        )
    logging.getLogger("tiledsl").setLevel(wanted)


def simplify_prim_func(function: ValueT) -> ValueT:
    """The function itself: every backend simplifies what it compiles."""
    return function


def plot_layout(*_: object, **__: object) -> None:
    """Draws nothing, with a warning: layouts are hints and have no picture here."""
    code = "W0701"
    warnings.warn(
        TileWarning(f"{code} plot_layout draws nothing: layouts are hints here"),
        stacklevel=2,
    )
