"""The scalar operations of Tile IR: one row of facts each.

An operation is total: it gives a value for every operand, never a trap (rule L3).
``meaning`` is normative where IEEE 754 or two's complement leave a choice; the NumPy
backend is its executable form.  All operands of an operation have one dtype, except
where the row says otherwise; that dtype is arithmetic (``DType.is_arithmetic``), so
narrow floats are cast to float32 before they meet an operation (rule L32).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from tiledsl.ir.dtypes import DType

# what an operand may be: b(ool), i(nteger, index included), f(loat)
Operands = Literal["b", "i", "f", "bi", "if", "bif"]
Result = Literal["same", "bool"]


@dataclass(frozen=True, slots=True)
class ScalarOp:
    """One operation: how many operands of which kinds, and what comes out."""

    name: str
    arity: int
    operands: Operands
    result: Result
    meaning: str
    symbol: str = ""  # infix spelling in the text form, if any
    ulp: float = 0.0  # largest error of a float result (language.md section 4)

    def accepts(self, dtype: DType) -> bool:
        """Whether operands may have this dtype."""
        if not dtype.is_arithmetic or dtype == "tfloat32":
            return False
        letter = {"bool": "b", "float": "f"}.get(dtype.kind, "i")
        return letter in self.operands


def _rows() -> tuple[ScalarOp, ...]:
    S: Final = ScalarOp
    return (
        # arithmetic: integers wrap modulo 2^bits, floats are IEEE, nearest even
        S("add", 2, "if", "same", "a + b", "+"),
        S("sub", 2, "if", "same", "a - b", "-"),
        S("mul", 2, "if", "same", "a * b", "*"),
        S("div", 2, "f", "same", "IEEE a / b", "/"),
        S("fma", 3, "f", "same", "a * b + c, rounded once"),
        S("neg", 1, "if", "same", "0 - a for integers; the sign flipped for floats"),
        S("abs", 1, "if", "same", "|a|; abs(MIN) = MIN"),
        S("min", 2, "if", "same", "the smaller; NaN ignored; -0 < +0"),
        S("max", 2, "if", "same", "the larger; NaN ignored; -0 < +0"),
        S("min_nan", 2, "f", "same", "as min, but any NaN gives NaN"),
        S("max_nan", 2, "f", "same", "as max, but any NaN gives NaN"),
        # integer division is total: x // 0 = 0, x % 0 = x, MIN // -1 = MIN
        S("floordiv", 2, "i", "same", "floor(a / b); 0 if b = 0; MIN if MIN / -1", "//"),
        S("floormod", 2, "i", "same", "a - floordiv(a, b) * b; a if b = 0", "%"),
        S("truncdiv", 2, "i", "same", "a / b toward zero; 0 if b = 0; MIN if MIN / -1"),
        S("truncmod", 2, "i", "same", "a - truncdiv(a, b) * b; a if b = 0"),
        S("ceildiv", 2, "i", "same", "ceiling of a / b; 0 if b = 0; MIN if MIN / -1"),
        # bits
        S("and", 2, "bi", "same", "bitwise and", "&"),
        S("or", 2, "bi", "same", "bitwise or", "|"),
        S("xor", 2, "bi", "same", "bitwise exclusive or", "^"),
        S("not", 1, "bi", "same", "bitwise complement; logical not for bool"),
        S("shl", 2, "i", "same", "a << b; b is read as unsigned; 0 if b >= bits", "<<"),
        S("shr", 2, "i", "same", "a >> b, arithmetic if signed; sign fill if b >= bits", ">>"),
        S("popcount", 1, "i", "same", "number of one bits"),
        S("clz", 1, "i", "same", "leading zero bits; clz(0) = bits"),
        # comparisons: NaN is unequal to and unordered with everything
        S("eq", 2, "bif", "bool", "a = b", "=="),
        S("ne", 2, "bif", "bool", "not a = b", "!="),
        S("lt", 2, "if", "bool", "a < b", "<"),
        S("le", 2, "if", "bool", "a <= b", "<="),
        S("gt", 2, "if", "bool", "a > b", ">"),
        S("ge", 2, "if", "bool", "a >= b", ">="),
        S("isnan", 1, "f", "bool", "a is NaN"),
        S("isinf", 1, "f", "bool", "a is +inf or -inf"),
        S("isfinite", 1, "f", "bool", "a is neither NaN nor infinite"),
        # exact float functions
        S("floor", 1, "f", "same", "largest integer <= a"),
        S("ceil", 1, "f", "same", "smallest integer >= a"),
        S("trunc", 1, "f", "same", "integer part"),
        S("round", 1, "f", "same", "nearest integer, ties to even"),
        S("round_away", 1, "f", "same", "nearest integer, ties away from zero"),
        S("sqrt", 1, "f", "same", "IEEE square root"),
        S("fmod", 2, "f", "same", "exact remainder with the sign of a; NaN if b = 0"),
        S("copysign", 2, "f", "same", "|a| with the sign of b, that of -0 included"),
        S("ldexp", 2, "f", "same", "a * 2^b for an integral float b, as C ldexp"),
        S("nextafter", 2, "f", "same", "the next float after a toward b, as C"),
        # approximated functions; a subnormal result may be 0, a subnormal operand read as 0
        S("exp", 1, "f", "same", "e^a", ulp=2),
        S("exp2", 1, "f", "same", "2^a; exp2(-inf) = +0", ulp=2),
        S("exp10", 1, "f", "same", "10^a", ulp=2),
        S("log", 1, "f", "same", "ln a; log(<0) = NaN, log(0) = -inf", ulp=2),
        S("log2", 1, "f", "same", "base 2", ulp=2),
        S("log10", 1, "f", "same", "base 10", ulp=2),
        S("log1p", 1, "f", "same", "ln(1 + a)", ulp=2),
        S("rsqrt", 1, "f", "same", "1/sqrt(a); 0 -> +inf, -0 -> -inf, < 0 -> NaN", ulp=2),
        S("sin", 1, "f", "same", "any finite a; sin(+-inf) = NaN", ulp=2),
        S("cos", 1, "f", "same", "any finite a; cos(+-inf) = NaN", ulp=2),
        S("tanh", 1, "f", "same", "hyperbolic tangent", ulp=2),
        S("erf", 1, "f", "same", "error function", ulp=2),
        S("tan", 1, "f", "same", "tangent", ulp=4),
        S("asin", 1, "f", "same", "inverse sine", ulp=4),
        S("acos", 1, "f", "same", "inverse cosine", ulp=4),
        S("atan", 1, "f", "same", "inverse tangent", ulp=4),
        S("atan2", 2, "f", "same", "angle of (b, a), as C atan2(a, b)", ulp=4),
        S("sinh", 1, "f", "same", "hyperbolic sine", ulp=4),
        S("cosh", 1, "f", "same", "hyperbolic cosine", ulp=4),
        S("asinh", 1, "f", "same", "inverse hyperbolic sine", ulp=4),
        S("acosh", 1, "f", "same", "inverse hyperbolic cosine", ulp=4),
        S("atanh", 1, "f", "same", "inverse hyperbolic tangent", ulp=4),
        S("hypot", 2, "f", "same", "sqrt(a^2 + b^2)", ulp=4),
        S("pow", 2, "f", "same", "as C pow", ulp=4),
        S("sigmoid", 1, "f", "same", "1 / (1 + e^-a); exactly 0, 1 at -inf, +inf", ulp=4),
    )  # fmt: skip


SCALAR_OPS: Final[dict[str, ScalarOp]] = {row.name: row for row in _rows()}

# Associative and commutative operations of Accumulate and Reduce, with their scalar op.
# abssum and absmax (Reduce only) take |x| of each element first.
REDUCTIONS: Final[dict[str, str]] = {
    "sum": "add",
    "mul": "mul",
    "max": "max",
    "min": "min",
    "abssum": "add",
    "absmax": "max",
    "and": "and",
    "or": "or",
    "xor": "xor",
}

# Updates of Atomic, with their scalar op; exchange and load compute nothing.
ATOMICS: Final[dict[str, str]] = {
    "add": "add",
    "max": "max",
    "min": "min",
    "or": "or",
    "exchange": "",
    "load": "",
}

# From the weakest to the strongest; a target may strengthen one (rule L74).
MEMORY_ORDERS: Final = (
    "relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst",
)  # fmt: skip


def identity(reduction: str, dtype: DType) -> int | float | bool:
    """The start value of a reduction carried in ``dtype`` (rule L68)."""
    if reduction in ("sum", "abssum", "or", "xor", "absmax"):
        zero: int | float | bool = 0.0 if dtype.is_float else 0
        return False if dtype.kind == "bool" else zero
    if reduction == "mul":
        return 1.0 if dtype.is_float else 1
    if reduction == "and":
        if dtype.kind == "bool":
            return True
        return -1 if dtype.is_signed else int(dtype.maximum)
    infinite = dtype.is_float and dtype.has_infinity
    if reduction == "max":
        return -float("inf") if infinite else dtype.minimum
    if reduction == "min":
        return float("inf") if infinite else dtype.maximum
    raise KeyError(reduction)
