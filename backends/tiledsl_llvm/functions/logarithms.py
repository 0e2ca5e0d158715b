"""log, log2, log10, log1p, in double.

x = 2^k m with m in [sqrt(1/2), sqrt(2)), f = m - 1, s = f / (2 + f):
ln m = f - f^2/2 + s (f^2/2 + R(s^2)), R minimax with relative error 2^-58.
"""

from __future__ import annotations

from tiledsl_llvm.functions.outline import (
    Emitter,
    constant,
    in_double,
    multiply_add,
    outlined,
    polynomial,
)
from tiledsl_llvm.machine import Machine
from tiledsl_llvm.text import Builder
from tiledsl_llvm.values import Value, integer

_R = (0.6666666666666666, 0.40000000000000885, 0.28571428570799784, 0.22222222392581045,
      0.18181795547521137, 0.15386244737621665, 0.13268638369266825,
      0.13088034850927555)  # fmt: skip
_LN2_HIGH, _LN2_LOW = float.fromhex("0x1.62e42fee00000p-1"), 1.9082149292705877e-10
_INFINITY = float("inf")


def _split(b: Builder, x: Value) -> tuple[Value, Value]:
    """K as a float, and f = m - 1."""
    # a subnormal is scaled up first
    tiny = b.compare("olt", x, constant(x, 2.2250738585072014e-308))
    x = b.select(tiny, b.binary("fmul", x, constant(x, 2.0**54)), x)
    bits = b.convert("bitcast", x, "i64")
    # counted from sqrt(1/2), so that the exponent field changes where k does
    moved = b.binary("sub", bits, integer(0x3FE6A09E667F3BCD))
    k = b.binary("ashr", moved, integer(52))
    bits = b.binary("sub", bits, b.binary("shl", k, integer(52)))
    k = b.binary("sub", k, b.select(tiny, integer(54), integer(0)))
    m = b.convert("bitcast", bits, "double")
    return b.convert("sitofp", k, "double"), b.binary("fsub", m, constant(x, 1.0))


def _ln_of_1_plus(b: Builder, f: Value, extra: Value | None = None) -> Value:
    """ln(1 + f) + extra, extra being small."""
    s = b.binary("fdiv", f, b.binary("fadd", f, constant(f, 2.0)))
    z = b.binary("fmul", s, s)
    series = b.binary("fmul", z, polynomial(b, z, _R))
    half = b.binary("fmul", b.binary("fmul", f, constant(f, 0.5)), f)
    tail = b.binary("fmul", s, b.binary("fadd", half, series))
    if extra is not None:
        tail = b.binary("fadd", tail, extra)
    return b.binary("fsub", f, b.binary("fsub", half, tail))


def _ends(b: Builder, x: Value, result: Value) -> Value:
    """Log at 0, infinity, NaN and below 0."""
    result = b.select(b.compare("oeq", x, constant(x, _INFINITY)), x, result)
    zero = b.compare("oeq", x, constant(x, 0.0))
    result = b.select(zero, constant(x, -_INFINITY), result)
    bad = b.compare("ult", x, constant(x, 0.0))
    return b.select(bad, constant(x, float("nan")), result)


def _log(b: Builder, machine: Machine, x: Value) -> Value:
    k, f = _split(b, x)
    low = b.binary("fmul", k, constant(x, _LN2_LOW))
    result = multiply_add(b, k, constant(x, _LN2_HIGH), _ln_of_1_plus(b, f, low))
    return _ends(b, x, result)


def _in_base(high: float, low: float, two: float, two_low: float) -> Emitter:
    """Ln m times 1 / ln(base), in two parts, plus k times log of 2."""

    def emit(b: Builder, machine: Machine, x: Value) -> Value:
        k, f = _split(b, x)
        y = _ln_of_1_plus(b, f)
        product = b.binary("fmul", y, constant(x, high))
        negated = b.make("double", x.lanes, f"fneg {product.typed}")
        error = b.intrinsic("fma", y, constant(x, high), negated)
        error = multiply_add(b, y, constant(x, low), error)
        error = multiply_add(b, k, constant(x, two_low), error)
        total = multiply_add(b, k, constant(x, two), product)
        return _ends(b, x, b.binary("fadd", total, error))

    return emit


def _log1p(b: Builder, machine: Machine, x: Value) -> Value:
    one = constant(x, 1.0)
    u = b.binary("fadd", one, x)
    # what was lost in 1 + x
    lost = b.binary("fsub", x, b.binary("fsub", u, one))
    k, f = _split(b, u)
    low = multiply_add(b, k, constant(x, _LN2_LOW), b.binary("fdiv", lost, u))
    result = multiply_add(b, k, constant(x, _LN2_HIGH), _ln_of_1_plus(b, f, low))
    result = _ends(b, u, result)
    return b.select(b.compare("oeq", u, one), x, result)


log = outlined("log", in_double(_log))
log2 = outlined(
    "log2", in_double(_in_base(1.4426950408889634, 2.0355273740931033e-17, 1.0, 0.0))
)
log10 = outlined(
    "log10",
    in_double(
        _in_base(
            0.4342944819032518,
            1.098319650216765e-17,
            float.fromhex("0x1.34413509f7000p-2"),
            1.42050232272661e-13,
        )
    ),
)
log1p = outlined("log1p", in_double(_log1p))
