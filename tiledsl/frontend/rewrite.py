"""Rewriting a kernel's statements into Python that calls its ``stage``.

The result is an ordinary function with one more parameter, ``__stage`` (``s`` below); k
numbers a place in the source, t is a fresh name.

=====================  ====================================================
the user writes        Python runs
=====================  ====================================================
any statement          first ``s.at(k)``
``x = v``              ``x = s.assign(k, "x", x, v)``
``x: a = v``           ``x = s.assign_typed(k, "x", x, a, v)``
``x: a``               ``x = s.declare(k, "x", x, a)``
``x, y = v``           ``t = s.unpack(k, v, 2)``, then each target from t
``b[i] = v``           ``s.store(k, v, b, i)``
``x += v``             ``x = s.update(k, "x", x, "+", v)``
``b[i] += v``          ``s.update_element(k, b, i, "+", v)``
``if c: A else: B``    ``t = s.branch(k, c, True)``, ``if t.then: with t.arm(): A``,
                       ``if t.otherwise: with t.arm(): B``
``for i in e: A``      ``for t in s.loop(k, e, ("i",)): i = s.bind(...); A``
``while c: A``         ``for t in s.loop_while(k, lambda: c): A``
``f(a)``               ``s.alone(k, f(a))``
``break``              ``if s.leave(k): continue``
``with e as x: A``     ``with s.enter(k, e, ("x",)) as t: x = s.bind(...); A``
``assert c, m``        ``s.check(k, c, lambda: m)``
``breakpoint()``       ``s.stop(k, breakpoint, {"x": x, ...})``
``return v``           ``return s.give_back(k, v)``
=====================  ====================================================

Local names start as ``s.unbound``, so that reading one too early is our error, and the
names that an arm rebinds get their values back before the other arm runs.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from tiledsl.diagnostics import InternalError
from tiledsl.frontend.rewrite_assignments import (
    AssignmentRewriter,
    Statements,
    assignment,
)
from tiledsl.frontend.rewrite_expressions import (
    STAGE,
    name,
    new_function,
    strings,
    thunk,
)
from tiledsl.frontend.source import Source
from tiledsl.frontend.syntax import assigned_in, bound_names


class Rewriter(AssignmentRewriter):
    """Rewrites the ``def`` statement of one function."""

    def __init__(self, source: Source, free: Sequence[str] = ()) -> None:
        super().__init__(source, bound_names(source.tree), frozenset(free))
        self._captured = any(
            isinstance(node, ast.FunctionDef) and node is not source.tree
            for node in ast.walk(source.tree)
        )

    def function(self) -> ast.FunctionDef:
        """The new ``def`` statement, without decorators and annotations."""
        old = self.source.tree
        parameters = _without_annotations(old.args)
        named = {part.arg for part in ast.walk(parameters) if isinstance(part, ast.arg)}
        body = self.block(old.body)
        unbound = sorted(self.local_names - named)
        if unbound:
            targets: list[ast.expr] = [ast.Name(n, ast.Store()) for n in unbound]
            value = ast.Attribute(name(STAGE), "unbound", ast.Load())
            body.insert(0, ast.Assign(targets, value))
        parameters.posonlyargs.insert(0, ast.arg(STAGE))
        new = new_function(old.name, parameters, body)
        return ast.fix_missing_locations(ast.copy_location(new, old))

    # ------------------------------------------------------------------- blocks

    def block(self, statements: Sequence[ast.stmt]) -> Statements:
        """The rewritten suite; what follows break, continue or return is dropped."""
        result: Statements = []
        for position, statement in enumerate(statements):
            new: Statements = self.visit(statement)
            if new and not isinstance(statement, ast.Pass):
                new.insert(0, ast.Expr(self.stage("at", self.place(statement))))
            result += [ast.copy_location(part, statement) for part in new]
            last = isinstance(statement, ast.Break | ast.Continue | ast.Return)
            if last and position + 1 < len(statements):
                place = self.place(statements[position + 1])
                warning = ast.Expr(self.stage("unreachable", place))
                result.insert(-1, ast.copy_location(warning, statement))
                break
        return result or [ast.Pass()]

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.stmt):
            raise InternalError("E9001", f"no rewriting rule for {type(node).__name__}")
        return super().generic_visit(node)

    # -------------------------------------------------------- simple statements

    def visit_Pass(self, node: ast.Pass) -> Statements:
        return [node]

    def visit_Expr(self, node: ast.Expr) -> Statements:
        if isinstance(node.value, ast.Constant):
            return []
        if self._is_breakpoint(node.value):
            return [ast.Expr(self._breakpoint(node))]
        value = self.expression(node.value)
        return [ast.Expr(self.stage("alone", self.place(node), value))]

    def _is_breakpoint(self, node: ast.expr) -> bool:
        """Whether this is ``breakpoint()``, which may be the builtin function."""
        return (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "breakpoint"
            and not (node.args or node.keywords)
            and "breakpoint" not in self.local_names | self.free
        )

    def _breakpoint(self, node: ast.Expr) -> ast.Call:
        arguments = ast.walk(self.source.tree.args)
        parameters = {part.arg for part in arguments if isinstance(part, ast.arg)}
        known = sorted(self.local_names | parameters)
        keys: list[ast.expr | None] = [ast.Constant(local) for local in known]
        names = ast.Dict(keys, [name(local) for local in known])
        return self.stage("stop", self.place(node), name("breakpoint"), names)

    def visit_Assert(self, node: ast.Assert) -> Statements:
        message = thunk(self.expression(node.msg) if node.msg else ast.Constant(""))
        test = self.expression(node.test)
        return [ast.Expr(self.stage("check", self.place(node), test, message))]

    def visit_Return(self, node: ast.Return) -> Statements:
        value = self.expression(node.value) if node.value else ast.Constant(None)
        return [ast.Return(self.stage("give_back", self.place(node), value))]

    def visit_Break(self, node: ast.Break) -> Statements:
        return self._jump("leave", node)

    def visit_Continue(self, node: ast.Continue) -> Statements:
        return self._jump("skip", node)

    def _jump(self, method: str, node: ast.stmt) -> Statements:
        # True: no code of this iteration remains to be traced
        test = self.stage(method, self.place(node))
        return [ast.If(test, [ast.Continue()], [])]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Statements:
        # its body stays: it is plain Python, or a macro with a rewriting of its own
        parts = dict(ast.iter_fields(node))
        parts["decorator_list"] = [self.expression(d) for d in node.decorator_list]
        noted = self.stage("define", self.place(node), ast.Constant(node.name))
        return [ast.FunctionDef(**parts), ast.Expr(noted)]

    # -------------------------------------------------------- compound statements

    def visit_If(self, node: ast.If) -> Statements:
        branch, before = self.fresh(), self.fresh()
        test = self.expression(node.test)
        has_else = ast.Constant(bool(node.orelse))
        opened = self.stage("branch", self.place(node.test), test, has_else)
        statements: Statements = [assignment(branch, opened)]
        rebound = assigned_in(node.body) if node.orelse else ()
        if rebound:
            saved: list[ast.expr] = [name(identifier) for identifier in rebound]
            statements.append(assignment(before, ast.Tuple(saved, ast.Load())))
        statements.append(_arm(branch, "then", self.block(node.body)))
        if node.orelse:
            otherwise = self.block(node.orelse)
            if rebound:
                targets: list[ast.expr] = [ast.Name(n, ast.Store()) for n in rebound]
                old = ast.Tuple(targets, ast.Store())
                otherwise.insert(0, ast.Assign([old], name(before)))
            statements.append(_arm(branch, "otherwise", otherwise))
        return statements + self._ending(node)

    def visit_For(self, node: ast.For) -> Statements:
        item = self.fresh()
        iterable = self._iterable(node.iter)
        names = strings(_target_names(node.target))
        loop = self.stage("loop", self.place(node.iter), iterable, names)
        body = self.assign_target("bind", node, node.target, name(item))
        body += self.block(node.body)
        loop_statement = ast.For(ast.Name(item, ast.Store()), loop, body, [])
        return [loop_statement, *self._ending(node)]

    def _ending(self, node: ast.stmt) -> Statements:
        """Takes the names that a block bound away from functions defined in the kernel.

        The kernel's own reads are checked one by one, but a nested function reads
        Python's variables.
        """
        if not self._captured:
            return []
        return [
            assignment(target, self.stage("after", ast.Constant(target), name(target)))
            for target in assigned_in([node])
        ]

    def _iterable(self, node: ast.expr) -> ast.expr:
        """``range(...)`` as such stands for ``T.serial(...)``; elsewhere it is Python's."""
        value = self.expression(node)
        if isinstance(value, ast.Call) and isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name) and function.id == "range":
                value.func = self.stage("range_of", value.func)
        return value

    def visit_While(self, node: ast.While) -> Statements:
        test = thunk(self.expression(node.test))
        loop = self.stage("loop_while", self.place(node.test), test)
        body = self.block(node.body)
        loop_statement = ast.For(ast.Name(self.fresh(), ast.Store()), loop, body, [])
        return [loop_statement, *self._ending(node)]

    def visit_With(self, node: ast.With) -> Statements:
        return self._with_items(node, node.items)

    def _with_items(self, node: ast.With, items: list[ast.withitem]) -> Statements:
        if not items:
            return self.block(node.body)
        first, temporary = items[0], self.fresh()
        target = first.optional_vars
        names = strings(_target_names(target) if target else ())
        context = self.expression(first.context_expr)
        entered = self.stage("enter", self.place(first.context_expr), context, names)
        body: Statements = []
        if target:
            body += self.assign_target("bind", node, target, name(temporary))
        body += self._with_items(node, items[1:])
        variable = ast.Name(temporary, ast.Store())
        return [ast.With([ast.withitem(entered, variable)], body)]


