"""Exact float functions: rounding to integers, fma, fmod, ldexp, nextafter."""

from __future__ import annotations

from tiledsl_llvm.functions.outline import Emitter, constant, magnitude, with_sign_of
from tiledsl_llvm.machine import Machine
from tiledsl_llvm.saturation import small_integer, to_integer
from tiledsl_llvm.text import Builder
from tiledsl_llvm.values import Value, integer

_EXACT_INTEGERS = {"float": 2.0**23, "double": 2.0**52}


def instruction(name: str) -> Emitter:
    def emit(b: Builder, machine: Machine, *operands: Value) -> Value:
        return b.intrinsic(name, *operands)

    return emit


def _trunc(b: Builder, machine: Machine, x: Value) -> Value:
    if machine.has_rounding:
        return b.intrinsic("trunc", x)
    whole = "i32" if x.element == "float" else "i64"
    near = to_integer(b, x, whole, signed=True)
    cut = with_sign_of(b, b.convert("sitofp", near, x.element), x)
    small = b.compare("olt", magnitude(b, x), constant(x, _EXACT_INTEGERS[x.element]))
    return b.select(small, cut, x)


def _adjusted(predicate: str, step: float) -> Emitter:
    """The truncated value, moved by ``step`` where it compares so with x."""

    def emit(b: Builder, machine: Machine, x: Value) -> Value:
        if machine.has_rounding:
            return b.intrinsic("floor" if step < 0 else "ceil", x)
        cut = _trunc(b, machine, x)
        moved = b.binary("fadd", cut, constant(x, step))
        value = b.select(b.compare(predicate, cut, x), moved, cut)
        return with_sign_of(b, value, x)

    return emit


def round_to_even(b: Builder, machine: Machine, x: Value) -> Value:
    """Nearest integer by adding and taking away 2^23 (2^52)."""
    if machine.has_rounding:
        return b.intrinsic("roundeven", x)
    size, big = magnitude(b, x), constant(x, _EXACT_INTEGERS[x.element])
    near = b.binary("fsub", b.binary("fadd", size, big), big)
    small = b.compare("olt", size, big)
    return b.select(small, with_sign_of(b, near, x), x)


def _round_away(b: Builder, machine: Machine, x: Value) -> Value:
    cut = _trunc(b, machine, x)
    rest = magnitude(b, b.binary("fsub", x, cut))
    far = b.compare("oge", rest, constant(x, 0.5))
    moved = b.binary("fadd", cut, with_sign_of(b, constant(x, 1.0), x))
    return with_sign_of(b, b.select(far, moved, cut), x)


def _fmod(b: Builder, machine: Machine, x: Value, y: Value) -> Value:
    return b.binary("frem", x, y)


def _ldexp(b: Builder, machine: Machine, x: Value, y: Value) -> Value:
    if x.element == "float":
        # in double no step leaves the normal range; the conversion rounds once
        wide, count = b.convert("fpext", x, "double"), b.convert("fpext", y, "double")
        return b.convert(
            "fptrunc", scale_once(b, wide, _between(b, count, 400.0)), "float"
        )
    y = _between(b, y, 4000.0)
    for _ in range(2):
        # 53 less than the range: the last step is then the only one that rounds, or
        # its result is 0
        up, down = constant(y, 1023.0), constant(y, -969.0)
        step = b.select(b.compare("ogt", y, up), up, constant(y, 0.0))
        step = b.select(b.compare("olt", y, constant(y, -1022.0)), down, step)
        x, y = scale_once(b, x, step), b.binary("fsub", y, step)
    return scale_once(b, x, _between(b, y, 1022.0))


def _between(b: Builder, x: Value, limit: float) -> Value:
    high, low = constant(x, limit), constant(x, -limit)
    x = b.select(b.compare("ogt", x, high), high, x)
    return b.select(b.compare("olt", x, low), low, x)


def scale_once(b: Builder, x: Value, n: Value) -> Value:
    """X * 2^n for -1022 <= n <= 1023, in double."""
    whole = small_integer(b, n, "i64")
    bits = b.binary("shl", b.binary("add", whole, integer(1023)), integer(52))
    return b.binary("fmul", x, b.convert("bitcast", bits, "double"))


def _nextafter(b: Builder, machine: Machine, x: Value, y: Value) -> Value:
    whole = "i32" if x.element == "float" else "i64"
    one, zero = integer(1, whole), constant(x, 0.0)
    bits = b.convert("bitcast", x, whole)
    up = b.compare("olt", x, y)
    outward = b.binary("xor", up, b.compare("slt", bits, integer(0, whole)))
    moved = b.select(outward, b.binary("add", bits, one), b.binary("sub", bits, one))
    result = b.convert("bitcast", moved, x.element)
    least = with_sign_of(b, b.convert("bitcast", b.spread(one, x.lanes), x.element), y)
    result = b.select(b.compare("oeq", x, zero), least, result)
    result = b.select(b.compare("oeq", x, y), y, result)
    return b.select(b.compare("uno", x, y), constant(x, float("nan")), result)


trunc: Emitter = _trunc
floor = _adjusted("ogt", -1.0)
ceil = _adjusted("olt", 1.0)
round_away: Emitter = _round_away
fmod: Emitter = _fmod
ldexp: Emitter = _ldexp
nextafter: Emitter = _nextafter
