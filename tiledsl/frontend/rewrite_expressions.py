"""Rewriting expressions: marks of place, checked reads, lazy boolean operators.

=====================  ====================================================
the user writes        Python runs (``s`` is ``__stage``, k numbers a place)
=====================  ====================================================
``x``                  ``s.read(k, "x", x)``           if x is a local name
``y``                  ``s.outer(k, "y", y)``          if y is of an outer function
``f(a, b)``            ``f(a, s.mark(k, b))``
``a + b``              ``a + s.mark(k, b)``
``a[i, j:]``           ``a[s.mark(k, (i, s.slice(j, None, None)))]``
``a if c else b``      ``s.choose(k, c, lambda: a, lambda: b)``
``a and b``            ``s.both(k, a, lambda: b)``
``not a``              ``s.invert(k, a)``
``a < b < c``          ``s.chain(k, a, ("<", "<"), lambda: b, lambda: c)``
``a in b``             ``s.contains(k, a, b)``
=====================  ====================================================

``mark`` stands around the operand that Python evaluates last, so that the place is set
just before the operation itself runs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from tiledsl.frontend.source import Source
from tiledsl.ir.spans import Span

STAGE: Final = "__stage"
# builtins that would ask a symbolic value for its truth (rule L24)
CHECKED_BUILTINS: Final = frozenset({"min", "max", "sorted", "any", "all"})

_COMPARISONS: Final[dict[type[ast.cmpop], str]] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}

Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


def name(identifier: str) -> ast.Name:
    return ast.Name(identifier, ast.Load())


def strings(texts: Iterable[str]) -> ast.Tuple:
    """A tuple of constants."""
    return ast.Tuple([ast.Constant(text) for text in texts], ast.Load())


def new_function(
    identifier: str, parameters: ast.arguments, body: list[ast.stmt]
) -> ast.FunctionDef:
    """A plain ``def`` statement."""
    parts: dict[str, object] = {"name": identifier, "args": parameters, "body": body}
    parts |= {"decorator_list": [], "returns": None}
    if "type_params" in ast.FunctionDef._fields:  # since Python 3.12
        parts["type_params"] = []
    return ast.FunctionDef(**parts)  # type: ignore[arg-type]  # version-dependent


def thunk(expression: ast.expr) -> ast.Lambda:
    """``lambda: expression``"""
    nothing = ast.arguments(
        posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    return ast.Lambda(nothing, expression)


class ExpressionRewriter(ast.NodeTransformer):
    """Rewrites expressions of one function; ``spans[k]`` is place k."""

    def __init__(
        self, source: Source, local_names: frozenset[str], free: frozenset[str]
    ) -> None:
        self.source = source
        self.local_names = local_names
        self.free = free
        self.spans: list[Span] = []
        self._shadowed: list[frozenset[str]] = []

    # ------------------------------------------------------------- construction

    def place(self, node: ast.AST) -> ast.Constant:
        """The number of a node's place."""
        self.spans.append(self.source.span(node))
        return ast.Constant(len(self.spans) - 1)

    def stage(self, method: str, *arguments: ast.expr) -> ast.Call:
        """``__stage.method(arguments)``"""
        function = ast.Attribute(name(STAGE), method, ast.Load())
        return ast.Call(function, list(arguments), [])

    def expression(self, node: ast.expr) -> ast.expr:
        """The rewritten expression, at the place of the old one."""
        result: ast.expr = self.visit(node)
        return ast.copy_location(result, node)

    def _marked(self, place: ast.AST, operand: ast.expr) -> ast.Call:
        return self.stage("mark", self.place(place), self.expression(operand))

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """A new node: trees of sources are shared and never change."""
        parts = {field: self._part(value) for field, value in ast.iter_fields(node)}
        return ast.copy_location(type(node)(**parts), node)

    def _part(self, value: object) -> object:
        if isinstance(value, ast.AST):
            return self.visit(value)
        return (
            [self._part(part) for part in value] if isinstance(value, list) else value
        )

    # -------------------------------------------------------------------- names

    def is_local(self, identifier: str) -> bool:
        hidden = any(identifier in names for names in self._shadowed)
        return identifier in self.local_names and not hidden

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and self.is_local(node.id):
            return self.stage("read", self.place(node), ast.Constant(node.id), node)
        hidden = any(node.id in names for names in self._shadowed)
        if isinstance(node.ctx, ast.Load) and node.id in self.free and not hidden:
            return self.stage("outer", self.place(node), ast.Constant(node.id), node)
        return node

    @contextmanager
    def _shadowing(self, names: frozenset[str]) -> Iterator[None]:
        self._shadowed.append(names)
        yield
        self._shadowed.pop()

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        old = node.args
        named = [*old.posonlyargs, *old.args, *old.kwonlyargs]
        extra = [part for part in (old.vararg, old.kwarg) if part is not None]
        parameters = ast.arguments(
            old.posonlyargs,
            old.args,
            old.vararg,
            old.kwonlyargs,
            [value and self.expression(value) for value in old.kw_defaults],
            old.kwarg,
            [self.expression(value) for value in old.defaults],
        )
        with self._shadowing(frozenset(part.arg for part in named + extra)):
            return ast.Lambda(parameters, self.expression(node.body))

    def _comprehension(self, node: Comprehension) -> ast.expr:
        # the first iterable is evaluated outside the comprehension's own scope
        first = self.expression(node.generators[0].iter)
        targets = frozenset(
            part.id
            for generator in node.generators
            for part in ast.walk(generator.target)
            if isinstance(part, ast.Name)
        )
        generators: list[ast.comprehension] = []
        with self._shadowing(targets):
            for old in node.generators:
                values = first if not generators else self.expression(old.iter)
                tests = [self.expression(test) for test in old.ifs]
                generators.append(ast.comprehension(old.target, values, tests, 0))
            if isinstance(node, ast.DictComp):
                key, value = self.expression(node.key), self.expression(node.value)
                return ast.DictComp(key, value, generators)
            return type(node)(self.expression(node.elt), generators)

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        return self._comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.expr:
        return self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        return self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.expr:
        return self._comprehension(node)

    # --------------------------------------------------------------- operations

    def visit_Call(self, node: ast.Call) -> ast.expr:
        function = self.expression(node.func)
        plain = isinstance(node.func, ast.Name) and function is node.func
        if plain and getattr(node.func, "id", "") in CHECKED_BUILTINS:
            function = self.stage("builtin", self.place(node.func), function)
        arguments = [self.expression(value) for value in node.args]
        keywords = [
            ast.keyword(part.arg, self.expression(part.value)) for part in node.keywords
        ]

        def marked(last: ast.expr) -> ast.expr:
            if isinstance(last, ast.Starred):
                return ast.Starred(marked(last.value), ast.Load())
            return self.stage("mark", self.place(node), last)

        if keywords:
            keywords[-1].value = marked(keywords[-1].value)
        elif arguments:
            arguments[-1] = marked(arguments[-1])
        else:
            function = marked(function)
        return ast.Call(function, arguments, keywords)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left = self.expression(node.left)
        return ast.BinOp(left, node.op, self._marked(node, node.right))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        if isinstance(node.op, ast.Not):
            operand = self.expression(node.operand)
            return self.stage("invert", self.place(node), operand)
        return ast.UnaryOp(node.op, self._marked(node, node.operand))

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        if len(node.ops) > 1:
            return self._chain(node)
        left, operator = self.expression(node.left), node.ops[0]
        if isinstance(operator, ast.In | ast.NotIn):
            right = self.expression(node.comparators[0])
            found = self.stage("contains", self.place(node), left, right)
            negated = isinstance(operator, ast.NotIn)
            return ast.UnaryOp(ast.Not(), found) if negated else found
        return ast.Compare(left, [operator], [self._marked(node, node.comparators[0])])

    def _chain(self, node: ast.Compare) -> ast.expr:
        first = self.expression(node.left)
        symbols = strings(_COMPARISONS[type(operator)] for operator in node.ops)
        rest = [thunk(self.expression(right)) for right in node.comparators]
        return self.stage("chain", self.place(node), first, symbols, *rest)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        first, *rest = (self.expression(value) for value in node.values)
        method = "both" if isinstance(node.op, ast.And) else "either"
        return self.stage(method, self.place(node), first, *map(thunk, rest))

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        test = self.expression(node.test)
        then, otherwise = self.expression(node.body), self.expression(node.orelse)
        return self.stage(
            "choose", self.place(node), test, thunk(then), thunk(otherwise)
        )

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        value, index = self.expression(node.value), self.index(node.slice)
        marked = self.stage("mark", self.place(node), index)
        return ast.Subscript(value, marked, ast.Load())

    def index(self, node: ast.expr) -> ast.expr:
        """A subscript as an ordinary expression: slices become calls."""
        if isinstance(node, ast.Tuple):
            return ast.Tuple([self.index(part) for part in node.elts], ast.Load())
        if isinstance(node, ast.Slice):
            bounds = (node.lower, node.upper, node.step)
            none: list[ast.expr] = [
                ast.Constant(None) if part is None else self.expression(part)
                for part in bounds
            ]
            return self.stage("slice", *none)
        return self.expression(node)
