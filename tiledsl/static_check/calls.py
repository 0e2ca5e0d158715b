"""Calls of the language's functions with arguments that they do not take."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping


def refused_arguments(
    call: ast.Call, function: object, renamed: Mapping[str, str]
) -> str | None:
    """What Python would say to the call, None if it would take it.

    ``renamed``: further names of arguments.  Calls with * or ** are taken.
    """
    if not inspect.isfunction(function):
        return None
    starred = any(isinstance(part, ast.Starred) for part in call.args)
    names = [part.arg for part in call.keywords]
    if starred or None in names:
        return None
    ours = {renamed.get(name or "", name or "") for name in names} - {""}
    return _binding(function, len(call.args), ours)


def _binding(
    function: Callable[..., object], count: int, names: set[str]
) -> str | None:
    try:
        inspect.signature(function).bind(*range(count), **dict.fromkeys(names))
    except TypeError as error:
        return f"{function.__name__}(): {error}"
    return None
