"""sin, cos and tan of float32: reduced by multiples of pi/2 in double."""

from __future__ import annotations

from collections.abc import Callable

from tiledsl_llvm.frame import any_lane
from tiledsl_llvm.functions.outline import (
    Emitter,
    by_library,
    constant,
    magnitude,
    multiply_add,
    outlined,
    polynomial,
)
from tiledsl_llvm.machine import Machine
from tiledsl_llvm.saturation import small_integer
from tiledsl_llvm.text import Builder
from tiledsl_llvm.values import Value, integer

_SIN = (-0.16666666666663882, 0.008333333331077422, -0.0001984126691523504,
        2.7555990399839905e-06, -2.4805587179980646e-08)  # fmt: skip
_COS = (0.04166666666666468, -0.0013888888887276056, 2.4801585209738397e-05,
        -2.755636931675049e-07, 2.070056539736993e-09)  # fmt: skip
# pi/2 in parts of 33 bits, so that quadrant numbers below 2^18 times a part are exact
_HALF_PI = (
    float.fromhex("0x1.921fb5440p+0"),
    float.fromhex("0x1.0b4611a60p-34"),
    float.fromhex("0x1.3198a2e037073p-69"),
)
_LIMIT = 1e5


def _reduce(b: Builder, x: Value) -> tuple[Value, Value]:
    """The quadrant number and the rest, in [-pi/4, pi/4]."""
    n = b.intrinsic("rint", b.binary("fmul", x, constant(x, 0.6366197723675814)))
    for part in _HALF_PI:
        x = multiply_add(b, n, constant(x, -part), x)
    whole = small_integer(b, n, "i64")
    return whole, x


def _sine_and_cosine(b: Builder, r: Value) -> tuple[Value, Value]:
    z = b.binary("fmul", r, r)
    cube = b.binary("fmul", z, r)
    sine = multiply_add(b, cube, polynomial(b, z, _SIN), r)
    flat = multiply_add(b, z, constant(r, -0.5), constant(r, 1.0))
    return sine, multiply_add(b, b.binary("fmul", z, z), polynomial(b, z, _COS), flat)


def _shifted(quarter_turns: int) -> Callable[[Builder, Value], Value]:
    """sin(x + quarter_turns * pi/2)."""

    def emit(b: Builder, x: Value) -> Value:
        n, r = _reduce(b, x)
        n = b.binary("add", n, integer(quarter_turns))
        sine, cosine = _sine_and_cosine(b, r)
        odd = b.compare("ne", b.binary("and", n, integer(1)), integer(0))
        value = b.select(odd, cosine, sine)
        lower = b.compare("ne", b.binary("and", n, integer(2)), integer(0))
        negated = b.make("double", x.lanes, f"fneg {value.typed}")
        return b.select(lower, negated, value)

    return emit


def _tangent(b: Builder, x: Value) -> Value:
    n, r = _reduce(b, x)
    sine, cosine = _sine_and_cosine(b, r)
    odd = b.compare("ne", b.binary("and", n, integer(1)), integer(0))
    negated = b.make("double", x.lanes, f"fneg {cosine.typed}")
    return b.binary("fdiv", b.select(odd, negated, sine), b.select(odd, sine, cosine))


def _periodic(
    name: str, near: Callable[[Builder, Value], Value], *, odd: bool
) -> Emitter:
    """``near`` for moderate arguments of float32; the C library for the others.

    An ``odd`` function gives -0 for -0; the reduction has no signed zero.
    """
    far = by_library(name)

    def emit(b: Builder, machine: Machine, x: Value) -> Value:
        if x.element == "double":
            return far(b, machine, x)
        wide = b.convert("fpext", x, "double")
        result = b.convert("fptrunc", near(b, wide), "float")
        if odd:
            result = b.select(b.compare("oeq", x, constant(x, 0.0)), x, result)
        beyond = b.compare("uge", magnitude(b, x), constant(x, _LIMIT))
        before = b.block
        yes, end = b.name("far"), b.name("done")
        b.branch(any_lane(b, beyond), yes, end)
        b.start(yes)
        mixed = b.select(beyond, far(b, machine, x), result)
        b.jump(end)
        b.start(end)
        text = f"phi {x.type} [ {result.text}, %{before} ], [ {mixed.text}, %{yes} ]"
        return b.make(x.element, x.lanes, text)

    return outlined(name + "_of", emit, inline=False)


sin = _periodic("sin", _shifted(0), odd=True)
cos = _periodic("cos", _shifted(1), odd=False)
tan = _periodic("tan", _tangent, odd=True)