def _arm(branch: str, attribute: str, body: Statements) -> ast.If:
    """``if branch.attribute: with branch.arm(): body``"""
    taken = ast.Attribute(name(branch), attribute, ast.Load())
    arm = ast.Call(ast.Attribute(name(branch), "arm", ast.Load()), [], [])
    return ast.If(taken, [ast.With([ast.withitem(arm)], body)], [])


def _target_names(target: ast.expr) -> tuple[str, ...]:
    """Names for the loop's index variables, as the user calls them."""
    if isinstance(target, ast.Tuple | ast.List):
        return tuple(
            part.id if isinstance(part, ast.Name) else "i" for part in target.elts
        )
    return (target.id,) if isinstance(target, ast.Name) else ("i",)


def _without_annotations(parameters: ast.arguments) -> ast.arguments:
    def bare(argument: ast.arg) -> ast.arg:
        return ast.copy_location(ast.arg(argument.arg), argument)

    # defaults are kept in the function object; here only their number matters
    nothing: list[ast.expr] = [ast.Constant(None) for _ in parameters.defaults]
    return ast.arguments(
        posonlyargs=[bare(part) for part in parameters.posonlyargs],
        args=[bare(part) for part in parameters.args],
        vararg=bare(parameters.vararg) if parameters.vararg else None,
        kwonlyargs=[bare(part) for part in parameters.kwonlyargs],
        kw_defaults=[part and ast.Constant(None) for part in parameters.kw_defaults],
        kwarg=bare(parameters.kwarg) if parameters.kwarg else None,
        defaults=nothing,
    )
