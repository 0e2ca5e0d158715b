"""exp, exp2, exp10 and sigmoid: reduction to |r| <= ln(2)/2, a polynomial, a scaling.

e^r = 1 + r + r^2 P(r); P is minimax, its relative error times r^2 below 2^-26 (float32)
and 2^-58 (float64).
"""

from __future__ import annotations

from dataclasses import dataclass

from tiledsl_llvm.functions.outline import (
    Emitter,
    constant,
    multiply_add,
    outlined,
    polynomial,
)
from tiledsl_llvm.machine import Machine
from tiledsl_llvm.saturation import at_least, at_most, small_integer
from tiledsl_llvm.text import Builder
from tiledsl_llvm.values import Value, integer

_P = {
    "float": (0.5, 0.16666576266288757, 0.041666556149721146, 0.008363185450434685,
              0.0013926191022619605),
    "double": (0.5, 0.1666666666666667, 0.04166666666666667, 0.008333333333326129,
               0.0013888888888883744, 0.00019841269874840768, 2.4801587325562125e-05,
               2.7557255374658744e-06, 2.755727362486648e-07, 2.510522763655176e-08,
               2.0914694560351592e-09),
}  # fmt: skip
_FRACTION = {"float": 23, "double": 52}
_BIAS = {"float": 127, "double": 1023}


@dataclass(frozen=True, slots=True)
class _Base:
    """A base: log2 of it, 1 / log2 in two parts of which n * high is exact, and ln of it."""

    log2: float
    high: dict[str, float]
    low: dict[str, float]
    ln: float


_E = _Base(
    1.4426950408889634,
    {
        "float": float.fromhex("0x1.62ep-1"),
        "double": float.fromhex("0x1.62e42fee00000p-1"),
    },
    {
        "float": 0.6931471805599453 - float.fromhex("0x1.62ep-1"),
        "double": 1.9082149292705877e-10,
    },
    1.0,
)
_TWO = _Base(
    1.0,
    {"float": 1.0, "double": 1.0},
    {"float": 0.0, "double": 0.0},
    0.6931471805599453,
)
_TEN = _Base(
    3.321928094887362,
    {
        "float": float.fromhex("0x1.344p-2"),
        "double": float.fromhex("0x1.34413509f7000p-2"),
    },
    {
        "float": 4.605038981195214e-06,
        "double": 1.42050232272661e-13,
    },
    2.302585092994046,
)


def _power_of(base: _Base) -> Emitter:
    def emit(b: Builder, machine: Machine, x: Value) -> Value:
        # beyond these every result is 0 or infinite; comparing so keeps NaN
        limit = {"float": 160.0, "double": 1100.0}[x.element] / base.log2
        x = at_least(b, at_most(b, x, limit), -limit)
        scaled = b.binary("fmul", x, constant(x, base.log2))
        n = b.intrinsic("rint", scaled)
        r = multiply_add(b, n, constant(x, -base.high[x.element]), x)
        if base is not _TWO:
            r = multiply_add(b, n, constant(x, -base.low[x.element]), r)
        if base.ln != 1.0:
            r = b.binary("fmul", r, constant(x, base.ln))
        square = b.binary("fmul", r, r)
        tail = multiply_add(b, square, polynomial(b, r, _P[x.element]), r)
        return scale(b, machine, b.binary("fadd", tail, constant(x, 1.0)), n)

    return emit


def scale(b: Builder, machine: Machine, x: Value, n: Value) -> Value:
    """X * 2^n for an integral float n of moderate size, rounded once."""
    if "avx512vl" in machine.features and x.bits * x.lanes in (128, 256, 512):
        return _scale_in_hardware(b, x, n)
    whole = "i32" if x.element == "float" else "i64"
    # NaN has to become some integer; it is in x, too
    exponent = small_integer(b, n, whole)
    # in two steps, so that 2^n itself need not be a normal number
    half = b.binary("ashr", exponent, integer(1, whole))
    rest = b.binary("sub", exponent, half)
    for part in (half, rest):
        biased = b.binary("add", part, integer(_BIAS[x.element], whole))
        bits = b.binary("shl", biased, integer(_FRACTION[x.element], whole))
        x = b.binary("fmul", x, b.convert("bitcast", bits, x.element))
    return x


def _scale_in_hardware(b: Builder, x: Value, n: Value) -> Value:
    kind, width = {"float": "ps", "double": "pd"}[x.element], x.bits * x.lanes
    name = f"llvm.x86.avx512.mask.scalef.{kind}.{width}"
    none = Value("zeroinitializer", x.element, x.lanes)
    lanes = max(8, x.lanes)
    arguments: list[str | Value] = [x, n, none, f"i{lanes} -1"]
    if width == 512:
        arguments.append("i32 4")  # the current rounding mode
    return b.call(name, x.element, x.lanes, arguments)


exp = outlined("exp", _power_of(_E))
exp2 = outlined("exp2", _power_of(_TWO))
exp10 = outlined("exp10", _power_of(_TEN))


def _sigmoid(b: Builder, machine: Machine, x: Value) -> Value:
    power = exp(b, machine, b.make(x.element, x.lanes, f"fneg {x.typed}"))
    one = constant(x, 1.0)
    return b.binary("fdiv", one, b.binary("fadd", one, power))


sigmoid = outlined("sigmoid", _sigmoid)
