"""Random scalar expressions, before and after canonicalize, on special values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Final

from tests.faults.sequences import sequence
from tiledsl.ir.dtypes import BOOL, DType
from tiledsl.ir.nodes import Apply, Cast, Const, Expr, Node, Select, Var
from tiledsl.ir.ops import SCALAR_OPS
from tiledsl.ir.printer import print_expression
from tiledsl.ir.visitor import transform
from tiledsl.passes.canonicalize import canonical
from tiledsl.testing.programs import Wrong
from tiledsl.testing.scalar_evaluator.conversion import to_bits
from tiledsl.testing.scalar_evaluator.expressions import evaluate
from tiledsl.testing.scalar_evaluator.scope import Scope

EXPRESSIONS: Final = 2500
_DTYPES: Final = tuple(map(DType, ("int32", "uint8", "int8", "float32", "bool")))
_CONVERTED: Final = tuple(
    map(DType, ("int8", "uint8", "int16", "uint16", "int32", "float16", "bfloat16"))
) + tuple(map(DType, ("float32", "float64")))
_EXACT: Final = [op for op in SCALAR_OPS.values() if not op.ulp and op.arity <= 2]
_FLOATS: Final = (0.0, -0.0, 1.0, -1.0, 2.0, 3.5, math.inf, -math.inf, math.nan)
_INTEGERS: Final = (0, 1, -1, 2, 7, 32)


@sequence
def expressions_keep_their_values() -> None:
    random = Random(5)
    for expr in (*_small_expressions(), *_conversions()):
        _check(expr, random, 12)
    for _ in range(EXPRESSIONS):
        _check(_expression(random, random.choice(_DTYPES), 2), random, 6)


def _check(expr: Expr, random: Random, times: int) -> None:
    shorter = transform(expr, _canonical)
    assert isinstance(shorter, Expr)
    if shorter.dtype != expr.dtype:
        raise Wrong(f"{print_expression(expr)} changes its dtype")
    for _ in range(times if shorter != expr else 0):
        values = {
            f"{letter}_{dtype}": _value(random, dtype)
            for letter in "xy"
            for dtype in {*_DTYPES, *_CONVERTED}
        }
        before, after = (_bits(part, values) for part in (expr, shorter))
        if before != after:
            texts = print_expression(expr), print_expression(shorter)
            raise Wrong(f"{texts[0]} became {texts[1]}, which differs")


def _small_expressions() -> Iterator[Expr]:
    """Each operation on letters and constants, and pairs that rules are about."""
    for dtype in _DTYPES:
        x, y = Var(f"x_{dtype}", dtype), Var(f"y_{dtype}", dtype)
        constants = [Const(value, dtype) for value in _specials(dtype)]
        for op in _EXACT:
            if not op.accepts(dtype):
                continue
            if op.arity == 1:
                yield from (Apply(op.name, (part,)) for part in (x, *constants))
                yield Apply(op.name, (Apply(op.name, (x,)),))
                continue
            pairs = [(x, y), (x, x), *((x, c) for c in constants)]
            for pair in (*pairs, *((c, x) for c in constants)):
                yield Apply(op.name, pair)
                if op.result == "bool":
                    yield Apply("not", (Apply(op.name, pair),))
            yield from (Apply(op.name, pair) for pair in product(constants, repeat=2))
        yield from (Select(Const(flag, BOOL), x, y) for flag in (True, False))
        if dtype.is_integer:
            inner = [Apply(op, (x, constants[3])) for op in ("add", "sub", "mul")]
            for part, op in product(inner, ("add", "sub", "mul")):
                yield Apply(op, (part, constants[1]))


def _conversions() -> Iterator[Expr]:
    """From each dtype through another one to a third."""
    for first, through, last in product(_CONVERTED, repeat=3):
        yield Cast(Cast(Var(f"x_{first}", first), through), last)


def _canonical(node: Node) -> Node:
    return canonical(node) if isinstance(node, Expr) else node


def _bits(expr: Expr, values: dict[str, int | float | bool]) -> int | str:
    value = evaluate(expr, Scope(dict(values)))
    return "NaN" if value != value else to_bits(value, expr.dtype)


def _value(random: Random, dtype: DType) -> int | float | bool:
    return random.choice(_specials(dtype))


def _specials(dtype: DType) -> list[int | float | bool]:
    if dtype == BOOL:
        return [False, True]
    if dtype.is_float:
        return list(_FLOATS)
    low, high = int(dtype.minimum), int(dtype.maximum)
    return [v for v in (*_INTEGERS, low, high) if low <= v <= high]


def _expression(random: Random, dtype: DType, depth: int) -> Expr:
    kind = random.random()
    if depth == 0 or kind < 0.1:
        if random.random() < 0.5:
            return Const(_value(random, dtype), dtype)
        return Var(f"{random.choice('xy')}_{dtype}", dtype)
    if kind < 0.2:
        condition = _expression(random, BOOL, depth - 1)
        arms = [_expression(random, dtype, depth - 1) for _ in range(2)]
        return Select(condition, arms[0], random.choice(arms))
    if kind < 0.3:
        return Cast(_expression(random, random.choice(_DTYPES), depth - 1), dtype)
    if dtype == BOOL and kind < 0.7:
        op = random.choice([op for op in _EXACT if op.result == "bool"])
        of = random.choice([part for part in _DTYPES if op.accepts(part)])
    else:
        fitting = [op for op in _EXACT if op.result == "same" and op.accepts(dtype)]
        op, of = random.choice(fitting), dtype
    args = [_expression(random, of, depth - 1) for _ in range(op.arity)]
    if len(args) == 2 and random.random() < 0.2:
        args[1] = args[0]
    return Apply(op.name, tuple(args))
