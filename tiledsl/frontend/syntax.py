"""The Python that kernels may not use, and how large they may be (rule L26)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.source import Source

NESTING_LIMIT: Final = 256

# node type -> code, name of the construct, way out
_REJECTED: Final[dict[type[ast.AST], tuple[str, str, str]]] = {
    ast.Try: ("E0110", "try", "a kernel has no exceptions; test the condition with if"),
    ast.TryStar: ("E0110", "try", "a kernel has no exceptions; test with if"),
    ast.Raise: ("E0111", "raise", "use assert, or T.device_assert"),
    ast.Yield: ("E0112", "yield", "write results to an output tensor"),
    ast.YieldFrom: ("E0112", "yield from", "write results to an output tensor"),
    ast.Await: ("E0113", "await", "kernels run synchronously in program order"),
    ast.AsyncFor: ("E0113", "async for", "use for"),
    ast.AsyncWith: ("E0113", "async with", "use with"),
    ast.AsyncFunctionDef: ("E0113", "async def", "use def"),
    ast.ClassDef: ("E0114", "class", "define the class outside the kernel"),
    ast.Delete: ("E0115", "del", "names end with their block; leave it out"),
    ast.Global: ("E0116", "global", "pass the value as a parameter"),
    ast.Nonlocal: ("E0117", "nonlocal", "use T.alloc_var, or return the value"),
    ast.Match: ("E0118", "match", "use if / elif / else"),
    ast.Import: ("E0119", "import", "import at the top of the file"),
    ast.ImportFrom: ("E0119", "import", "import at the top of the file"),
    ast.NamedExpr: ("E0121", ":=", "assign in a statement of its own"),
}


def check_syntax(source: Source) -> None:
    """Raises KernelError at the first construct that a kernel may not contain."""
    for node, depth in _nodes(source.tree):
        placed = hasattr(node, "lineno")  # operators have no place of their own
        if placed and depth + _operands(node) > NESTING_LIMIT:
            raise KernelError(
                "E0125",
                "the code is nested too deeply",
                span=source.span(node),
                expected=f"at most {NESTING_LIMIT} levels",
                hint="give parts of it a name",
            )
        _check_node(source, node)
    _check_returns(source)


def _operands(node: ast.AST) -> int:
    """How deeply the IR of one node nests: ``a and b and c`` becomes a chain."""
    if isinstance(node, ast.BoolOp):
        return len(node.values)
    return len(node.ops) if isinstance(node, ast.Compare) else 0


def _check_node(source: Source, node: ast.AST) -> None:
    rejected = _REJECTED.get(type(node))
    if rejected is not None:
        code, construct, hint = rejected
        raise KernelError(
            code,
            f"{construct} cannot be used in a kernel",
            span=source.span(node),
            hint=hint,
        )
    if isinstance(node, ast.Starred) and isinstance(node.ctx, ast.Store):
        raise KernelError(
            "E0120",
            "a starred target cannot be used in a kernel",
            span=source.span(node),
            hint="name every target",
        )
    if isinstance(node, ast.For | ast.While) and node.orelse:
        raise KernelError(
            "E0122",
            "else after a loop cannot be used in a kernel",
            span=source.span(node.orelse[0]),
            hint="keep a flag in a T.alloc_var",
        )


def _nodes(tree: ast.FunctionDef) -> Iterator[tuple[ast.AST, int]]:
    """The nodes of the body and their depth, without the bodies of nested functions.

    Nested functions are Python, or kernels and macros that are checked themselves.
    """
    stack: list[tuple[ast.AST, int]] = [(node, 1) for node in reversed(tree.body)]
    while stack:
        node, depth = stack.pop()
        yield node, depth
        if isinstance(node, ast.FunctionDef):
            parts: list[ast.AST] = list(node.decorator_list)
        else:
            parts = list(ast.iter_child_nodes(node))
        stack.extend((part, depth + 1) for part in reversed(parts))


def _check_returns(source: Source) -> None:
    last = source.tree.body[-1]
    for node, _ in _nodes(source.tree):
        if isinstance(node, ast.Return) and node is not last:
            raise KernelError(
                "E0124",
                "return is allowed only as the last statement of the function",
                span=source.span(node),
                hint="use if / else around the statements, or a T.alloc_var",
            )


def bound_names(tree: ast.FunctionDef) -> frozenset[str]:
    """The names that the body assigns; not those of nested functions or comprehensions."""
    return frozenset(_assigned(tree.body))


def assigned_in(statements: list[ast.stmt]) -> tuple[str, ...]:
    """The names that these statements assign, each once, in order."""
    return tuple(dict.fromkeys(_assigned(statements)))


def _assigned(statements: list[ast.stmt]) -> Iterator[str]:
    stack: list[ast.AST] = list(reversed(statements))
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif not isinstance(
            node,
            ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
        ):
            stack.extend(reversed(list(ast.iter_child_nodes(node))))


def bare_annotations(tree: ast.FunctionDef) -> frozenset[str]:
    """The names declared by statements ``name: annotation`` without a value."""
    return frozenset(
        node.target.id
        for node, _ in _nodes(tree)
        if isinstance(node, ast.AnnAssign)
        and node.value is None
        and isinstance(node.target, ast.Name)
    )
