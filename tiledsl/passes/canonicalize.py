"""Constants folded, algebraic identities applied, dead arms and empty ranges removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tiledsl.analysis.fold import fold_apply, fold_bitcast, fold_cast
from tiledsl.backend import Capabilities
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import (
    Apply,
    Bitcast,
    Block,
    Cast,
    Const,
    Copy,
    Expr,
    Fill,
    For,
    Function,
    If,
    Launch,
    Node,
    Parallel,
    Select,
    Statement,
    While,
)
from tiledsl.ir.visitor import transform
from tiledsl.passes.base import Contract
from tiledsl.passes.empty_ranges import without_negative_extents
from tiledsl.passes.equations import Rule
from tiledsl.passes.scalar_rules import SCALAR_RULES

_ROUNDS: Final = 8  # rules that may follow one another at one expression


@dataclass(frozen=True)
class Canonicalize:
    """Gives equal programs equal forms, and smaller ones.

    Before::

        if 2 < 1
          y[i] = 0.0
        else
          y[i] = x[0 + i] * 1.0

    After::

        y[i] = x[i]
    """

    name: str = "canonicalize"
    contract: Contract = "exact"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        return transform(function, _change)


def _change(node: Node) -> Node | Block:
    if isinstance(node, Apply | Select | Cast | Bitcast):
        return canonical(node)
    if isinstance(node, If | While | For | Parallel | Launch | Copy | Fill):
        return _statement(node)
    return without_negative_extents(node)


def canonical(expr: Expr) -> Expr:
    """The expression after every rule that applies at its root; parts are canonical."""
    for _ in range(_ROUNDS):
        simpler = _step(expr)
        if simpler is None:
            break
        expr = simpler
    return expr


def _step(expr: Expr) -> Expr | None:
    match expr:
        case Apply(op=op, args=args):
            consts = tuple(arg for arg in args if isinstance(arg, Const))
            folded = fold_apply(op, consts) if len(consts) == len(args) else None
            return folded if folded is not None else _by_rule(expr, op)
        case Select():
            return _by_rule(expr, "select")
        case Cast():
            return fold_cast(expr) or _cast(expr)
        case Bitcast(value=value, dtype=dtype):
            return value if value.dtype == dtype else fold_bitcast(expr)
    return None


def _rules_by_operation() -> Mapping[str, tuple[Rule, ...]]:
    table: dict[str, tuple[Rule, ...]] = {}
    for rule in SCALAR_RULES:
        op = rule.sides[0].op
        table[op] = (*table.get(op, ()), rule)
    return table


_RULES: Final = _rules_by_operation()


def _by_rule(expr: Apply | Select, op: str) -> Expr | None:
    for rule in _RULES.get(op, ()):
        result = rule.apply(expr)
        if result is not None:
            return result
    return None


def _cast(cast: Cast) -> Expr | None:
    """Conversions that keep every value: ``narrow(widen(x)) = x``, ``same(x) = x``."""
    inner = cast.value
    if inner.dtype == cast.dtype and (
        cast.dtype.is_arithmetic or not cast.dtype.is_float
    ):
        return inner
    if not isinstance(inner, Cast) or not holds_all(inner.dtype, inner.value.dtype):
        return None
    if cast.dtype == inner.value.dtype and cast.dtype in ("float16", "bfloat16"):
        return inner.value
    if cast.dtype.is_integer and inner.value.dtype.is_integer:
        return Cast(inner.value, cast.dtype, span=cast.span)
    return None


def holds_all(wide: DType, narrow: DType) -> bool:
    """Whether every value of ``narrow`` is a value of ``wide``."""
    if wide.is_float and narrow.is_float:
        return wide in ("float32", "float64") and wide.bits >= narrow.bits
    if wide.is_integer and narrow.is_integer:
        return wide.minimum <= narrow.minimum and narrow.maximum <= wide.maximum
    return False


def _statement(statement: Statement) -> Statement | Block:
    match statement:
        case If(condition=Const(value=value)):
            return statement.then if value else statement.otherwise
        case While(condition=Const(value=False)):
            return ()
        case For(
            start=Const(value=start), stop=Const(value=stop), step=Const(value=step)
        ):
            runs = start < stop if step > 0 else step < 0 and start > stop
            return statement if runs else ()
        case Parallel(extents=extents) | Launch(grid=extents):
            return () if _is_empty(extents) else statement
        case Copy(shape=shape):
            return () if _is_empty(shape) else statement
        case Fill(target=target):
            return () if _is_empty(target.shape) else statement
    return statement


def _is_empty(extents: tuple[Expr, ...]) -> bool:
    return any(isinstance(extent, Const) and extent.value <= 0 for extent in extents)
