"""Index expressions of shapes and strides: evaluated, solved for a symbol, spelled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tiledsl.analysis.fold import INTEGER_RULES, wrapped
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import (
    Apply,
    Buffer,
    Cast,
    Const,
    Expr,
    Function,
    Node,
    Select,
    Var,
)
from tiledsl.ir.printer import print_expression
from tiledsl.ir.visitor import children, transform, walk


@dataclass(frozen=True, slots=True)
class Linear:
    """``constant + sum(coefficient * symbol)`` over the symbols that are not known."""

    constant: int
    coefficients: Mapping[str, int] = field(default_factory=dict)

    def scaled(self, factor: int) -> Linear:
        return Linear(
            self.constant * factor,
            {name: value * factor for name, value in self.coefficients.items()},
        )

    def plus(self, other: Linear) -> Linear:
        total = dict(self.coefficients)
        for name, value in other.coefficients.items():
            total[name] = total.get(name, 0) + value
        return Linear(
            self.constant + other.constant,
            {name: value for name, value in total.items() if value},
        )


def linear(expression: Expr, known: Mapping[str, int]) -> Linear | None:
    """The expression as a linear form in its unknown symbols; None if it is not one."""
    match expression:
        case Const():
            return Linear(int(expression.value))
        case Var(name=name):
            return Linear(known[name]) if name in known else Linear(0, {name: 1})
        case Cast():
            return _cast(expression, known)
        case Apply():
            return _apply(expression, known)
        case Select():
            condition = evaluate(expression.condition, known)
            if condition is None:
                return None
            return linear(expression.then if condition else expression.otherwise, known)
        case _:
            return None


def evaluate(expression: Expr, known: Mapping[str, int]) -> int | None:
    """The value of the expression; None if it depends on an unknown symbol."""
    form = linear(expression, known)
    return form.constant if form is not None and not form.coefficients else None


def symbols(node: Node) -> Iterator[str]:
    """The names of the variables in an expression."""
    return (part.name for part in walk(node) if isinstance(part, Var))


def symbols_in_body(function: Function) -> frozenset[str]:
    """The variables that statements compute with, those of buffer types left out."""
    names: set[str] = set()
    stack: list[Node] = list(function.body)
    while stack:
        node = stack.pop()
        if isinstance(node, Var):
            names.add(node.name)
        elif not isinstance(node, Buffer):
            stack.extend(children(node))
    return frozenset(names)


def spell(expression: Expr) -> str:
    """The expression as the user would write it, e.g. ``2 * n + 1``."""
    return print_expression(transform(expression, _without_cast))


def spell_shape(shape: tuple[Expr, ...]) -> str:
    """A shape as Python prints a tuple, symbols and all."""
    inner = ", ".join(spell(extent) for extent in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def _cast(expression: Cast, known: Mapping[str, int]) -> Linear | None:
    form = linear(expression.value, known)
    if form is None or form.coefficients:
        return form  # widening to index keeps the value; the solved one is checked
    return Linear(_wrapped(form.constant, expression.dtype))


def _wrapped(value: int, dtype: DType) -> int:
    return int(value != 0) if dtype.kind == "bool" else wrapped(value, dtype)


def _apply(expression: Apply, known: Mapping[str, int]) -> Linear | None:
    forms = [linear(argument, known) for argument in expression.args]
    parts = [form for form in forms if form is not None]
    if len(parts) < len(forms):
        return None
    if not any(part.coefficients for part in parts):
        # exact, not wrapped: a size that overflows 64 bits must be seen
        meaning = INTEGER_RULES.get(expression.op)
        if meaning is None:
            return None
        return Linear(int(meaning(*(part.constant for part in parts))))
    match expression.op, parts:
        case "add", [a, b]:
            return a.plus(b)
        case "sub", [a, b]:
            return a.plus(b.scaled(-1))
        case "neg", [a]:
            return a.scaled(-1)
        case "mul", [a, b] if not b.coefficients:
            return _without_zeros(a.scaled(b.constant))
        case "mul", [a, b] if not a.coefficients:
            return _without_zeros(b.scaled(a.constant))
        case _:
            return None


def _without_zeros(form: Linear) -> Linear:
    kept = {name: value for name, value in form.coefficients.items() if value}
    return Linear(form.constant, kept)


def _without_cast(node: Node) -> Node:
    return node.value if isinstance(node, Cast) else node
