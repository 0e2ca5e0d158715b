"""Typed random expressions; total, so that any operands will do."""

from __future__ import annotations

from typing import Final

from tiledsl.ir.dtypes import (
    ALL_DTYPES,
    BOOL,
    FLOAT32,
    INDEX,
    INT32,
    DType,
)
from tiledsl.ir.nodes import (
    Apply,
    Bitcast,
    Buffer,
    Cast,
    Const,
    Expr,
    Load,
    Select,
    index,
)
from tiledsl.ir.ops import SCALAR_OPS, ScalarOp
from tiledsl.testing.generator.scope import Scope

# without index, whose arithmetic is exact only as long as it stays in 64 bits
ARITHMETIC: Final = tuple(
    dtype
    for dtype in ALL_DTYPES
    if dtype.is_arithmetic and dtype not in ("tfloat32", "index")
)
_COMPARISONS: Final = ("lt", "le", "gt", "ge", "eq", "ne")
# the sign of a NaN is nobody's promise
_SEES_SIGN_OF_NAN: Final = ("copysign",)
_COMMON: Final = ("add", "sub", "mul", "min", "max")
_FLOATS: Final = (1.0, 0.0, 2.0, -1.0, 0.5, -0.0, 3.0, -7.0, 0.125, 96.0)
_WILD: Final = (float("inf"), float("-inf"), float("nan"), 2.0**-140, 3.0e38)
_NARROWEST: Final = (1.0, 0.0, 2.0, -1.0, 0.5, -0.0, 3.0, -6.0)
_POWERS: Final = (1.0, 2.0, 0.5, 16.0, 2.0**-127, 2.0**127)


def _operations(dtype: DType, *, exact: bool) -> tuple[str, ...]:
    rows = [op for op in SCALAR_OPS.values() if op.result == "same"]
    return tuple(op.name for op in rows if _allowed(op, dtype, exact))


def _allowed(op: ScalarOp, dtype: DType, exact: bool) -> bool:
    return op.accepts(dtype) and not (exact and op.ulp)


_OPERATIONS: Final = {
    (dtype, exact): _operations(dtype, exact=exact)
    for dtype in ARITHMETIC
    for exact in (False, True)
}
_TESTS: Final = tuple(
    (op.name, dtype)
    for op in SCALAR_OPS.values()
    for dtype in ARITHMETIC
    if op.result == "bool" and op.accepts(dtype)
)


def constant(scope: Scope, dtype: DType) -> Const:
    """Small numbers, ends of the range, special values."""
    choice = scope.choice
    if dtype == BOOL:
        return Const(choice.chance(50), BOOL)
    if not dtype.is_float:
        near = (0, 1, 2, 3, 5, 8, int(dtype.maximum), int(dtype.minimum), 31, -1)
        fitting = [n for n in near if dtype.minimum <= n <= dtype.maximum]
        return Const(choice.pick(fitting), dtype)
    if dtype == "float8_e8m0fnu":
        return Const(choice.pick(_POWERS), dtype)
    if dtype == "float4_e2m1fn":
        return Const(choice.pick(_NARROWEST), dtype)
    if dtype.is_arithmetic and choice.chance(20):
        value = choice.pick(_WILD)
        # 3e38 is no float32; its neighbor is
        return Const(value if value != 3.0e38 else 2.0**127, dtype)
    return Const(choice.pick(_FLOATS), dtype)


# ------------------------------------------------------------------- subscripts


def subscript(scope: Scope, depth: int = 1) -> Expr:
    """An index expression: mostly affine in a variable, at times wrapped or gathered."""
    choice = scope.choice
    known = scope.indices()
    if not known or choice.chance(12):
        return index(choice.pick((0, 1, 2, 3, -1, 5, 64)))
    base: Expr = choice.pick(known)
    if depth and choice.chance(scope.policy.gathers):
        base = _gathered(scope)
    form = choice.weighted(_SUBSCRIPTS)
    if form == "plain" or not depth:
        return base
    if form == "sum":
        return Apply(choice.pick(("add", "sub")), (base, subscript(scope, depth - 1)))
    if form == "mirror":
        return Apply("sub", (index(choice.pick((3, 1, 6))), base))
    return Apply(form, (base, index(choice.pick((1, 2, 3, 4, -1, 5)))))


_SUBSCRIPTS: Final = {
    "plain": 10,
    "add": 4,
    "sub": 2,
    "mul": 2,
    "sum": 3,
    "floormod": 2,
    "floordiv": 2,
    "mirror": 1,
    "min": 1,
    "max": 1,
    "ceildiv": 1,
    "truncdiv": 1,
    "truncmod": 1,
}


def _gathered(scope: Scope) -> Expr:
    """A loaded subscript; 64-bit ones are reduced, for sums of them might not be exact."""
    integers = [part for part in scope.readable if part.dtype.is_integer]
    if not integers:
        return index(1)
    buffer = scope.choice.pick(integers)
    loaded = Load(buffer, tuple(subscript(scope, 0) for _ in buffer.shape))
    if buffer.dtype.bits == 64:
        small = Apply("floormod", (loaded, Const(9, buffer.dtype)))
        return Cast(small, INDEX)
    return Cast(loaded, INDEX)


# ----------------------------------------------------------------------- values


