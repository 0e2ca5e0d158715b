"""Operators on scalars: promotion, checks of static operands, and the IR they make."""

from __future__ import annotations

from typing import Final

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.literals import Literal, fits
from tiledsl.frontend.promotion import decoded, literal_dtype, mixes_signs, promote
from tiledsl.frontend.scalars import Operand, Scalar, coerced, evaluated
from tiledsl.ir.dtypes import BOOL, FLOAT32, INDEX, INT32, DType
from tiledsl.ir.nodes import Apply, Cast, Const, Expr, Select
from tiledsl.ir.ops import SCALAR_OPS

# integer operations that an index position computes again in 64 bits (rule L29)
_WIDENED: Final = frozenset(
    [
        "add",
        "sub",
        "mul",
        "neg",
        "abs",
        "min",
        "max",
        "floordiv",
        "floormod",
        "truncdiv",
        "truncmod",
        "ceildiv",
        "and",
        "or",
        "xor",
        "not",
        "shl",
        "shr",
    ]
)
_DIVISIONS: Final = ("floordiv", "floormod", "truncdiv", "truncmod", "ceildiv")
_BITWISE: Final = ("and", "or", "xor")
_SHIFTS: Final = ("shl", "shr")


def counted_dtype(operand: Operand, beside: Operand | None = None) -> DType:
    """The dtype an operand counts as beside another one (rule L28)."""
    if isinstance(operand, Scalar):
        return decoded(operand.dtype)
    typed = isinstance(beside, Scalar)
    if isinstance(operand.value, int) and typed and beside.is_index:  # type: ignore[union-attr]
        # an index is exact in 64 bits, whatever it counts as
        return INT32 if fits(operand.value, INT32) else literal_dtype(operand, None)
    return literal_dtype(operand, beside.dtype if isinstance(beside, Scalar) else None)


def common(a: Operand, b: Operand, *, arithmetic: bool = True) -> tuple[DType, DType]:
    """The dtype that two operands count as together, and the one they are evaluated in."""
    left, right = counted_dtype(a, b), counted_dtype(b, a)
    dtype = promote(left, right, arithmetic=arithmetic)
    return dtype, INDEX if _index_only(a, b, dtype) else dtype.evaluation


def _index_only(a: Operand, b: Operand, dtype: DType) -> bool:
    """Whether the operands are indices, or an index and an integer literal."""
    parts = [part for part in (a, b) if isinstance(part, Scalar)]
    literals = [part.value for part in (a, b) if isinstance(part, Literal)]
    return (
        bool(parts)
        and all(part.is_index for part in parts)
        and dtype.is_integer
        and all(fits(int(value), INDEX) for value in literals)
    )


def binary(op: str, a: Operand, b: Operand) -> Scalar:
    """An arithmetic or bitwise operation on two operands."""
    if op == "div":
        return _true_division(a, b)
    boolean = op in _BITWISE
    dtype, evaluation = common(a, b, arithmetic=not boolean)
    if op in ("floordiv", "floormod") and dtype.is_float:
        return _float_floor(op, a, b, dtype)
    if not SCALAR_OPS[op].accepts(evaluation):
        raise _refused(op, a, b)
    if op in _DIVISIONS:
        _check_divisor(op, b)
    if op in _SHIFTS:
        _check_count(op, b, evaluation)
    else:
        _warn_mixed_signs(op, a, b)
    args = (evaluated(a, evaluation), evaluated(b, evaluation))
    expr = Apply(op, args, span=here())
    if op in _WIDENED and evaluation.is_integer:
        return Scalar(expr, dtype, op, (a, b))
    return Scalar(expr, dtype)


def _true_division(a: Operand, b: Operand) -> Scalar:
    dtype, evaluation = common(a, b)
    if not dtype.is_float:
        raise KernelError(
            "E0303",
            "`/` divides floats, these operands are integers",
            span=here(),
            got=f"{describe(a)} / {describe(b)}",
            hint="use // for the floor of the quotient, or convert one operand: "
            "T.float32(a) / b",
        )
    args = (evaluated(a, evaluation), evaluated(b, evaluation))
    return Scalar(Apply("div", args, span=here()), dtype)


def _float_floor(op: str, a: Operand, b: Operand, dtype: DType) -> Scalar:
    """``//`` is floor(x / y); ``%`` is fmod with the sign of y (rule L33)."""
    span = here()
    x, y = coerced(a, dtype), coerced(b, dtype)
    if op == "floordiv":
        quotient = Apply("div", (x, y), span=span)
        return Scalar(Apply("floor", (quotient,), span=span), dtype)
    y = shared("divisor", y)
    rest = shared("rest", Apply("fmod", (x, y), span=span))
    zero = Const(0.0, rest.dtype, span=span)
    other_sign = Apply(
        "ne",
        (Apply("lt", (rest, zero), span=span), Apply("lt", (y, zero), span=span)),
        span=span,
    )
    nonzero = Apply("ne", (rest, zero), span=span)
    wrong = Apply("and", (nonzero, other_sign), span=span)
    moved = Apply("add", (rest, y), span=span)
    return Scalar(Select(wrong, moved, rest, span=span), dtype)


