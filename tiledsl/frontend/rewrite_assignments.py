"""Rewriting assignments: names, elements, attributes and tuples of them.

``rewrite`` has the table of what becomes what.
"""

from __future__ import annotations

import ast
from typing import Final

from tiledsl.diagnostics import InternalError
from tiledsl.frontend.rewrite_expressions import ExpressionRewriter, name
from tiledsl.frontend.source import Source
from tiledsl.ir.dtypes import ALL_DTYPES

_OPERATORS: Final[dict[type[ast.operator], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.MatMult: "@",
}

Statements = list[ast.stmt]


def assignment(identifier: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(identifier, ast.Store())], value)


def _unquoted(annotation: ast.expr) -> ast.expr:
    """An annotation in quotes as the expression that it holds, at the same place."""
    if not isinstance(annotation, ast.Constant) or not isinstance(
        annotation.value, str
    ):
        return annotation
    if annotation.value in ALL_DTYPES:
        return annotation
    try:
        inner = ast.parse(annotation.value, mode="eval").body
    except SyntaxError:
        return annotation
    for node in ast.walk(inner):
        ast.copy_location(node, annotation)
    return inner


class AssignmentRewriter(ExpressionRewriter):
    """Statements that bind names or store values."""

    def __init__(
        self, source: Source, local_names: frozenset[str], free: frozenset[str]
    ) -> None:
        super().__init__(source, local_names, free)
        self._temporaries = 0

    def fresh(self) -> str:
        self._temporaries += 1
        return f"__{self._temporaries}"

    def visit_Assign(self, node: ast.Assign) -> Statements:
        value = self._source_value(node.value)
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            return self._bind("assign", node, node.targets[0].id, value)
        temporary = self.fresh()
        if len(node.targets) > 1 or isinstance(node.value, ast.Tuple | ast.List):
            value = self.stage("once", self.place(node), value)
        statements: Statements = [assignment(temporary, value)]
        for target in node.targets:
            statements += self.assign_target("assign", node, target, name(temporary))
        return statements

    def _source_value(self, node: ast.expr) -> ast.expr:
        """A right side: an alloc_var is read, except where a call just made it."""
        if isinstance(node, ast.Tuple | ast.List):
            parts = [self._source_value(part) for part in node.elts]
            return type(node)(parts, ast.Load())
        value = self.expression(node)
        if isinstance(node, ast.Call | ast.Constant | ast.Starred):
            return value
        return self.stage("value", value)

    def _bind(
        self, method: str, node: ast.AST, target: str, *values: ast.expr
    ) -> Statements:
        place, text = self.place(node), ast.Constant(target)
        return [
            assignment(target, self.stage(method, place, text, name(target), *values))
        ]

    def assign_target(
        self, method: str, node: ast.stmt, target: ast.expr, value: ast.expr
    ) -> Statements:
        """``target = value`` for a value that may be used several times."""
        match target:
            case ast.Name(identifier):
                return self._bind(method, target, identifier, value)
            case ast.Subscript(owner, index):
                place, parts = self.place(target), self.index(index)
                return [
                    ast.Expr(
                        self.stage("store", place, value, self.expression(owner), parts)
                    )
                ]
            case ast.Attribute(owner, attribute):
                place, text = self.place(target), ast.Constant(attribute)
                setting = self.stage(
                    "set_attribute", place, value, self.expression(owner), text
                )
                return [ast.Expr(setting)]
            case ast.Tuple(elements) | ast.List(elements):
                return self._unpack(method, node, target, elements, value)
        raise InternalError("E9001", f"no rule for the target {type(target).__name__}")

    def _unpack(
        self,
        method: str,
        node: ast.stmt,
        target: ast.expr,
        elements: list[ast.expr],
        value: ast.expr,
    ) -> Statements:
        temporary = self.fresh()
        count = ast.Constant(len(elements))
        unpacked = self.stage("unpack", self.place(target), value, count)
        statements: Statements = [assignment(temporary, unpacked)]
        for position, element in enumerate(elements):
            part = ast.Subscript(name(temporary), ast.Constant(position), ast.Load())
            statements += self.assign_target(method, node, element, part)
        return statements

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Statements:
        annotation = self.expression(_unquoted(node.annotation))
        target = node.target
        if not isinstance(target, ast.Name):
            value = self._source_value(node.value) if node.value else None
            return self.assign_target("assign", node, target, value) if value else []
        if node.value is None:
            return self._bind("declare", node, target.id, annotation)
        value = self._source_value(node.value)
        return self._bind("assign_typed", node, target.id, annotation, value)

    def visit_AugAssign(self, node: ast.AugAssign) -> Statements:
        operator = ast.Constant(_OPERATORS[type(node.op)])
        value, target = self.expression(node.value), node.target
        if isinstance(target, ast.Name):
            return self._bind("update", node, target.id, operator, value)
        owner = self.expression(target.value)
        place = self.place(node)
        if isinstance(target, ast.Subscript):
            index = self.index(target.slice)
            call = self.stage("update_element", place, owner, index, operator, value)
        else:
            text = ast.Constant(target.attr)
            call = self.stage("update_attribute", place, owner, text, operator, value)
        return [ast.Expr(call)]
