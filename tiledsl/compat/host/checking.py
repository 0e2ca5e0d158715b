"""``tilelang.testing``: running the tests of a file, seeds, timed cases."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

import numpy as np


def main() -> None:
    """Runs the tests of the calling file with pytest, then ends the program."""
    file = sys._getframe(1).f_code.co_filename
    sys.exit(import_module("pytest").main([file, *sys.argv[1:]]))


def set_random_seed(seed: int = 42) -> None:
    """Seeds the generators of Python, NumPy and, if the program uses it, torch."""
    random.seed(seed)
    np.random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def process_func(
    function: Callable[..., object], name: str | None = None, /, **arguments: object
) -> object:
    """Calls a function that measures something and prints what it returns."""
    result = function(**arguments)
    print(f"{name or function.__module__}: {result}")
    return result


def regression(
    prefixes: Sequence[str] = ("regression_",), verbose: bool = True
) -> None:
    """Calls every function of the calling file whose name begins with a prefix."""
    names = sys._getframe(1).f_globals
    for name in sorted(names):
        if name.startswith(tuple(prefixes)) and callable(names[name]):
            names[name]()
