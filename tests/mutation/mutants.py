"""Small changes of a module's functions, each a mistake that tests should notice."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

_COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
}
# names of operations that stand in the text of a lowering
_TEXTS: Final = {
    "add": "sub", "sub": "add", "mul": "add", "and": "or", "or": "and", "lt": "le",
    "le": "lt", "gt": "ge", "ge": "gt", "eq": "ne", "ne": "eq", "ult": "ule",
    "slt": "sle", "sgt": "sge", "uge": "ugt", "zext": "sext", "sext": "zext",
    "min": "max", "max": "min", "smin": "smax", "smax": "smin", "shl": "lshr",
    "lshr": "ashr", "ashr": "lshr", "floordiv": "truncdiv", "sum": "max",
}  # fmt: skip
# functions that give the same whichever argument comes first
_SYMMETRIC: Final = frozenset({
    "add", "and_", "both", "either", "fmax", "fmin", "isdisjoint", "lcm", "gcd",
    "logical_and", "logical_or", "max", "maximum", "min", "minimum", "mul", "multiply",
    "or_", "two_sum", "broadcast_shapes", "array_equal",
})  # fmt: skip
# what people read, and what only asserts
_WITHOUT_MEANING: Final = frozenset({"span", "hint", "notes", "name", "strict"})

Change = Callable[[ast.AST], None]


@dataclass(frozen=True)
class Mutant:
    """One change: in which function, of what text, and how.

    ``number`` and ``variation`` find it again in the module's syntax tree.
    """

    module: str
    line: int
    where: str
    text: str
    what: str
    number: int
    variation: int

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names the mutant as long as its line says the same."""
        return self.module, self.where, self.text, self.what

    @property
    def name(self) -> str:
        """The same in one line, without the number of the line."""
        return f"{self.module} {self.where}: {self.what}: {self.text}"

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.where}: {self.what}: {self.text}"

    def source(self, original: str) -> str:
        """The module with this change."""
        tree = ast.parse(original)
        target = next(n for k, n in enumerate(ast.walk(tree)) if k == self.number)
        list(_changes(target))[self.variation][1](target)
        return ast.unparse(ast.fix_missing_locations(tree))


def mutants(module: str, source: str) -> list[Mutant]:
    """Every mutant of the functions of a module, in the order of their places."""
    tree = ast.parse(source)
    numbers = {id(node): number for number, node in enumerate(ast.walk(tree))}
    found: list[Mutant] = []
    seen: Counter[tuple[str, ...]] = Counter()
    for where, line, node in _code(tree):
        for variation, (what, _) in enumerate(_changes(node)):
            text = " ".join(ast.unparse(node).split())[:100]
            text = text if line.startswith(text) else f"{text} in {line}"
            seen[where, text, what] += 1
            if seen[where, text, what] > 1:
                text += f" ({seen[where, text, what]})"
            number = numbers[id(node)]
            found.append(
                Mutant(module, node.lineno, where, text, what, number, variation)
            )
    return sorted(found, key=lambda mutant: (mutant.line, mutant.number))


def _code(tree: ast.Module) -> Iterator[tuple[str, str, ast.expr | ast.stmt]]:
    """What functions compute, with the names of the functions and the line around it.

    Without defaults, annotations, docstrings, and what only makes an error.
    """
    stack: list[tuple[str, bool, str, ast.AST]] = [("", False, "", tree)]
    while stack:
        name, inside, line, node = stack.pop()
        if isinstance(node, ast.stmt):
            line = ast.unparse(node).splitlines()[0][:100]
        if inside and isinstance(node, ast.expr | ast.stmt):
            yield name, line, node
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = f"{name}.{node.name}".lstrip(".")
            parts: list[ast.AST] = [p for p in node.body if not _is_docstring(p)]
            inside = inside or isinstance(node, ast.FunctionDef)
        elif isinstance(node, ast.Lambda):
            parts, inside = [node.body], True
        elif isinstance(node, ast.AnnAssign):
            parts = [node.value] if node.value else []
        elif isinstance(node, ast.Raise | ast.JoinedStr):
            parts = []
        else:
            parts = [p for p in ast.iter_child_nodes(node) if not _has_no_meaning(p)]
        stack += [(name, inside, line, part) for part in reversed(parts)]


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _has_no_meaning(node: ast.AST) -> bool:
    return isinstance(node, ast.keyword) and node.arg in _WITHOUT_MEANING


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in _COMPARISONS:
            other = _COMPARISONS[type(op)]
            yield (
                f"{_name(op)} for {other.__name__}",
                lambda n: setattr(n, "ops", [other()]),
            )
        case ast.BoolOp(op=op):
            swapped = ast.Or if isinstance(op, ast.And) else ast.And
            yield f"{_name(op)} swapped", lambda n: setattr(n, "op", swapped())
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
            arithmetic = _ARITHMETIC[type(op)]
            yield f"{_name(op)} changed", lambda n: setattr(n, "op", arithmetic())
        case ast.UnaryOp(op=ast.Not()):
            yield "not dropped", _drop_not
        case ast.UnaryOp(op=ast.USub()):
            yield "minus dropped", lambda n: setattr(n, "op", ast.UAdd())
        case _:
            yield from _other_changes(node)


def _other_changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Constant(value=bool() as flag):
            yield "flag flipped", lambda n: setattr(n, "value", not flag)
        case ast.Constant(value=int() as number):
            yield "constant + 1", lambda n: setattr(n, "value", number + 1)
        case ast.Constant(value=str() as text) if text in _TEXTS:
            yield (
                f"{text} for {_TEXTS[text]}",
                lambda n: setattr(n, "value", _TEXTS[text]),
            )
        case ast.IfExp():
            yield "arms swapped", _swap_arms
        case ast.AugAssign() | ast.Expr():
            yield "statement dropped", _drop
        case ast.If(orelse=[]):
            yield "condition always false", _never
        case ast.Call(func=function, args=[_, _]) if not _exchange_is_vain(function):
            yield "arguments swapped", lambda n: setattr(n, "args", n.args[::-1])  # type: ignore[attr-defined]


def _exchange_is_vain(function: ast.expr) -> bool:
    """Whether exchanged arguments would change nothing, or only ever raise TypeError."""
    match function:
        case ast.Name(id="isinstance" | "getattr" | "hasattr"):
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in _SYMMETRIC
    return False


def _name(op: ast.AST) -> str:
    return type(op).__name__


def _drop_not(node: ast.AST) -> None:
    """``not x`` becomes ``bool(x)``."""
    if isinstance(node, ast.UnaryOp):
        node.operand = ast.UnaryOp(ast.Not(), node.operand)


def _never(node: ast.AST) -> None:
    """``if x`` becomes ``if x and []``, so that functions inside of x stay there."""
    if isinstance(node, ast.If):
        never = ast.List([], ast.Load())
        node.test = ast.BoolOp(ast.And(), [node.test, never])


def _swap_arms(node: ast.AST) -> None:
    if isinstance(node, ast.IfExp):
        node.body, node.orelse = node.orelse, node.body


def _drop(node: ast.AST) -> None:
    """Turns a statement into one without effect, whatever its operands are."""
    if isinstance(node, ast.Expr | ast.AugAssign):
        node.__class__ = ast.Pass  # type: ignore[assignment]
