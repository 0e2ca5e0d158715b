"""Results that no error bound covers: infinities, NaN, zeros and their signs.

A row is operands and result; they are C's (annex F) where Tile IR does not say otherwise.
"""

from __future__ import annotations

from typing import Final

_UNARY: Final[dict[str, str]] = {
    "exp": "-inf>0 -0>1 0>1 inf>inf",
    "exp2": "-inf>0 -0>1 0>1 inf>inf",
    "exp10": "-inf>0 -0>1 0>1 inf>inf",
    "log": "-inf>nan -1>nan -0>-inf 0>-inf 1>0 inf>inf",
    "log2": "-inf>nan -1>nan -0>-inf 0>-inf 1>0 inf>inf",
    "log10": "-inf>nan -1>nan -0>-inf 0>-inf 1>0 inf>inf",
    "log1p": "-inf>nan -2>nan -1>-inf -0>-0 0>0 inf>inf",
    "rsqrt": "-inf>nan -1>nan -0>-inf 0>inf 1>1 4>0.5 inf>0",
    "sin": "-inf>nan -0>-0 0>0 inf>nan",
    "cos": "-inf>nan -0>1 0>1 inf>nan",
    "tan": "-inf>nan -0>-0 0>0 inf>nan",
    "tanh": "-inf>-1 -0>-0 0>0 inf>1",
    "erf": "-inf>-1 -0>-0 0>0 inf>1",
    "asin": "-inf>nan -2>nan -0>-0 0>0 2>nan inf>nan",
    "acos": "-inf>nan -2>nan 1>0 2>nan inf>nan",
    "atan": "-0>-0 0>0",
    "sinh": "-inf>-inf -0>-0 0>0 inf>inf",
    "cosh": "-inf>inf -0>1 0>1 inf>inf",
    "asinh": "-inf>-inf -0>-0 0>0 inf>inf",
    "acosh": "-inf>nan -1>nan 0>nan 1>0 inf>inf",
    "atanh": "-inf>nan -2>nan -1>-inf -0>-0 0>0 1>inf 2>nan inf>nan",
    "sigmoid": "-inf>0 -0>0.5 0>0.5 inf>1",
}

_BINARY: Final[dict[str, str]] = {
    "hypot": "inf,nan>inf nan,-inf>inf -inf,1>inf 1,inf>inf 0,-0>0 -0,-0>0 nan,1>nan "
    "3,-4>5 -0,2>2",
    "atan2": "0,1>0 -0,1>-0 0,0>0 -0,0>-0 1,inf>0 -1,inf>-0 0,inf>0 -0,inf>-0 nan,1>nan "
    "1,nan>nan",
    "pow": "nan,0>1 nan,-0>1 1,nan>1 1,inf>1 1,-inf>1 -1,inf>1 -1,-inf>1 inf,0>1 -inf,-0>1 "
    "0,3>0 -0,3>-0 0,2>0 -0,2>0 -0,0.5>0 0,-3>inf -0,-3>-inf 0,-2>inf -0,-2>inf 0,-inf>inf "
    "-0,-inf>inf 0,inf>0 -2,0.5>nan -2,3>-8 -2,2>4 -2,-1>-0.5 0.5,-inf>inf 0.5,inf>0 "
    "2,-inf>0 2,inf>inf -0.5,-inf>inf -2,inf>inf -inf,3>-inf -inf,2>inf -inf,-3>-0 "
    "-inf,-2>0 -inf,0.5>inf inf,2>inf inf,-2>0 nan,2>nan 2,nan>nan -inf,-0.5>0 0,nan>nan "
    "-1,3>-1 -1,0.5>nan 2,10>1024 10,2>100 -0,-0.5>inf -1,1e10>1",
}


def special_results(name: str) -> list[tuple[tuple[float, ...], float]]:
    """Operands, and the result that must come out exactly, signs of zeros included."""
    if name in _BINARY:
        return [_row(word) for word in _BINARY[name].split()]
    return [_row(word) for word in ["nan>nan", *_UNARY[name].split()]]


def _row(word: str) -> tuple[tuple[float, ...], float]:
    operands, _, result = word.partition(">")
    return tuple(float(operand) for operand in operands.split(",")), float(result)
