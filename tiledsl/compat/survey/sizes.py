"""Smaller problems: integer options of a program's command line are reduced."""

from __future__ import annotations

import argparse
from typing import Any, Final

_LARGE: Final = 1024
_REDUCED: Final = 512


def reduce_option_defaults() -> None:
    """Every integer option from 1024 up is 512 by default; batches are one."""
    add = argparse._ActionsContainer.add_argument

    def reduced(self: Any, *names: Any, **options: Any) -> Any:
        default = options.get("default")
        if isinstance(default, int) and not isinstance(default, bool):
            options["default"] = smaller(str(names[-1]).lstrip("-"), default)
        return add(self, *names, **options)

    argparse._ActionsContainer.add_argument = reduced  # type: ignore[method-assign]


def smaller(name: str, default: int) -> int:
    """The default of an option, reduced if it is a size that may be.

    >>> smaller("seq_len", 8192), smaller("dim", 128), smaller("batch", 8)
    (512, 128, 1)
    """
    if name in ("batch", "b", "batch_size"):
        return min(default, 1)
    return _REDUCED if default >= _LARGE else default
