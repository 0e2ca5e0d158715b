"""The exact scalar operations of ``tiledsl.ir.ops``, for scalars and for vectors.

Each emitter takes the builder and its operands; integers say by ``signed`` how to read
them.  Approximated functions are in ``functions``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tiledsl.ir.dtypes import DType
from tiledsl_llvm.machine import Machine
from tiledsl_llvm.text import Builder
from tiledsl_llvm.values import Value, floating, integer

_FLOATS = ("float", "double")


def is_float(value: Value) -> bool:
    return value.element in _FLOATS


def _arithmetic(whole: str, real: str) -> Callable[..., Value]:
    def emit(b: Builder, signed: bool, x: Value, y: Value) -> Value:
        return b.binary(real if is_float(x) else whole, x, y)

    return emit


def _negate(b: Builder, signed: bool, x: Value) -> Value:
    if is_float(x):
        return b.make(x.element, x.lanes, f"fneg {x.typed}")
    return b.binary("sub", integer(0, x.element), x)


def _absolute(b: Builder, signed: bool, x: Value) -> Value:
    if is_float(x):
        return b.intrinsic("fabs", x)
    if not signed:
        return x
    return b.intrinsic("abs", x, flags=("i1 false",))


def _extreme(name: str) -> Callable[..., Value]:
    def emit(b: Builder, signed: bool, x: Value, y: Value) -> Value:
        if is_float(x):
            return extreme_ignoring_nan(b, name, x, y)
        return b.intrinsic(("s" if signed else "u") + name, x, y)

    return emit


def extreme_ignoring_nan(b: Builder, name: str, x: Value, y: Value) -> Value:
    """The larger (smaller) operand, -0 below +0, the other one if one is NaN.

    Not ``llvm.maximumnum``: LLVM 20 gets it wrong for vectors of AVX-512.
    """
    x, y = b.same_lanes(x, y)
    raw = b.convert("bitcast", x, "i32" if x.element == "float" else "i64")
    negative = b.compare("slt", raw, integer(0, raw.element))
    # `second` is what a comparison of equal operands, zeros, has to give
    if name == "max":
        first, second = b.select(negative, x, y), b.select(negative, y, x)
        better = b.compare("ogt", first, second)
    else:
        first, second = b.select(negative, y, x), b.select(negative, x, y)
        better = b.compare("olt", first, second)
    best = b.select(better, first, second)
    return b.select(is_nan(b, best), first, best)


def _extreme_of_all(name: str) -> Callable[..., Value]:
    def emit(b: Builder, signed: bool, x: Value, y: Value) -> Value:
        return b.intrinsic(name, x, y)

    return emit


def is_nan(b: Builder, x: Value) -> Value:
    return b.compare("uno", x, floating(0.0, x.element))


# ------------------------------------------------------------------- division


def _divide(b: Builder, signed: bool, x: Value, y: Value) -> tuple[Value, Value, Value]:
    """Quotient toward zero (0 for y = 0), remainder (x for y = 0), and y as divided by."""
    none = integer(0, x.element)
    by_zero = b.compare("eq", y, none)
    unsafe = by_zero
    if signed:
        least = integer(1 << (x.bits - 1), x.element)
        minus = b.compare("eq", y, integer(-1, x.element))
        unsafe = b.binary(
            "or", by_zero, b.binary("and", minus, b.compare("eq", x, least))
        )
    # MIN / 1 = MIN with remainder 0 is what MIN / -1 shall give
    safe = b.select(unsafe, integer(1, x.element), y)
    quotient = b.binary("sdiv" if signed else "udiv", x, safe)
    rest = b.binary("sub", x, b.binary("mul", quotient, safe))
    return b.select(by_zero, none, quotient), b.select(by_zero, x, rest), safe


def _uneven(
    b: Builder, rest: Value, y: Value, by_zero: Value, *, same_sign: bool
) -> Value:
    """Whether a signed remainder is not 0 and has (not) the sign of the divisor."""
    crossed = b.compare("slt", b.binary("xor", rest, y), integer(0, y.element))
    if same_sign:
        crossed = b.binary("xor", crossed, integer(1, "i1"))
    uneven = b.compare("ne", rest, integer(0, y.element))
    both = b.binary("and", uneven, crossed)
    return b.binary("and", both, b.compare("ne", by_zero, integer(0, y.element)))


def _floordiv(b: Builder, signed: bool, x: Value, y: Value) -> Value:
    quotient, rest, safe = _divide(b, signed, x, y)
    if not signed:
        return quotient
    down = b.convert("sext", _uneven(b, rest, safe, y, same_sign=False), x.element)
    return b.binary("add", quotient, down)


def _floormod(b: Builder, signed: bool, x: Value, y: Value) -> Value:
    _, rest, safe = _divide(b, signed, x, y)
    if not signed:
        return rest
    more = _uneven(b, rest, safe, y, same_sign=False)
    return b.binary("add", rest, b.select(more, safe, integer(0, x.element)))


def _ceildiv(b: Builder, signed: bool, x: Value, y: Value) -> Value:
    quotient, rest, safe = _divide(b, signed, x, y)
    if signed:
        up = _uneven(b, rest, safe, y, same_sign=True)
    else:
        uneven = b.compare("ne", rest, integer(0, x.element))
        up = b.binary("and", uneven, b.compare("ne", y, integer(0, x.element)))
    return b.binary("add", quotient, b.convert("zext", up, x.element))


def _truncdiv(b: Builder, signed: bool, x: Value, y: Value) -> Value:
    return _divide(b, signed, x, y)[0]


def _truncmod(b: Builder, signed: bool, x: Value, y: Value) -> Value:
    return _divide(b, signed, x, y)[1]


# ----------------------------------------------------------------------- bits


def _bitwise(name: str) -> Callable[..., Value]:
    def emit(b: Builder, signed: bool, x: Value, y: Value) -> Value:
        return b.binary(name, x, y)

    return emit


def _complement(b: Builder, signed: bool, x: Value) -> Value:
    return b.binary("xor", x, integer(-1, x.element))


def _shift_left(b: Builder, signed: bool, x: Value, y: Value) -> Value:
    inside = b.compare("ult", y, integer(x.bits, y.element))
    count = b.select(inside, y, integer(0, y.element))
    return b.select(inside, b.binary("shl", x, count), integer(0, x.element))


def _shift_right(b: Builder, signed: bool, x: Value, y: Value) -> Value:
    if signed:
        return b.binary(
            "ashr", x, b.intrinsic("umin", y, integer(x.bits - 1, y.element))
        )
    inside = b.compare("ult", y, integer(x.bits, y.element))
    count = b.select(inside, y, integer(0, y.element))
    return b.select(inside, b.binary("lshr", x, count), integer(0, x.element))


def _popcount(b: Builder, signed: bool, x: Value) -> Value:
    return b.intrinsic("ctpop", x)


def _leading_zeros(b: Builder, signed: bool, x: Value) -> Value:
    return b.intrinsic("ctlz", x, flags=("i1 false",))


# --------------------------------------------------------------- comparisons


def _comparison(name: str, real: str) -> Callable[..., Value]:
    def emit(b: Builder, signed: bool, x: Value, y: Value) -> Value:
        if is_float(x):
            return b.compare(real, x, y)
        if name in ("eq", "ne"):
            return b.compare(name, x, y)
        return b.compare(("s" if signed else "u") + name, x, y)

    return emit


def _isnan(b: Builder, signed: bool, x: Value) -> Value:
    return is_nan(b, x)


def _isinf(b: Builder, signed: bool, x: Value) -> Value:
    return b.compare("oeq", b.intrinsic("fabs", x), floating(float("inf"), x.element))


def _isfinite(b: Builder, signed: bool, x: Value) -> Value:
    return b.compare("olt", b.intrinsic("fabs", x), floating(float("inf"), x.element))


EXACT: Final[dict[str, Callable[..., Value]]] = {
    "add": _arithmetic("add", "fadd contract"),
    "sub": _arithmetic("sub", "fsub contract"),
    "mul": _arithmetic("mul", "fmul contract"),
    "div": _arithmetic("sdiv", "fdiv"),
    "neg": _negate,
    "abs": _absolute,
    "min": _extreme("min"),
    "max": _extreme("max"),
    "min_nan": _extreme_of_all("minimum"),
    "max_nan": _extreme_of_all("maximum"),
    "floordiv": _floordiv,
    "floormod": _floormod,
    "truncdiv": _truncdiv,
    "truncmod": _truncmod,
    "ceildiv": _ceildiv,
    "and": _bitwise("and"),
    "or": _bitwise("or"),
    "xor": _bitwise("xor"),
    "not": _complement,
    "shl": _shift_left,
    "shr": _shift_right,
    "popcount": _popcount,
    "clz": _leading_zeros,
    "eq": _comparison("eq", "oeq"),
    "ne": _comparison("ne", "une"),
    "lt": _comparison("lt", "olt"),
    "le": _comparison("le", "ole"),
    "gt": _comparison("gt", "ogt"),
    "ge": _comparison("ge", "oge"),
    "isnan": _isnan,
    "isinf": _isinf,
    "isfinite": _isfinite,
}


def apply_exact(
    builder: Builder, machine: Machine, name: str, dtype: DType, operands: list[Value]
) -> Value:
    """The operation ``name`` on operands of ``dtype``."""
    return EXACT[name](builder, dtype.is_signed and dtype.kind != "bool", *operands)
