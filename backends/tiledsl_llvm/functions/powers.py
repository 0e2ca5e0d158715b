"""rsqrt, and pow of float32 as 2^(y log2|x|) in double."""

from __future__ import annotations

from tiledsl_llvm.functions.exponentials import exp2
from tiledsl_llvm.functions.logarithms import log2
from tiledsl_llvm.functions.outline import by_library, constant, magnitude, outlined
from tiledsl_llvm.machine import Machine
from tiledsl_llvm.text import Builder
from tiledsl_llvm.values import Value, integer


def _rsqrt(b: Builder, machine: Machine, x: Value) -> Value:
    return b.binary("fdiv", constant(x, 1.0), b.intrinsic("sqrt", x))


def _pow(b: Builder, machine: Machine, x: Value, y: Value) -> Value:
    if x.element == "double":
        return by_library("pow")(b, machine, x, y)
    x, y = b.convert("fpext", x, "double"), b.convert("fpext", y, "double")
    one, zero = constant(x, 1.0), constant(x, 0.0)
    size = magnitude(b, x)
    power = exp2(b, machine, b.binary("fmul", y, log2(b, machine, size)))
    # 0 * inf would be NaN: a power of 1 is 1 unless y is NaN, for which x is asked below
    unit = b.binary("and", b.compare("oeq", size, one), b.compare("ord", y, zero))
    power = b.select(unit, one, power)
    half = b.binary("fmul", y, constant(y, 0.5))
    integral = b.compare("oeq", b.intrinsic("rint", y), y)
    odd = b.binary("and", integral, b.compare("une", b.intrinsic("rint", half), half))
    minus = b.compare("slt", b.convert("bitcast", x, "i64"), integer(0))
    negated = b.make("double", x.lanes, f"fneg {power.typed}")
    power = b.select(b.binary("and", minus, odd), negated, power)
    # a finite negative number has no power that is not integral
    finite = b.compare("olt", size, constant(x, float("inf")))
    below = b.binary("and", b.compare("olt", x, zero), finite)
    broken = b.binary("and", below, b.binary("xor", integral, integer(1, "i1")))
    power = b.select(broken, constant(x, float("nan")), power)
    always = b.binary("or", b.compare("oeq", x, one), b.compare("oeq", y, zero))
    return b.convert("fptrunc", b.select(always, one, power), "float")


rsqrt = outlined("rsqrt", _rsqrt)
power = outlined("pow_of", _pow, inline=False)