def shared(name: str, expr: Expr) -> Expr:
    """The expression for several uses: evaluated once inside a launch or loop.

    At host level nothing can be bound, and sizes are short expressions.
    """
    builder = Builder.active_or_none()
    if builder is None or builder.at_host_level:
        return expr
    if not isinstance(expr, Apply | Cast | Select):
        return expr
    return builder.let(name, expr)


def unary(op: str, operand: Operand) -> Scalar:
    """neg, abs, not, popcount, clz on a number or bool."""
    dtype = counted_dtype(operand)
    if dtype == BOOL and op != "not":
        dtype = INT32
    index = isinstance(operand, Scalar) and operand.is_index
    evaluation = INDEX if index else dtype.evaluation
    if not SCALAR_OPS[op].accepts(evaluation):
        raise _refused(op, operand)
    expr = Apply(op, (evaluated(operand, evaluation),), span=here())
    if op in _WIDENED and evaluation.is_integer:
        return Scalar(expr, dtype, op, (operand,))
    return Scalar(expr, dtype)


def float_function(op: str, *operands: Operand) -> Scalar:
    """A function of floats; integers and bools count as float32 (rule L28)."""
    dtype = FLOAT32
    floats = [counted_dtype(part) for part in operands if _is_float(part)]
    if floats:
        dtype = floats[0]
        for other in floats[1:]:
            dtype = promote(dtype, other)
    if any(isinstance(part, Literal) for part in operands) and dtype.bits < 32:
        # a float literal counts as float32 beside a narrow float
        literals = [p.value for p in operands if isinstance(p, Literal)]
        dtype = FLOAT32 if any(isinstance(v, float) for v in literals) else dtype
    args = tuple(coerced(part, dtype) for part in operands)
    expr = Apply(op, args, span=here())
    return Scalar(expr, BOOL if expr.dtype == BOOL else dtype)


def _is_float(operand: Operand) -> bool:
    return isinstance(operand, Scalar) and operand.dtype.is_float


def _check_divisor(op: str, b: Operand) -> None:
    value = static_value(b)
    if value is not None and value == 0:
        raise KernelError(
            "E0304",
            "division by the static value 0",
            span=here(),
            got=SCALAR_OPS[op].symbol or f"T.{op}",
            hint="a zero divisor at run time gives x // 0 = 0 and x % 0 = x",
        )


def _check_count(op: str, count: Operand, evaluation: DType) -> None:
    value = static_value(count)
    if value is not None and not 0 <= value < evaluation.bits:
        raise KernelError(
            "E0305",
            f"the static shift count is outside {evaluation}",
            span=here(),
            expected=f"0 to {evaluation.bits - 1}",
            got=str(value),
            hint="convert the shifted value to a wider dtype first",
        )


def static_value(operand: Operand) -> int | float | bool | None:
    """The value of a literal or constant, None of anything else."""
    if isinstance(operand, Literal):
        return operand.value
    return operand.expr.value if isinstance(operand.expr, Const) else None


def _warn_mixed_signs(op: str, a: Operand, b: Operand) -> None:
    builder = Builder.active_or_none()
    if builder is None or not (isinstance(a, Scalar) and isinstance(b, Scalar)):
        return
    if not (a.is_index or b.is_index) and mixes_signs(a.dtype, b.dtype):
        builder.warn(
            "W0301",
            f"{op} of {a.dtype} and {b.dtype} is computed in "
            f"{promote(a.dtype, b.dtype)}; convert one operand to say which is meant",
        )


def describe(operand: Operand) -> str:
    """The operand in an error message."""
    if isinstance(operand, Literal):
        return f"the literal {brief(operand.value)}"
    return "an index" if operand.is_index else str(operand.dtype)


def _refused(op: str, *operands: Operand) -> KernelError:
    row = SCALAR_OPS[op]
    name = f"`{row.symbol}`" if row.symbol else op
    kinds = {"b": "bools", "i": "integers", "f": "floats"}
    return KernelError(
        "E0306",
        f"{name} is not defined on these operands",
        span=here(),
        expected=" or ".join(kinds[letter] for letter in row.operands),
        got=" and ".join(describe(part) for part in operands),
    )
