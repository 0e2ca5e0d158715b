"""tanh, and erf of float32."""

from __future__ import annotations

from tiledsl_llvm.functions.exponentials import exp, exp2
from tiledsl_llvm.functions.outline import (
    by_library,
    constant,
    magnitude,
    multiply_add,
    outlined,
    polynomial,
    with_sign_of,
)
from tiledsl_llvm.machine import Machine
from tiledsl_llvm.text import Builder
from tiledsl_llvm.values import Value

# (tanh x - x) / x^3 in x^2, |x| < 0.55
_TANH = {
    "float": (-0.3333333134651184, 0.13332915306091309, -0.053873948752880096,
              0.021110959351062775, -0.006269119679927826),
    "double": (-0.3333333333333333, 0.13333333333333333, -0.05396825396825225,
               0.021869488536032666, -0.008863235525360695, 0.0035921279362012355,
               -0.0014558329594307647, 0.0005900137844913381, -0.00023903920619156426,
               9.650537188707392e-05, -3.799588576826041e-05, 1.324798616162539e-05,
               -2.9555557089291693e-06),
}  # fmt: skip
# erf(x) / x - 1 in x^2, |x| <= 1; without the 1, which is exact, the sum is off by less
_ERF = (0.1283791670955126, -0.37612637877464294, 0.11283782124519348,
        -0.026865430176258087, 0.005221031606197357, -0.0008484080317430198,
        0.00011265958892181516, -9.667044650996104e-06)  # fmt: skip
# log2(1 - erf(x)) in x, 1 <= x <= 4
_ERFC = (0.0004618615785147995, -1.6305822134017944, -0.9115322828292847,
         -0.15881198644638062, 0.03811764344573021, -0.006866645999252796,
         0.0008610085351392627, -6.64477120153606e-05, 2.361910219406127e-06)  # fmt: skip


def _tanh(b: Builder, machine: Machine, x: Value) -> Value:
    size, square = magnitude(b, x), b.binary("fmul", x, x)
    cube = b.binary("fmul", square, x)
    near = multiply_add(b, cube, polynomial(b, square, _TANH[x.element]), x)
    power = exp(b, machine, b.binary("fadd", size, size))
    one, two = constant(x, 1.0), constant(x, 2.0)
    rest = b.binary("fdiv", two, b.binary("fadd", power, one))
    far = b.binary("fsub", one, rest)
    value = b.select(b.compare("olt", size, constant(x, 0.55)), near, far)
    # near 0 too: the sum there turns -0 into +0
    return with_sign_of(b, value, x)


def _erf(b: Builder, machine: Machine, x: Value) -> Value:
    if x.element == "double":
        return by_library("erf")(b, machine, x)
    size, square = magnitude(b, x), b.binary("fmul", x, x)
    near = multiply_add(b, x, polynomial(b, square, _ERF), x)
    top = constant(x, 4.0)
    capped = b.select(b.compare("ogt", size, top), top, size)
    rest = exp2(b, machine, polynomial(b, capped, _ERFC))
    far = with_sign_of(b, b.binary("fsub", constant(x, 1.0), rest), x)
    return b.select(b.compare("olt", size, constant(x, 1.0)), near, far)


tanh = outlined("tanh_of", _tanh)
erf = outlined("erf_of", _erf)
