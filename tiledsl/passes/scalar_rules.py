"""Every algebraic identity that canonicalize uses, one line of mathematics each.

A test evaluates both sides of each rule on integers of every width and on floats with
signed zeros, infinities and NaN, and compares bits (NaN with NaN).  What is not exact on
floats, such as ``x + 0 = x`` (it turns -0 into +0), is absent for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tiledsl.ir.nodes import Const, Expr
from tiledsl.passes.equations import Rule


def _left_is_no_constant(bound: Mapping[str, Expr]) -> bool:
    return not isinstance(bound["x"], Const)


def _constants_last() -> tuple[Rule, ...]:
    """``c + x = x + c`` and so on, so that the other rules look for it in one place."""
    swapped = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
    same = {
        "add": "if",
        "mul": "if",
        "min": "if",
        "max": "if",
        "eq": "bif",
        "ne": "bif",
    }
    same |= {"and_": "bi", "or_": "bi", "xor": "bi"}
    return tuple(
        Rule(
            f"constant-last-{op.rstrip('_')}",
            f"{op}(c, x)",
            f"{swapped.get(op, op)}(x, c)",
            kinds,
            _left_is_no_constant,
        )
        for op, kinds in (*same.items(), *((op, "if") for op in swapped))
    )


SCALAR_RULES: Final[tuple[Rule, ...]] = (
    *_constants_last(),
    # neutral elements
    Rule("add-zero", "x + 0", "x", "i"),
    Rule("add-negative-zero", "x + -0.0", "x", "f"),
    Rule("subtract-zero", "x - 0", "x", "if"),
    Rule("multiply-one", "x * 1", "x", "if"),
    Rule("divide-one", "x / 1", "x", "f"),
    Rule("floordiv-one", "x // 1", "x", "i"),
    Rule("truncdiv-one", "truncdiv(x, 1)", "x", "i"),
    Rule("ceildiv-one", "ceildiv(x, 1)", "x", "i"),
    Rule("or-zero", "x | 0", "x", "i"),
    Rule("xor-zero", "x ^ 0", "x", "i"),
    Rule("and-ones", "x & -1", "x", "i"),
    Rule("shift-left-zero", "x << 0", "x", "i"),
    Rule("shift-right-zero", "x >> 0", "x", "i"),
    Rule("and-true", "p & True", "p", "b"),
    Rule("or-false", "p | False", "p", "b"),
    Rule("equals-true", "p == True", "p", "b"),
    Rule("differs-false", "p != False", "p", "b"),
    # absorbing elements
    Rule("multiply-zero", "x * 0", "0", "i"),
    Rule("and-zero", "x & 0", "0", "i"),
    Rule("and-false", "p & False", "False", "b"),
    Rule("or-true", "p | True", "True", "b"),
    Rule("floormod-one", "x % 1", "0", "i"),
    Rule("truncmod-one", "truncmod(x, 1)", "0", "i"),
    Rule("floordiv-zero", "x // 0", "0", "i"),
    Rule("truncdiv-zero", "truncdiv(x, 0)", "0", "i"),
    Rule("ceildiv-zero", "ceildiv(x, 0)", "0", "i"),
    Rule("floormod-zero", "x % 0", "x", "i"),
    Rule("truncmod-zero", "truncmod(x, 0)", "x", "i"),
    # an operand with itself
    Rule("subtract-itself", "x - x", "0", "i"),
    Rule("xor-itself", "x ^ x", "0", "i"),
    Rule("and-itself", "x & x", "x", "bi"),
    Rule("or-itself", "x | x", "x", "bi"),
    Rule("min-itself", "min(x, x)", "x", "if"),
    Rule("max-itself", "max(x, x)", "x", "if"),
    Rule("equals-itself", "x == x", "True", "bi"),
    Rule("differs-itself", "x != x", "False", "bi"),
    Rule("less-itself", "x < x", "False", "if"),
    Rule("greater-itself", "x > x", "False", "if"),
    Rule("at-most-itself", "x <= x", "True", "i"),
    Rule("at-least-itself", "x >= x", "True", "i"),
    # twice
    Rule("not-not", "not_(not_(x))", "x", "bi"),
    Rule("negate-negate", "neg(neg(x))", "x", "if"),
    Rule("abs-abs", "abs(abs(x))", "abs(x)", "if"),
    Rule("abs-negate", "abs(neg(x))", "abs(x)", "f"),
    Rule("add-negated", "x + neg(y)", "x - y", "if"),
    Rule("subtract-negated", "x - neg(y)", "x + y", "if"),
    Rule("multiply-minus-one", "x * -1", "neg(x)", "if"),
    Rule("add-add", "(x + c) + d", "x + fold_add(c, d)", "i"),
    Rule("add-subtract", "(x - c) + d", "x + fold_sub(d, c)", "i"),
    Rule("subtract-add", "(x + c) - d", "x + fold_sub(c, d)", "i"),
    Rule("multiply-multiply", "(x * c) * d", "x * fold_mul(c, d)", "i"),
    # comparisons; negating an order is wrong for NaN
    Rule("not-less", "not_(x < y)", "x >= y", "i"),
    Rule("not-at-most", "not_(x <= y)", "x > y", "i"),
    Rule("not-greater", "not_(x > y)", "x <= y", "i"),
    Rule("not-at-least", "not_(x >= y)", "x < y", "i"),
    Rule("not-equals", "not_(x == y)", "x != y", "bif"),
    Rule("not-differs", "not_(x != y)", "x == y", "bif"),
    # selects; narrow floats (n) included
    Rule("select-true", "select(True, x, y)", "x", "bifn"),
    Rule("select-false", "select(False, x, y)", "y", "bifn"),
    Rule("select-same", "select(p, x, x)", "x", "bifn"),
    Rule("select-not", "select(not_(p), x, y)", "select(p, y, x)", "bifn"),
    Rule("select-itself", "select(p, True, False)", "p", "b"),
    Rule("select-negated", "select(p, False, True)", "not_(p)", "b"),
)
