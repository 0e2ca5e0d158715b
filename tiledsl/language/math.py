"""Functions of floats (the table of rule L38); integers count as float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.arithmetic import float_function, unary
from tiledsl.frontend.builder import here
from tiledsl.frontend.powers import power
from tiledsl.frontend.values import ScalarLike, Value, apply
from tiledsl.ir.ops import SCALAR_OPS

Unary = Callable[[ScalarLike], Value]
Binary = Callable[[ScalarLike, ScalarLike], Value]


def _function(op: str, name: str = "") -> Callable[..., Value]:
    """The language's function for one row of the table of scalar operations."""
    row = SCALAR_OPS[op]

    def function(*operands: ScalarLike) -> Value:
        if len(operands) != row.arity:
            raise KernelError(
                "E0209",
                f"T.{function.__name__} takes {row.arity} argument(s)",
                span=here(),
                got=str(len(operands)),
            )
        return apply(lambda *parts: float_function(op, *parts), *operands)

    function.__name__ = function.__qualname__ = name or op
    bound = f"within {row.ulp:g} ulp" if row.ulp else "exact"
    function.__doc__ = f"{row.meaning}; {bound} in float32 or float64."
    return function


exp: Final[Unary] = _function("exp")
exp2: Final[Unary] = _function("exp2")
exp10: Final[Unary] = _function("exp10")
log: Final[Unary] = _function("log")
log2: Final[Unary] = _function("log2")
log10: Final[Unary] = _function("log10")
log1p: Final[Unary] = _function("log1p")
sqrt: Final[Unary] = _function("sqrt")
rsqrt: Final[Unary] = _function("rsqrt")
sigmoid: Final[Unary] = _function("sigmoid")
erf: Final[Unary] = _function("erf")
sin: Final[Unary] = _function("sin")
cos: Final[Unary] = _function("cos")
tan: Final[Unary] = _function("tan")
asin: Final[Unary] = _function("asin")
acos: Final[Unary] = _function("acos")
atan: Final[Unary] = _function("atan")
sinh: Final[Unary] = _function("sinh")
cosh: Final[Unary] = _function("cosh")
tanh: Final[Unary] = _function("tanh")
asinh: Final[Unary] = _function("asinh")
acosh: Final[Unary] = _function("acosh")
atanh: Final[Unary] = _function("atanh")
ceil: Final[Unary] = _function("ceil")
floor: Final[Unary] = _function("floor")
trunc: Final[Unary] = _function("trunc")
nearbyint: Final[Unary] = _function("round", "nearbyint")
isnan: Final[Unary] = _function("isnan")
isinf: Final[Unary] = _function("isinf")
isfinite: Final[Unary] = _function("isfinite")
atan2: Final[Binary] = _function("atan2")
hypot: Final[Binary] = _function("hypot")
fmod: Final[Binary] = _function("fmod")
copysign: Final[Binary] = _function("copysign")
ldexp: Final[Binary] = _function("ldexp")
nextafter: Final[Binary] = _function("nextafter")
fma: Final[Callable[[ScalarLike, ScalarLike, ScalarLike], Value]] = _function("fma")


def pow(x: ScalarLike, y: ScalarLike) -> Value:
    """``x ** y``: a repeated product for a static integer y >= 0, else as C ``pow``."""
    return apply(power, x, y)


def abs(x: ScalarLike) -> Value:
    """|x|, exact; ``abs(MIN)`` of an integer is MIN."""
    return apply(lambda a: unary("abs", a), x)


def round(x: ScalarLike, rounding: str = "ties-to-even") -> Value:
    """The nearest integer as a float; ``rounding`` "ties-away-from-zero" rounds 0.5 to 1."""
    ops = {"ties-to-even": "round", "": "round", "ties-away-from-zero": "round_away"}
    if not isinstance(rounding, str) or rounding not in ops:
        raise KernelError(
            "E0209",
            "T.round does not know this rounding",
            span=here(),
            expected="'ties-to-even' or 'ties-away-from-zero'",
            got=brief(rounding),
        )
    return apply(lambda a: float_function(ops[rounding], a), x)
