"""What the source of a jitted function says about how it is called."""

from __future__ import annotations

import ast


def has_prim_func(tree: ast.FunctionDef) -> bool:
    """Whether the function defines a ``T.prim_func`` inside."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node is not tree:
            for decorator in node.decorator_list:
                form = decorator.func if isinstance(decorator, ast.Call) else decorator
                name = form.attr if isinstance(form, ast.Attribute) else form
                if getattr(name, "id", name) == "prim_func":
                    return True
    return False


def has_launch(tree: ast.FunctionDef) -> bool:
    """Whether the function has a ``with``, as launches do."""
    return any(isinstance(node, ast.With) for node in ast.walk(tree))