def condition(scope: Scope, depth: int = 1) -> Expr:
    """A bool: mostly a comparison of subscripts, as kernels have it."""
    choice = scope.choice
    if depth > 0 and choice.chance(30):
        form = choice.pick(("and", "or", "not", "xor"))
        count = SCALAR_OPS[form].arity
        return Apply(form, tuple(condition(scope, depth - 1) for _ in range(count)))
    if choice.chance(60):
        pair = (subscript(scope), subscript(scope))
        return Apply(choice.pick(_COMPARISONS), pair)
    op, dtype = choice.pick(_TESTS)
    arity = SCALAR_OPS[op].arity
    return Apply(op, tuple(value(scope, dtype, depth - 1) for _ in range(arity)))


def value(scope: Scope, dtype: DType, depth: int | None = None) -> Expr:
    """An expression of any dtype; narrow floats are rounded from another one."""
    choice, policy = scope.choice, scope.policy
    if depth is None:
        depth = choice.integer(0, policy.values)
    if dtype == INDEX:
        return subscript(scope, depth)
    if not dtype.is_arithmetic:
        return _narrowed(scope, dtype, depth)
    if depth <= 0:
        return leaf(scope, dtype)
    if choice.chance(policy.casts):
        return _converted(scope, dtype, depth - 1)
    if choice.chance(12):
        arms = (value(scope, dtype, depth - 1), value(scope, dtype, depth - 1))
        return Select(condition(scope, depth - 1), *arms, lazy=choice.chance(50))
    if dtype == BOOL and choice.chance(60):
        return condition(scope, depth)
    return _applied(scope, dtype, depth)


def _applied(scope: Scope, dtype: DType, depth: int) -> Expr:
    choice = scope.choice
    known = _OPERATIONS[dtype, scope.policy.exact]
    op = choice.pick([name for name in _COMMON if name in known] or known)
    if choice.chance(60):
        op = choice.pick(known)
    args = _operands(scope, dtype, SCALAR_OPS[op].arity, depth - 1)
    if op in _SEES_SIGN_OF_NAN:
        args[-1] = settled(args[-1])
    return Apply(op, tuple(args))


def _operands(scope: Scope, dtype: DType, count: int, depth: int) -> list[Expr]:
    """Often constants or twice the same, which is what rewriting looks for."""
    choice = scope.choice
    form = choice.weighted({"any": 6, "constant": 2, "constants": 1, "same": 1})
    if form == "constants":
        return [constant(scope, dtype) for _ in range(count)]
    args = [value(scope, dtype, depth) for _ in range(count)]
    if form == "constant":
        args[choice.integer(0, count - 1)] = constant(scope, dtype)
    return [args[0]] * count if form == "same" else args


def _converted(scope: Scope, dtype: DType, depth: int) -> Expr:
    """A conversion from any other dtype, or the bits of one."""
    choice = scope.choice
    twins = [d for d in ARITHMETIC if d.bits == dtype.bits and BOOL not in (d, dtype)]
    if twins and choice.chance(15):
        source = choice.pick(twins)
        return Bitcast(settled(value(scope, source, depth)), dtype)
    return Cast(value(scope, choice.pick(ARITHMETIC), depth), dtype)


def _narrowed(scope: Scope, dtype: DType, depth: int) -> Expr:
    choice = scope.choice
    source = FLOAT32 if choice.chance(80) else choice.pick(ARITHMETIC)
    inner = value(scope, source, depth)
    if not source.is_float or dtype == "float8_e8m0fnu" or choice.chance(75):
        return Cast(inner, dtype)
    return Cast(inner, dtype, choice.pick(("rn", "rz", "rp", "rm")), choice.chance(50))


def settled(expr: Expr) -> Expr:
    """The value, or one where it is NaN, whose sign and payload are unspecified."""
    if not expr.dtype.is_float:
        return expr
    one = Const(1.0, expr.dtype)
    return Select(Apply("isnan", (expr,)), one, expr, lazy=False)


def leaf(scope: Scope, dtype: DType) -> Expr:
    """A variable, an element, an index or a constant."""
    choice = scope.choice
    scalars = [var for var in scope.variables if var.dtype == dtype]
    buffers = scope.of_dtype(dtype)
    form = choice.integer(0, 9)
    if form >= 5 and buffers:
        return element(scope, choice.pick(buffers))
    if form >= 3 and scalars:
        return choice.pick(scalars)
    if form == 2 and scope.indices():
        return Cast(choice.pick(scope.indices()), dtype)
    return constant(scope, dtype)


def element(scope: Scope, buffer: Buffer) -> Expr:
    """An element, mostly inside, in the dtype of expressions."""
    fill = constant(scope, buffer.dtype) if scope.choice.chance(15) else None
    at = tuple(_position(scope, extent) for extent in buffer.shape)
    loaded = Load(buffer, at, fill)
    wide = buffer.dtype.evaluation
    return loaded if wide == buffer.dtype else Cast(loaded, wide)


def _position(scope: Scope, extent: Expr) -> Expr:
    """A subscript of a dimension, outside it as often as the policy says."""
    at = subscript(scope)
    outside = scope.choice.chance(scope.policy.outside)
    return at if outside else Apply("floormod", (at, extent))


def integer(scope: Scope) -> Expr:
    """An int32 that may come from memory."""
    return value(scope, INT32, 1)
