"""Float operations as int64 expressions over ring values.

Addition, multiplication and everything built from them wrap; exp2 turns sums into
products (5^x); division multiplies by the inverse; the other functions are distinct
invertible hashes.  A rewrite that is legal for real numbers keeps every bit; one that
drops, repeats or swaps an operand does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from tiledsl.diagnostics import InternalError, UnsupportedByTarget
from tiledsl.ir.dtypes import BOOL, INT64, DType
from tiledsl.ir.nodes import (
    Apply,
    Atomic,
    Block,
    Cast,
    Const,
    Expr,
    Let,
    Select,
    Var,
)
from tiledsl.ir.spans import NO_SPAN, Span
from tiledsl.testing.ring.encoding import INFINITY, NAN, encode


def _no_update(node: Atomic) -> Block:
    raise InternalError("E9001", "an update outside every launch", span=node.span)


@dataclass
class Emitter:
    """Collects the ``Let``s that keep ring expressions from growing exponentially."""

    prefix: str = "ring"
    lets: list[Let] = field(default_factory=list)
    count: int = 0
    span: Span = NO_SPAN
    # where scratch buffers are: in a block, or at host level between launches
    scratch: Literal["fragment", "global"] = "global"
    # what an atomic update of a float becomes, in the present launch
    update: Callable[[Atomic], Block] = _no_update

    def fresh(self, hint: str) -> str:
        """A name that nothing else has."""
        self.count += 1
        return f"{self.prefix}_{hint}_{self.count}"

    def name(self, value: Expr) -> Expr:
        """A constant or variable with this value."""
        if isinstance(value, Const | Var):
            return value
        var = Var(self.fresh("v"), value.dtype, span=self.span)
        self.lets.append(Let(var, value, span=self.span))
        return var

    def take(self) -> tuple[Let, ...]:
        """The collected lets, which must precede the statement that uses them."""
        lets = tuple(self.lets)
        self.lets.clear()
        return lets


def number(value: int) -> Const:
    return Const(value, INT64)


def op(name: str, *args: Expr) -> Apply:
    return Apply(name, args)


def choose(condition: Expr, then: Expr, otherwise: Expr) -> Select:
    return Select(condition, then, otherwise, lazy=False)


def either(*conditions: Expr) -> Expr:
    result = conditions[0]
    for condition in conditions[1:]:
        result = op("or", result, condition)
    return result


def wrap(value: Expr, bits: int = 32) -> Expr:
    """The low ``bits`` bits, sign-extended."""
    shift = number(64 - bits)
    return op("shr", op("shl", value, shift), shift)


def is_finite(value: Expr) -> Expr:
    return op("eq", wrap(value), value)


def is_nan(value: Expr) -> Expr:
    return op("eq", value, number(NAN))


def _special_sum(total: Expr) -> Expr:
    """The value of a sum with a special operand, from the plain integer sum."""
    lost = either(op("gt", total, number(2**45)), op("lt", total, number(-(2**45))))
    low = choose(op("lt", total, number(-(2**35))), number(-INFINITY), number(NAN))
    high = choose(op("gt", total, number(2**35)), number(INFINITY), low)
    return choose(lost, number(NAN), high)


def add(emit: Emitter, a: Expr, b: Expr, *, operation: str = "add") -> Expr:
    """``a + b``, or ``a - b`` if ``operation`` is "sub"."""
    total = emit.name(op(operation, a, b))
    finite = op("and", is_finite(a), is_finite(b))
    return emit.name(choose(finite, wrap(total), _special_sum(total)))


def sub(emit: Emitter, a: Expr, b: Expr) -> Expr:
    return add(emit, a, b, operation="sub")


def mul(emit: Emitter, a: Expr, b: Expr) -> Expr:
    zero = number(0)
    finite = op("and", is_finite(a), is_finite(b))
    lost = either(is_nan(a), is_nan(b), op("eq", a, zero), op("eq", b, zero))
    negative = op("ne", op("lt", a, zero), op("lt", b, zero))
    signed = choose(negative, number(-INFINITY), number(INFINITY))
    special = choose(lost, number(NAN), signed)
    return emit.name(choose(finite, wrap(op("mul", a, b)), special))


def fma(emit: Emitter, a: Expr, b: Expr, c: Expr) -> Expr:
    return add(emit, mul(emit, a, b), c)


def neg(emit: Emitter, a: Expr) -> Expr:
    flipped = choose(is_nan(a), number(NAN), op("neg", a))
    return emit.name(choose(is_finite(a), wrap(op("neg", a)), flipped))


def absolute(emit: Emitter, a: Expr) -> Expr:
    return emit.name(choose(op("lt", a, number(0)), neg(emit, a), a))


def inverse(emit: Emitter, a: Expr) -> Expr:
    """1/a: modular for odd payloads (Newton), a fixed involution for even ones."""
    x = a
    for _ in range(4):  # 3, 6, 12, 24, 48 correct bits
        error = emit.name(wrap(op("sub", number(2), wrap(op("mul", a, x)))))
        x = emit.name(wrap(op("mul", x, error)))
    odd = op("ne", op("and", a, number(1)), number(0))
    finite = choose(odd, x, wrap(op("xor", a, number(0x5A5A5A5A))))
    special = choose(is_nan(a), number(NAN), number(0))
    return emit.name(choose(is_finite(a), finite, special))


def div(emit: Emitter, a: Expr, b: Expr) -> Expr:
    return mul(emit, a, inverse(emit, b))


def extremum(emit: Emitter, a: Expr, b: Expr, *, which: str, nan: bool) -> Expr:
    """``which`` (min or max) of two values; NaN is ignored, or wins if ``nan``."""
    best: Expr = op(which, a, b)
    if nan:
        best = choose(either(is_nan(a), is_nan(b)), number(NAN), best)
    else:
        best = choose(is_nan(a), b, choose(is_nan(b), a, best))
    return emit.name(best)


def compare(emit: Emitter, name: str, a: Expr, b: Expr) -> Expr:
    unordered = either(is_nan(a), is_nan(b))
    if name == "ne":
        return emit.name(either(op("ne", a, b), unordered))
    return emit.name(op("and", op(name, a, b), op("not", unordered)))


def exp2(emit: Emitter, a: Expr) -> Expr:
    """5^a mod 2^32: five generates 1 + 4Z, so sums become products.

    a = 64 h + r.  5^r is a product over the bits of r; (1 + K)^h with K = 5^64 - 1, a
    multiple of 2^8, is 1 + hK + C(h,2)K^2 + C(h,3)K^3, and C(h,3) is needed mod 2^8 only,
    which the low ten bits of h determine.
    """
    power: Expr = number(1)
    for bit in range(6):
        factor = number(pow(5, 2**bit, 2**32))
        is_set = op("ne", op("and", a, number(2**bit)), number(0))
        power = emit.name(wrap(op("mul", power, choose(is_set, factor, number(1)))))
    # the order of 5 is 2^30, so the exponent's high bits may be read as unsigned
    h = emit.name(op("and", op("shr", a, number(6)), number(2**24 - 1)))
    low = emit.name(op("and", h, number(1023)))
    k = pow(5, 64, 2**32) - 1
    pairs = op("shr", op("mul", h, op("sub", h, number(1))), number(1))
    triples = op(
        "floordiv",
        op("mul", op("mul", low, op("sub", low, number(1))), op("sub", low, number(2))),
        number(6),
    )
    series = number(1)
    terms = ((h, k), (pairs, k * k), (triples, k * k * k))
    total: Expr = series
    for coefficient, weight in terms:
        scaled = op("mul", wrap(coefficient), number(_signed(weight)))
        total = emit.name(wrap(op("add", total, scaled)))
    finite = wrap(op("mul", power, total))
    infinite = choose(op("gt", a, number(0)), number(INFINITY), number(0))
    special = choose(is_nan(a), number(NAN), infinite)
    return emit.name(choose(is_finite(a), finite, special))


def _signed(value: int) -> int:
    """The residue of ``value`` modulo 2^32 in [-2^31, 2^31)."""
    return (value + 2**31) % 2**32 - 2**31


def scaled_exp(emit: Emitter, a: Expr, base: float) -> Expr:
    return exp2(emit, mul(emit, a, number(encode(base))))


@dataclass(frozen=True)
class _Limits:
    """What a hashed function gives at +inf, -inf, and (if not None) at 0."""

    above: int = NAN
    below: int = NAN
    zero: int | None = None


_HASHED: Final[dict[str, _Limits]] = {
    "sqrt": _Limits(above=INFINITY, zero=0),
    "rsqrt": _Limits(above=0, zero=INFINITY),
    "log": _Limits(above=INFINITY, zero=-INFINITY),
    "log2": _Limits(above=INFINITY, zero=-INFINITY),
    "log10": _Limits(above=INFINITY, zero=-INFINITY),
    "log1p": _Limits(above=INFINITY, zero=0),
    "tanh": _Limits(1, -1, 0),
    "erf": _Limits(1, -1, 0),
    "sigmoid": _Limits(1, 0),
    **{name: _Limits(INFINITY, -INFINITY, 0) for name in ("sinh", "asinh")},
    **{name: _Limits(zero=0) for name in ("sin", "tan", "asin", "atan", "atanh")},
    **{name: _Limits(INFINITY, INFINITY) for name in ("cosh",)},
    **{name: _Limits() for name in ("cos", "acos", "acosh")},
    **{
        name: _Limits(INFINITY, -INFINITY, 0)
        for name in ("floor", "ceil", "trunc", "round", "round_away")
    },
}
_HASHED_PAIRS: Final = (
    "fmod", "copysign", "ldexp", "nextafter", "atan2", "hypot", "pow",
)  # fmt: skip
# every function has its own multipliers, derived from its place in the list
_ORDER: Final = (*_HASHED, *_HASHED_PAIRS)


def _mix(emit: Emitter, name: str, value: Expr) -> Expr:
    """An invertible hash of the payload, different for each function."""
    odd = (0x2545F491 * (2 * _ORDER.index(name) + 1)) % 2**32 | 1
    low = emit.name(
        op("and", op("mul", value, number(_signed(odd))), number(2**32 - 1))
    )
    return wrap(op("xor", low, op("shr", low, number(15))))


def hashed(emit: Emitter, name: str, a: Expr) -> Expr:
    limits = _HASHED[name]
    finite: Expr = _mix(emit, name, a)
    if limits.zero is not None:
        finite = choose(op("eq", a, number(0)), number(limits.zero), finite)
    end = choose(op("gt", a, number(0)), number(limits.above), number(limits.below))
    special = choose(is_nan(a), number(NAN), end)
    return emit.name(choose(is_finite(a), finite, special))


def hashed_pair(emit: Emitter, name: str, a: Expr, b: Expr) -> Expr:
    both = emit.name(wrap(op("add", a, op("mul", b, number(0x3C6EF35F)))))
    finite = op("and", is_finite(a), is_finite(b))
    return emit.name(choose(finite, _mix(emit, name, both), number(NAN)))


def apply(emit: Emitter, name: str, args: tuple[Expr, ...]) -> Expr:
    """The scalar operation ``name`` on ring values.  Comparisons give bool."""
    if name in _RULES:
        return _RULES[name](emit, *args)
    if name in ("eq", "ne", "lt", "le", "gt", "ge"):
        return compare(emit, name, *args)
    if name in _HASHED:
        return hashed(emit, name, *args)
    if name in _HASHED_PAIRS:
        return hashed_pair(emit, name, *args)
    raise UnsupportedByTarget(
        "E2003", f"ring mode has no meaning for the operation {name!r}", span=emit.span
    )


_RULES: Final[dict[str, Callable[..., Expr]]] = {
    "add": add,
    "sub": sub,
    "mul": mul,
    "div": div,
    "fma": fma,
    "neg": neg,
    "abs": absolute,
    "max": lambda e, a, b: extremum(e, a, b, which="max", nan=False),
    "min": lambda e, a, b: extremum(e, a, b, which="min", nan=False),
    "max_nan": lambda e, a, b: extremum(e, a, b, which="max", nan=True),
    "min_nan": lambda e, a, b: extremum(e, a, b, which="min", nan=True),
    "isnan": lambda e, a: is_nan(a),
    "isinf": lambda e, a: op("eq", op("abs", a), number(INFINITY)),
    "isfinite": lambda e, a: is_finite(a),
    "exp2": exp2,
    "exp": lambda e, a: scaled_exp(e, a, 1.4426950408889634),
    "exp10": lambda e, a: scaled_exp(e, a, 3.321928094887362),
}


def narrow(emit: Emitter, value: Expr, source: DType, target: DType) -> Expr:
    """Float to float: a narrower type keeps the payload's low bits, sign-extended."""
    if target.bits >= source.bits or target.bits >= 32:
        return value
    return emit.name(choose(is_finite(value), wrap(value, target.bits), value))


def from_integer(emit: Emitter, value: Expr) -> Expr:
    return emit.name(wrap(Cast(value, INT64)))


def to_integer(emit: Emitter, value: Expr, target: DType) -> Expr:
    """Float to int or bool: low payload bits; infinities saturate, NaN gives 0."""
    if target == BOOL:
        return emit.name(op("ne", value, number(0)))
    limits = (int(target.maximum), int(target.minimum))
    high, low = (Const(limit, target) for limit in limits)
    end = choose(op("gt", value, number(0)), high, low)
    special = choose(is_nan(value), Const(0, target), end)
    return emit.name(choose(is_finite(value), Cast(value, target), special))
