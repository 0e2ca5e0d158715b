"""Float functions as vector code; measured errors are below those of ``tiledsl.ir.ops``."""

from __future__ import annotations

from typing import Final

from tiledsl_llvm.functions import (
    exponentials,
    hyperbolics,
    logarithms,
    powers,
    rounding,
    trigonometry,
)
from tiledsl_llvm.functions.outline import Emitter, by_library

_BY_LIBRARY = ("asin", "acos", "atan", "atan2", "sinh", "cosh", "asinh", "acosh",
               "atanh", "hypot")  # fmt: skip

MATH: Final[dict[str, Emitter]] = {
    "fma": rounding.instruction("fma"),
    "sqrt": rounding.instruction("sqrt"),
    "copysign": rounding.instruction("copysign"),
    "floor": rounding.floor,
    "ceil": rounding.ceil,
    "trunc": rounding.trunc,
    "round": rounding.round_to_even,
    "round_away": rounding.round_away,
    "fmod": rounding.fmod,
    "ldexp": rounding.ldexp,
    "nextafter": rounding.nextafter,
    "exp": exponentials.exp,
    "exp2": exponentials.exp2,
    "exp10": exponentials.exp10,
    "sigmoid": exponentials.sigmoid,
    "log": logarithms.log,
    "log2": logarithms.log2,
    "log10": logarithms.log10,
    "log1p": logarithms.log1p,
    "rsqrt": powers.rsqrt,
    "pow": powers.power,
    "sin": trigonometry.sin,
    "cos": trigonometry.cos,
    "tan": trigonometry.tan,
    "tanh": hyperbolics.tanh,
    "erf": hyperbolics.erf,
    **{name: by_library(name) for name in _BY_LIBRARY},
}
