"""Index expressions as sums: constant + coefficient * atom + ...

Index arithmetic is exact (rule L29), so two expressions with equal sums are equal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tiledsl.ir.dtypes import INDEX
from tiledsl.ir.nodes import Apply, Cast, Const, Expr, Var, index

_DEEPEST: Final = 100  # below this an expression counts as an atom


@dataclass(frozen=True, slots=True)
class Affine:
    """``constant`` plus, for each (atom, coefficient) of ``terms``, their product.

    Atoms are distinct expressions in the order of first appearance; no coefficient is 0.
    """

    constant: int = 0
    terms: tuple[tuple[Expr, int], ...] = ()

    @property
    def static(self) -> int | None:
        """The value, if it is known while compiling."""
        return None if self.terms else self.constant

    def __add__(self, other: Affine) -> Affine:
        return _combined(self, other, 1)

    def __sub__(self, other: Affine) -> Affine:
        return _combined(self, other, -1)

    def scaled(self, factor: int) -> Affine:
        if factor == 0:
            return Affine()
        terms = tuple((atom, value * factor) for atom, value in self.terms)
        return Affine(self.constant * factor, terms)

    def divided(self, divisor: int) -> Affine | None:
        """The exact quotient; None if a coefficient is not divisible."""
        values = [self.constant, *(value for _, value in self.terms)]
        if divisor == 0 or any(value % divisor for value in values):
            return None
        terms = tuple((atom, value // divisor) for atom, value in self.terms)
        return Affine(self.constant // divisor, terms)

    @property
    def factor(self) -> int:
        """The greatest number that divides the value whatever the atoms are."""
        return math.gcd(self.constant, *(value for _, value in self.terms))


def _combined(a: Affine, b: Affine, sign: int) -> Affine:
    sums = dict(a.terms)
    for atom, value in b.terms:
        sums[atom] = sums.get(atom, 0) + sign * value
    terms = tuple((atom, value) for atom, value in sums.items() if value)
    return Affine(a.constant + sign * b.constant, terms)


def affine(
    expr: Expr, definitions: Mapping[str, Expr] | None = None, depth: int = 0
) -> Affine:
    """The sum that an index expression is; what is not linear becomes an atom.

    ``definitions`` gives the values of ``Let`` variables to look through.

    >>> k = Var("k", INDEX)
    >>> end = Apply("mul", (Apply("add", (k, index(1))), index(64)))
    >>> (affine(end) - affine(Apply("mul", (k, index(64))))).static
    64
    """
    known = definitions or {}
    if isinstance(expr, Const):
        return Affine(int(expr.value))
    if depth > _DEEPEST:
        return Affine(0, ((expr, 1),))
    if isinstance(expr, Var):
        value = known.get(expr.name)
        if value is not None and value.dtype == INDEX:
            return affine(value, known, depth + 1)
    if isinstance(expr, Cast) and isinstance(expr.value, Const) and expr.dtype == INDEX:
        return Affine(int(expr.value.value))
    if isinstance(expr, Apply) and expr.dtype == INDEX:
        parts = [affine(part, known, depth + 1) for part in expr.args]
        folded = _operation(expr.op, parts)
        return Affine(0, ((_rebuilt(expr, parts), 1),)) if folded is None else folded
    return Affine(0, ((expr, 1),))


def _rebuilt(expr: Apply, parts: list[Affine]) -> Expr:
    """A non-linear operation on simplified operands, so that equal ones are equal atoms."""
    return Apply(expr.op, tuple(to_expr(part) for part in parts), span=expr.span)


def _operation(op: str, parts: list[Affine]) -> Affine | None:
    """The sum that an operation gives on sums, or None."""
    if op == "neg":
        return parts[0].scaled(-1)
    if len(parts) != 2:
        return None
    a, b = parts
    if op in ("add", "sub"):
        return a + b if op == "add" else a - b
    if op == "mul":
        if b.static is not None:
            return a.scaled(b.static)
        return b.scaled(a.static) if a.static is not None else None
    if op == "shl" and b.static is not None and 0 <= b.static < 63:
        return a.scaled(1 << b.static)
    if op in ("min", "max"):
        return _extremum(op, a, b)
    return _division(op, a, b.static)


def _extremum(op: str, a: Affine, b: Affine) -> Affine | None:
    gap = (a - b).static
    if gap is None:
        return None
    return a if (gap < 0) == (op == "min") else b


def _division(op: str, a: Affine, divisor: int | None) -> Affine | None:
    if divisor is None or divisor <= 0:
        return None
    if a.static is not None:
        return _static_division(op, a.static, divisor)
    if op in ("floordiv", "ceildiv", "truncdiv"):
        return a.divided(divisor)
    if op in ("floormod", "truncmod") and a.divided(divisor) is not None:
        return Affine()
    return None


def _static_division(op: str, value: int, divisor: int) -> Affine | None:
    toward_zero = int(math.copysign(1, value)) * (abs(value) // divisor)
    results = {
        "floordiv": value // divisor,
        "floormod": value % divisor,
        "ceildiv": -(-value // divisor),
        "truncdiv": toward_zero,
        "truncmod": value - toward_zero * divisor,
    }
    return Affine(results[op]) if op in results else None


def to_expr(form: Affine) -> Expr:
    """The sum as an expression, its terms in order and the constant last."""
    result: Expr | None = None
    for atom, value in form.terms:
        # a sum may have looked through the widening of a narrower integer
        wide = atom if atom.dtype == INDEX else Cast(atom, INDEX, span=atom.span)
        term = wide if abs(value) == 1 else Apply("mul", (wide, index(abs(value))))
        if result is None:
            result = Apply("neg", (term,)) if value < 0 else term
        else:
            result = Apply("sub" if value < 0 else "add", (result, term))
    if result is None:
        return index(form.constant)
    if form.constant == 0:
        return result
    op = "sub" if form.constant < 0 else "add"
    return Apply(op, (result, index(abs(form.constant))))


def bounds(
    form: Affine, ranges: Mapping[str, tuple[int, int]]
) -> tuple[int, int] | None:
    """The least and greatest value over variables of known ranges (both attained).

    None if an atom is not such a variable.
    """
    least = greatest = form.constant
    for atom, value in form.terms:
        if not isinstance(atom, Var) or atom.name not in ranges:
            return None
        ends = [value * end for end in ranges[atom.name]]
        least, greatest = least + min(ends), greatest + max(ends)
    return least, greatest
