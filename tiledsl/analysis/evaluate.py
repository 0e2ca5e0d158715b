"""The value of an expression over numbers, with the meanings of ``ops.py``."""

from __future__ import annotations

from collections.abc import Mapping

from tiledsl.analysis.fold import Number, fold_apply, fold_cast
from tiledsl.ir.nodes import Apply, Cast, Const, Expr, Select, Var


def evaluate(expression: Expr, values: Mapping[str, Number]) -> Number | None:
    """The value where each variable has that of its name.

    None if a variable has none, or if the expression holds a load or an operation that
    has no single correct result.

    >>> from tiledsl.ir.dtypes import INDEX
    >>> from tiledsl.ir.nodes import index
    >>> evaluate(Apply("ceildiv", (Var("n", INDEX), index(4))), {"n": 9})
    3
    """
    folded = _fold(expression, values)
    return None if folded is None else folded.value


def _fold(expression: Expr, values: Mapping[str, Number]) -> Const | None:
    match expression:
        case Const():
            return expression
        case Var(name, dtype):
            return Const(values[name], dtype) if name in values else None
        case Select(condition, then, otherwise):
            chosen = _fold(condition, values)
            if chosen is None:
                return None
            return _fold(then if chosen.value else otherwise, values)
        case Cast(value, dtype):
            inner = _fold(value, values)
            return None if inner is None else fold_cast(Cast(inner, dtype))
        case Apply(op, args):
            folded = [_fold(arg, values) for arg in args]
            constants = tuple(arg for arg in folded if arg is not None)
            return fold_apply(op, constants) if len(constants) == len(args) else None
        case _:
            return None
