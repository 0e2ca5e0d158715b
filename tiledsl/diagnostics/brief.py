"""A value of the user in an error message: short, readable, whatever it is."""

from __future__ import annotations

import re
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Final

# Python does not convert integers of any size to text
_LARGEST: Final = 256
_ADDRESS: Final = re.compile(r"^<.* at 0x[0-9a-fA-F]+>$")


def brief(value: object, limit: int = 60) -> str:
    """``value`` in at most ``limit`` characters of one line."""
    if isinstance(value, ModuleType):
        return f"the module {value.__name__}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, FunctionType | BuiltinFunctionType | MethodType):
        name = value.__name__
        return "a lambda" if name == "<lambda>" else f"the function {name}"
    if isinstance(value, int) and value.bit_length() > _LARGEST:
        return f"an integer of {value.bit_length()} bits"
    try:
        text = repr(value)
    except Exception:  # an error message must not fail on somebody else's __repr__
        text = ""
    text = " ".join(text.split())
    if not text or _ADDRESS.match(text):
        return f"an object of class {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 3] + "..."
