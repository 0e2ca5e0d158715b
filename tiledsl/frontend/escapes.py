"""Values used outside the block that computed them (rule L21).

Local names are checked as they are read; this finds what left its block through a list, a
closure or an attribute.
"""

from __future__ import annotations

from collections.abc import Iterator

from tiledsl.diagnostics import KernelError
from tiledsl.ir.nodes import (
    Allocate,
    Atomic,
    Block,
    Buffer,
    For,
    Function,
    If,
    Launch,
    Let,
    Node,
    Parallel,
    Statement,
    TileHint,
    Var,
    While,
)
from tiledsl.ir.visitor import children, walk


def check_escapes(function: Function) -> None:
    """Raises KernelError at the first use of a variable or buffer that has ended."""
    known = {param.name for param in function.params}
    known |= {dim.name for dim in function.dims}
    declared = _declared(function.body)
    _check_block(function.body, known, declared)


def _check_block(body: Block, known: set[str], declared: set[str]) -> None:
    known = set(known)
    for statement in body:
        for node in _own_parts(statement):
            if not isinstance(node, Var | Buffer) or node.name in known:
                continue
            if node.name in declared:
                raise _escaped(node, statement)
        match statement:
            case Let(var=var) | Atomic(previous=Var() as var):
                known.add(var.name)
            case Allocate(buffer=buffer):
                known.add(buffer.name)
        for block, bound in _blocks(statement):
            _check_block(block, known | {var.name for var in bound}, declared)


def _own_parts(statement: Statement) -> Iterator[Node]:
    """The expressions and regions of a statement, without its blocks."""
    match statement:
        case Let(value=value):
            yield from walk(value)
        case Atomic(previous=previous):
            for child in children(statement):
                if child is not previous:
                    yield from walk(child)
        case Allocate():
            return
        case For() | Parallel() | If() | While() | Launch() | TileHint():
            for name in _HEADERS[type(statement)]:
                part = getattr(statement, name)
                for node in part if isinstance(part, tuple) else (part,):
                    yield from walk(node)
        case _:
            for child in children(statement):
                yield from walk(child)


_HEADERS: dict[type[Node], tuple[str, ...]] = {
    For: ("start", "stop", "step"),
    Parallel: ("extents",),
    If: ("condition",),
    While: ("condition",),
    Launch: ("grid",),
    TileHint: (),
}


def _blocks(statement: Statement) -> Iterator[tuple[Block, tuple[Var, ...]]]:
    """The blocks of a statement, each with the variables that it binds."""
    match statement:
        case For(var=var, body=body):
            yield body, (var,)
        case Parallel(vars=bound, body=body) | Launch(vars=bound, body=body):
            yield body, bound
        case If(then=then, otherwise=otherwise):
            yield then, ()
            yield otherwise, ()
        case While(body=body) | TileHint(body=body):
            yield body, ()


def _declared(body: Block) -> set[str]:
    """Every name that some block of the function declares."""
    names: set[str] = set()
    pending = list(body)
    while pending:
        statement = pending.pop()
        match statement:
            case Let(var=var) | Atomic(previous=Var() as var):
                names.add(var.name)
            case Allocate(buffer=buffer):
                names.add(buffer.name)
        for block, bound in _blocks(statement):
            names |= {var.name for var in bound}
            pending.extend(block)
    return names


def _escaped(node: Var | Buffer, statement: Statement) -> KernelError:
    name = node.name
    what = "buffer" if isinstance(node, Buffer) else "value"
    return KernelError(
        "E0409",
        f"the {what} {name} is used outside the block that made it",
        span=statement.span,
        expected="uses inside the loop, branch or T.Kernel that made it",
        hint="allocate a buffer or a T.alloc_var before that block and write to it",
    )
