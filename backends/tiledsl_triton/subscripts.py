"""Subscripts as sums: lanes with constant factors, plus a part equal in all lanes."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from tiledsl.ir.nodes import Apply, Const, Expr, Load, Var, index
from tiledsl.ir.visitor import walk
from tiledsl_triton.tile_operations import add, constant


@dataclass(frozen=True, slots=True)
class Lanewise:
    """What may differ between the iterations of a ``Parallel``.

    ``axes``: its index variables; ``varying``: these and all others that differ;
    ``private``: buffers of which each iteration has its own; ``definitions``: the values
    of index variables bound by ``Let`` without accesses.
    """

    axes: Set[str] = frozenset()
    varying: Set[str] = frozenset()
    private: Set[str] = frozenset()
    definitions: Mapping[str, Expr] | None = None

    def varies(self, expr: Expr) -> bool:
        """Whether the expression may differ between iterations."""
        for node in walk(expr):
            if isinstance(node, Var) and node.name in self.varying:
                return True
            if isinstance(node, Load) and node.buffer.name in self.private:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Subscript:
    """``sum(factor * axis) + uniform``; or ``vector`` alone, if it is no such sum."""

    terms: tuple[tuple[str, int], ...]
    uniform: Expr
    vector: Expr | None = None

    @property
    def axis(self) -> str | None:
        """The axis, if the subscript is one axis plus something uniform."""
        if self.vector is None and len(self.terms) == 1 and self.terms[0][1] == 1:
            return self.terms[0][0]
        return None

    @property
    def is_point(self) -> bool:
        """Whether all lanes have the same subscript."""
        return self.vector is None and not self.terms


def split(expr: Expr, lanes: Lanewise) -> Subscript:
    """The subscript as a sum."""
    parts = _split(expr, lanes)
    if parts is None:
        return Subscript((), index(0), expr)
    terms = tuple((name, factor) for name, factor in parts[0].items() if factor)
    return Subscript(terms, parts[1])


_Parts = tuple[dict[str, int], Expr]


def _split(expr: Expr, lanes: Lanewise) -> _Parts | None:
    if isinstance(expr, Var):
        if expr.name in lanes.axes:
            return {expr.name: 1}, index(0)
        definition = (lanes.definitions or {}).get(expr.name)
        if definition is not None and expr.name in lanes.varying:
            return _split(definition, lanes)
    if not lanes.varies(expr):
        return {}, expr
    if isinstance(expr, Apply) and expr.op in ("add", "sub"):
        return _sum(expr, lanes)
    if isinstance(expr, Apply) and expr.op == "mul":
        return _product(expr, lanes)
    return None


def _sum(expr: Apply, lanes: Lanewise) -> _Parts | None:
    left, right = _split(expr.args[0], lanes), _split(expr.args[1], lanes)
    if left is None or right is None:
        return None
    sign = 1 if expr.op == "add" else -1
    terms = dict(left[0])
    for name, factor in right[0].items():
        terms[name] = terms.get(name, 0) + sign * factor
    if sign == 1:
        return terms, add(left[1], right[1])
    if constant(right[1]) == 0:
        return terms, left[1]
    return terms, Apply("sub", (left[1], right[1]))


def _product(expr: Apply, lanes: Lanewise) -> _Parts | None:
    left, right = expr.args
    if isinstance(left, Const):
        left, right = right, left
    factor = constant(right)
    parts = _split(left, lanes)
    if factor is None or parts is None:
        return None
    terms = {name: count * factor for name, count in parts[0].items()}
    rest = constant(parts[1])
    if rest is not None:
        return terms, index(rest * factor)
    return terms, Apply("mul", (parts[1], right))
