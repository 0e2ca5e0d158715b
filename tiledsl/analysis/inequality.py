"""Proving that a sum of index atoms is at least 0.

A small Fourier-Motzkin: if ``g >= 0`` is known and shares an atom with ``f``, then
``f >= 0`` follows from ``a*f - b*g >= 0`` for positive a, b that cancel the atom.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tiledsl.analysis.affine import Affine
from tiledsl.analysis.ranges import Ranges, holds_load
from tiledsl.ir.nodes import Apply, Expr

_STEPS: Final = 60  # sums tried for one question
_DEPTH: Final = 5


def at_least_zero(form: Affine, ranges: Ranges) -> bool:
    """Whether the sum is known to be non-negative; False means not known."""
    if any(holds_load(atom) for atom, _ in form.terms):
        # two evaluations of a load may differ, so its terms must not cancel
        return ranges.of_sum(form).low >= 0
    search = _Search(ranges)  # short proofs first
    return any(search.proves(form, depth) for depth in range(1, _DEPTH + 1))


def below(left: Expr, right: Expr, ranges: Ranges) -> bool:
    """Whether ``left < right`` is known."""
    gap = ranges.sum_of(right) - ranges.sum_of(left) - Affine(1)
    return at_least_zero(gap, ranges)


class _Search:
    def __init__(self, ranges: Ranges) -> None:
        self._ranges = ranges
        self._steps = _STEPS
        self._tried: dict[Affine, int] = {}  # and how deep

    def proves(self, form: Affine, depth: int) -> bool:
        form = _tightened(form)
        if self._ranges.of_sum(form).low >= 0:
            return True
        if self._tried.get(form, 0) >= depth:
            return False
        self._tried[form] = depth
        for atom, factor in form.terms:
            for fact in self._facts_about(atom):
                self._steps -= 1
                if self._steps < 0:
                    return False
                other = dict(fact.terms)[atom]
                if (other > 0) != (factor > 0):
                    continue
                rest = form.scaled(abs(other)) - fact.scaled(abs(factor))
                if self.proves(rest, depth - 1):
                    return True
        return False

    def _facts_about(self, atom: Expr) -> Iterator[Affine]:
        for fact in self._ranges.facts:
            if any(part == atom for part, _ in fact.terms):
                yield fact
        if isinstance(atom, Apply):
            for fact in defining_facts(atom, self._ranges):
                if fact not in self._ranges.facts:
                    yield fact


def _tightened(form: Affine) -> Affine:
    """Divided by the common factor of its terms; the same integers satisfy it."""
    factor = Affine(0, form.terms).factor
    if factor <= 1:
        return form
    terms = tuple((atom, value // factor) for atom, value in form.terms)
    return Affine(form.constant // factor, terms)


def defining_facts(atom: Apply, ranges: Ranges) -> Iterator[Affine]:
    """What the meaning of a rounded quotient, min or max says about it."""
    if len(atom.args) != 2:
        return
    a, b = (ranges.sum_of(arg) for arg in atom.args)
    itself = Affine(0, ((atom, 1),))
    if atom.op in ("min", "max"):
        sign = 1 if atom.op == "min" else -1
        yield (a - itself).scaled(sign)
        yield (b - itself).scaled(sign)
        return
    divisor = ranges.of(atom.args[1]).constant
    if divisor is None or divisor <= 0:
        return
    excess = a - itself.scaled(divisor)
    if atom.op == "floordiv":  # 0 <= a - q*d <= d - 1
        yield excess
        yield Affine(divisor - 1) - excess
    elif atom.op == "ceildiv":  # 1 - d <= a - q*d <= 0
        yield excess.scaled(-1)
        yield excess + Affine(divisor - 1)
