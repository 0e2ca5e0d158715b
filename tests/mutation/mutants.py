"""Small changes of a module's functions, each a mistake that tests should notice."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
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
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
}

Change = Callable[[ast.AST], None]


@dataclass(frozen=True)
class Mutant:
    """The source of a module with one change."""

    line: int
    what: str
    source: str


def mutants(source: str) -> list[Mutant]:
    """Every mutant of the functions of a module, in the order of their places."""
    tree = ast.parse(source)
    found = []
    for number, node in enumerate(ast.walk(tree)):
        if not isinstance(node, ast.expr | ast.stmt) or not _in_function(tree, node):
            continue
        for what, change in _changes(node):
            copy = deepcopy(tree)
            target = next(n for k, n in enumerate(ast.walk(copy)) if k == number)
            change(target)
            changed = ast.unparse(ast.fix_missing_locations(copy))
            found.append(Mutant(node.lineno, what, changed))
    return sorted(found, key=lambda mutant: (mutant.line, mutant.what))


def _in_function(tree: ast.Module, node: ast.AST) -> bool:
    """Whether a node is code of a function, not a default, annotation or docstring."""
    for outer in ast.walk(tree):
        body: list[ast.AST] = []
        if isinstance(outer, ast.FunctionDef):
            body = [*outer.body]
        elif isinstance(outer, ast.Lambda):
            body = [outer.body]
        for part in body:
            if _is_docstring(part):
                continue
            if any(inner is node for inner in ast.walk(part)):
                return True
    return False


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in _COMPARISONS:
            other = _COMPARISONS[type(op)]
            yield (
                f"{_name(op)} for {other.__name__}",
                lambda n: _set(n, "ops", [other()]),
            )
        case ast.BoolOp(op=op):
            swapped = ast.Or if isinstance(op, ast.And) else ast.And
            yield f"{_name(op)} swapped", lambda n: _set(n, "op", swapped())
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
            arithmetic = _ARITHMETIC[type(op)]
            yield f"{_name(op)} changed", lambda n: _set(n, "op", arithmetic())
        case _:
            yield from _other_changes(node)


def _other_changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.UnaryOp(op=ast.Not()):
            yield "not dropped", lambda n: _set(n, "op", ast.UAdd())
        case ast.Constant(value=bool() as flag):
            yield "flag flipped", lambda n: _set(n, "value", not flag)
        case ast.Constant(value=int() as number):
            yield "constant + 1", lambda n: _set(n, "value", number + 1)
        case ast.IfExp():
            yield "arms swapped", _swap_arms
        case ast.AugAssign() | ast.Expr():
            yield "statement dropped", _drop
        case ast.If(orelse=[]):
            yield (
                "condition always false",
                lambda n: _set(n, "test", ast.Constant(False)),
            )
        case ast.Call(args=[_, _]):
            yield "arguments swapped", lambda n: _set(n, "args", n.args[::-1])  # type: ignore[attr-defined]


def _name(op: ast.AST) -> str:
    return type(op).__name__


def _set(node: ast.AST, field: str, value: object) -> None:
    setattr(node, field, value)


def _swap_arms(node: ast.AST) -> None:
    if isinstance(node, ast.IfExp):
        node.body, node.orelse = node.orelse, node.body


def _drop(node: ast.AST) -> None:
    """Turns a statement into one without effect, keeping its kind of node."""
    if isinstance(node, ast.Expr):
        node.value = ast.Constant(None)
    elif isinstance(node, ast.AugAssign):
        node.op, node.value = ast.Add(), ast.Constant(0)
