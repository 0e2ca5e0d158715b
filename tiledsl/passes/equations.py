"""Rewrite rules written as equations.

The two sides are Python expressions over x, y (any operand), p (a bool), c, d (constants),
the infix operators of the text form, and its calls, such as ``min(x, x)``; ``not_``,
``and_`` and ``or_`` because Python owns these words.  A number stands for the constant of
the operands' dtype; ``fold_add(c, d)`` is computed when the rule applies.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from tiledsl.analysis.fold import fold_apply
from tiledsl.ir.dtypes import BOOL, DType
from tiledsl.ir.literals import fits
from tiledsl.ir.nodes import Apply, Const, Expr, Select
from tiledsl.ir.ops import SCALAR_OPS

_INFIX: Final[dict[type, str]] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div",
    ast.FloorDiv: "floordiv", ast.Mod: "floormod", ast.LShift: "shl", ast.RShift: "shr",
    ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor",
    ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt",
    ast.GtE: "ge",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pattern:
    """A side of an equation: an operation, a literal, or a letter."""

    op: str = ""  # of ops.py, or select; empty for a leaf
    args: tuple[Pattern, ...] = ()
    letter: str = ""
    value: int | float | bool = 0

    def matches(self, expr: Expr, bound: dict[str, Expr]) -> bool:
        """Whether ``expr`` looks like this; adds what the letters stand for."""
        if self.letter:
            if self.letter in "cd" and not isinstance(expr, Const):
                return False
            return bound.setdefault(self.letter, expr) == expr
        if not self.op:
            return isinstance(expr, Const) and expr == self._const(expr.dtype)
        if isinstance(expr, Select):
            parts: tuple[Expr, ...] = (expr.condition, expr.then, expr.otherwise)
            name = "select"
        elif isinstance(expr, Apply):
            parts, name = expr.args, expr.op
        else:
            return False
        return name == self.op and all(
            side.matches(part, bound)
            for side, part in zip(self.args, parts, strict=True)
        )

    def _const(self, dtype: DType) -> Const | None:
        if isinstance(self.value, bool):
            return Const(self.value, BOOL)
        value = float(self.value) if dtype.is_float else self.value
        return Const(value, dtype) if fits(value, dtype) else None

    def build(self, bound: Mapping[str, Expr], dtype: DType) -> Expr | None:
        """The expression with letters replaced; literals have ``dtype``."""
        if self.letter:
            return bound[self.letter]
        if not self.op:
            return self._const(dtype)
        if self.op.startswith("fold_"):
            consts = [bound[arg.letter] for arg in self.args]
            known = tuple(const for const in consts if isinstance(const, Const))
            return fold_apply(self.op.removeprefix("fold_"), known)
        parts = [arg.build(bound, dtype) for arg in self.args]
        args = tuple(part for part in parts if part is not None)
        if len(args) != len(parts):
            return None
        if self.op != "select":
            return Apply(self.op, args)
        condition, then, otherwise = args
        return Select(condition, then, otherwise)


@dataclass(frozen=True)
class Rule:
    """``left = right`` for all operands of certain kinds, rewritten left to right.

    ``kinds``: what the letters may be, as in ``ops.ScalarOp.operands``.  Where a side is
    a comparison, literals of the other dtype come from its operands.
    """

    name: str
    left: str
    right: str
    kinds: str
    where: Callable[[Mapping[str, Expr]], bool] = lambda bound: True

    @cached_property
    def sides(self) -> tuple[Pattern, Pattern]:
        return _pattern(self.left), _pattern(self.right)

    def apply(self, expr: Apply | Select) -> Expr | None:
        """The other side, if the expression is an instance of the left one."""
        left, right = self.sides
        bound: dict[str, Expr] = {}
        if not left.matches(expr, bound):
            return None
        dtypes = {part.dtype for name, part in bound.items() if name != "p"}
        if not all(_kind(dtype) in self.kinds for dtype in dtypes):
            return None
        if not self.where(bound):
            return None
        return right.build(bound, expr.dtype)


def _kind(dtype: DType) -> str:
    if not dtype.is_arithmetic:
        return "n"  # narrow floats meet no operation, but selects
    return {"bool": "b", "float": "f"}.get(dtype.kind, "i")


def _pattern(text: str) -> Pattern:
    return _side(ast.parse(text, mode="eval").body)


def _side(node: ast.expr) -> Pattern:
    match node:
        case ast.Name(id=letter):
            return Pattern(letter=letter)
        case ast.Constant(value=int() | float() | bool() as value):
            return Pattern(value=value)
        case ast.UnaryOp(
            op=ast.USub(), operand=ast.Constant(value=int() | float() as v)
        ):
            return Pattern(value=-v)
        case ast.BinOp(left=left, op=op, right=right):
            return Pattern(_INFIX[type(op)], (_side(left), _side(right)))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return Pattern(_INFIX[type(op)], (_side(left), _side(right)))
        case ast.Call(func=ast.Name(id=name), args=args):
            name = name.rstrip("_")
            known = name in SCALAR_OPS or name == "select" or name.startswith("fold_")
            if known:
                return Pattern(name, tuple(_side(arg) for arg in args))
    raise ValueError(f"not a side of a rule: {ast.dump(node)}")
