"""Walking and rebuilding IR, written once for every node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import TypeVar, cast

from tiledsl.ir.nodes import (
    Block,
    Buffer,
    For,
    Function,
    If,
    Launch,
    Node,
    Parallel,
    Statement,
    TileHint,
    While,
)

NodeT = TypeVar("NodeT", bound=Node)


_CHILD_FIELDS: dict[type, tuple[str, ...]] = {}


def _child_fields(kind: type[Node]) -> tuple[str, ...]:
    """Fields that may hold nodes or tuples of nodes; facts such as names may not."""
    if kind in _CHILD_FIELDS:
        return _CHILD_FIELDS[kind]
    skipped = ("str", "int", "bool", "DType", "Span", "Scope", "LoopKind", "Literal")
    names = tuple(
        field.name
        for field in fields(kind)
        if not str(field.type).startswith(skipped)
        and str(field.type)
        not in ("tuple[bool, ...]", "tuple[int, ...]", "tuple[str, ...]")
    )
    return _CHILD_FIELDS.setdefault(kind, names)


def children(node: Node) -> Iterator[Node]:
    """The direct parts of a node, in the order of its fields."""
    for name in _child_fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from value


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first, without recursion."""
    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        stack.extend(reversed(list(children(top))))


def blocks(node: Node) -> tuple[Block, ...]:
    """The blocks directly in a statement or function."""
    match node:
        case If(then=then, otherwise=otherwise):
            return then, otherwise
        case For() | While() | Parallel() | Launch() | TileHint() | Function():
            return (node.body,)
    return ()


def change_expressions(
    statement: Statement, change: Callable[[Node], Node]
) -> Statement:
    """Rebuilds a statement bottom-up, but neither its blocks nor declared buffers.

    ``change`` sees the statement too, last.
    """
    inside = {id(part) for block in blocks(statement) for part in block}

    def visit(part: Node) -> Node:
        if id(part) in inside or isinstance(part, Buffer):
            return part
        return change(rebuild(part, visit))

    return cast("Statement", visit(statement))


def rebuild(node: NodeT, change: Callable[[Node], Node | tuple[Node, ...]]) -> NodeT:
    """The node with ``change`` applied to its direct parts; itself if none changes.

    Inside a tuple ``change`` may return a tuple, which is spliced: () deletes a
    statement, several nodes replace it.
    """
    changed: dict[str, object] = {}
    for name in _child_fields(type(node)):
        old = getattr(node, name)
        new: object = old
        if isinstance(old, Node):
            new = change(old)
        elif isinstance(old, tuple):
            parts: list[Node] = []
            for part in old:
                result = change(part)
                parts.extend(result if isinstance(result, tuple) else (result,))
            if len(parts) != len(old) or any(
                a is not b for a, b in zip(parts, old, strict=True)
            ):
                new = tuple(parts)
        if new is not old:
            changed[name] = new
    return replace(node, **changed) if changed else node  # type: ignore[arg-type]


def transform(node: NodeT, change: Callable[[Node], Node | tuple[Node, ...]]) -> NodeT:
    """Rebuilds bottom-up: ``change`` sees each node after its parts were changed."""

    def visit(part: Node) -> Node | tuple[Node, ...]:
        return change(rebuild(part, visit))

    result = visit(node)
    if isinstance(result, tuple):
        raise TypeError("the root of a transform must stay one node")
    return cast(NodeT, result)


def substitute(node: NodeT, values: dict[str, Node]) -> NodeT:
    """The node with variables and buffers of the given names replaced."""

    def change(part: Node) -> Node:
        name = getattr(part, "name", None)
        return values.get(name, part) if isinstance(name, str) else part

    return transform(node, change)
