"""What is known about the integers of a function at one of its places.

Knowledge is sound for programs that the runtime lets start: dims and grid extents are
between 0 and ``MAX_DIM``.  Arithmetic that might wrap around tells nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from tiledsl.analysis import interval as sets
from tiledsl.analysis.affine import Affine
from tiledsl.analysis.interval import Interval, interval, point
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Apply, Cast, Const, Expr, Load, Select, Var
from tiledsl.ir.visitor import walk

MAX_DIM: Final = 2**48  # no array that a machine can address has a longer dimension
_DEEPEST: Final = 60


def whole_range(dtype: DType) -> Interval:
    """Every value of an integer dtype; 0 and 1 for bool."""
    return interval(int(dtype.minimum), int(dtype.maximum))


def holds_load(expr: Expr) -> bool:
    """Whether a later evaluation of the expression may give another value."""
    return any(isinstance(part, Load) for part in walk(expr))


@dataclass(frozen=True, slots=True)
class Ranges:
    """Immutable; the methods give extended copies.

    ``values``: where a variable lies.  ``sums``: ``Let`` variables as sums of others.
    ``facts``: sums that are at least 0.
    """

    values: Mapping[str, Interval] = field(default_factory=lambda: MappingProxyType({}))
    sums: Mapping[str, Affine] = field(default_factory=lambda: MappingProxyType({}))
    facts: tuple[Affine, ...] = ()

    # ---- questions

    def of(self, expr: Expr, depth: int = 0) -> Interval:
        """The values that an integer or bool expression can have."""
        everything = whole_range(expr.dtype)
        if depth > _DEEPEST or expr.dtype.is_float:
            return everything
        match expr:
            case Const(value=value):
                return point(int(value))
            case Var(name=name):
                return self.values.get(name, everything)
            case Select(then=then, otherwise=otherwise):
                return sets.join(
                    self.of(then, depth + 1), self.of(otherwise, depth + 1)
                )
            case Cast(value=value) if not value.dtype.is_float:
                found = self.of(value, depth + 1)
            case Apply(args=args) if not args[0].dtype.is_float:
                found = self._applied(expr, [self.of(arg, depth + 1) for arg in args])
            case _:
                return everything
        return found if found.within(everything) else everything

    def _applied(self, expr: Apply, parts: Sequence[Interval]) -> Interval:
        everything = whole_range(expr.dtype)
        if expr.op in sets.OPERATIONS and expr.dtype.is_integer:
            return sets.OPERATIONS[expr.op](parts[0], parts[1])
        if expr.op == "neg":
            return sets.neg(parts[0])
        if expr.op == "abs":
            return sets.absolute(parts[0])
        if expr.op in ("popcount", "clz"):
            return interval(0, expr.dtype.bits)
        if expr.op in ("shl", "shr"):
            count = parts[1].constant
            if count is not None and 0 <= count < expr.dtype.bits:
                rule = sets.mul if expr.op == "shl" else sets.floordiv
                return rule(parts[0], point(1 << count))
        return everything

    def sum_of(self, expr: Expr, depth: int = 0) -> Affine:
        """An integer expression as a sum that cannot wrap around.

        Parts that are not linear, or might wrap, are atoms of it.
        """
        atom = Affine(0, ((expr, 1),))
        if depth > _DEEPEST:
            return atom
        match expr:
            case Const(value=value):
                return Affine(int(value))
            case Var(name=name):
                return self.sums.get(name, atom)
            case Cast(value=value) if value.dtype.is_integer and expr.dtype.is_integer:
                fits = self.of(value).within(whole_range(expr.dtype))
                return self.sum_of(value, depth + 1) if fits else atom
            case Apply() if expr.dtype.is_integer:
                found = self._linear(expr, depth)
                return atom if found is None else found
        return atom

    def _linear(self, expr: Apply, depth: int) -> Affine | None:
        if expr.op not in ("add", "sub", "mul", "neg", "shl", "floormod"):
            return None
        parts = [self.of(arg) for arg in expr.args]
        exact = self._applied(expr, parts)
        everything = whole_range(expr.dtype)
        if exact == everything or not exact.within(everything):
            return None
        forms = [self.sum_of(arg, depth + 1) for arg in expr.args]
        if expr.op == "neg":
            return forms[0].scaled(-1)
        if expr.op in ("add", "sub"):
            a, b = forms
            return a + b if expr.op == "add" else a - b
        if expr.op == "floormod":
            return self._remainder(expr, forms[0])
        factor = parts[1].constant
        if expr.op == "shl":
            return None if factor is None else forms[0].scaled(1 << factor)
        if factor is not None:
            return forms[0].scaled(factor)
        factor = parts[0].constant
        return None if factor is None else forms[1].scaled(factor)

    def _remainder(self, expr: Apply, dividend: Affine) -> Affine | None:
        """``a % c`` as ``a - (a // c) * c``, so that it cancels against ``a // c``."""
        divisor = self.of(expr.args[1]).constant
        if divisor is None or divisor <= 0:
            return None
        quotient = Apply("floordiv", expr.args)
        return dividend - Affine(0, ((quotient, divisor),))

    # ---- extension

    def with_value(self, var: Var, known: Interval) -> Ranges:
        return replace(self, values={**self.values, var.name: known})

    def with_let(self, var: Var, value: Expr) -> Ranges:
        """After ``let var = value``."""
        if not (var.dtype.is_integer or var.dtype.kind == "bool"):
            return self
        known = self.with_value(var, self.of(value))
        if var.dtype.is_integer and not holds_load(value):
            return replace(known, sums={**self.sums, var.name: self.sum_of(value)})
        return known

    def with_fact(self, fact: Affine) -> Ranges:
        """Knowing that a sum is at least 0; tightens the variables in it, once."""
        if any(holds_load(atom) for atom, _ in fact.terms):
            return self  # a load may give something else the next time
        values = dict(self.values)
        for atom, factor in fact.terms:
            if isinstance(atom, Var):
                rest = self.of_sum(fact - Affine(0, ((atom, factor),))).high
                old = self.of(atom)
                if factor > 0:  # factor * atom >= -rest
                    values[atom.name] = sets.meet(old, -(rest // factor), old.high)
                else:
                    values[atom.name] = sets.meet(old, old.low, rest // -factor)
        return replace(self, values=values, facts=(*self.facts, fact))

    def of_sum(self, form: Affine) -> Interval:
        """The values of a sum, as far as its terms tell independently."""
        total = point(form.constant)
        for atom, factor in form.terms:
            total = sets.add(total, sets.mul(self.of(atom), point(factor)))
        return total
