"""Smaller programs that fail in the same way.

Greedy: of all one-step simplifications of a program the first that still fails is taken,
until none does.  A step may leave a tile without its first write; the interpreter's two
runs on different garbage then complain about that, which is another failure, so the step
is refused.  Positions that are written are never changed: iterations stay independent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from tiledsl.diagnostics import Error
from tiledsl.ir.nodes import (
    Accumulate,
    Apply,
    Bitcast,
    Block,
    Buffer,
    Cast,
    Const,
    Expr,
    Fill,
    For,
    Function,
    If,
    Launch,
    Let,
    Load,
    Node,
    Parallel,
    Select,
    Statement,
    Store,
    Var,
    While,
)
from tiledsl.ir.verifier import problems
from tiledsl.ir.visitor import blocks, children, rebuild, walk
from tiledsl.testing.generator.program import Program

Fails = Callable[[Program], bool]


def reduce_program(program: Program, fails: Fails, *, seconds: float = 60) -> Program:
    """The smallest program found that still ``fails``; the program itself if none is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for smaller in _simpler(program):
            if time.monotonic() > deadline:
                return program
            if _still(smaller, fails):
                program = smaller
                break
        else:
            return program
    return program


def _still(program: Program, fails: Fails) -> bool:
    try:
        return not problems(program.function) and fails(program)
    except (Error, KeyError, ValueError, TypeError):
        return False  # the step made something that is no program


def _simpler(program: Program) -> Iterator[Program]:
    """Programs one step away, the boldest steps first."""
    function = program.function
    for body in _shorter(function.body):
        yield replace(program, function=replace(function, body=body))
    yield from _without_parameters(program)
    for at, value in enumerate(program.dims):
        for less in {0, 1, value // 2, value - 1}:
            if 0 <= less < value:
                dims = (*program.dims[:at], less, *program.dims[at + 1 :])
                yield replace(program, dims=dims)
    for body in _plainer(function.body):
        yield replace(program, function=replace(function, body=body))


# ------------------------------------------------------------------ statements


def _shorter(block: Block) -> Iterator[Block]:
    """The block without a statement, or with one replaced by its parts."""
    for at in reversed(range(len(block))):
        before, statement, after = block[:at], block[at], block[at + 1 :]
        yield (*before, *after)
        for inside in _unwrapped(statement):
            yield (*before, *inside, *after)
        for smaller in _with_shorter_blocks(statement):
            yield (*before, smaller, *after)


def _unwrapped(statement: Statement) -> Iterator[Block]:
    match statement:
        case If(then=then, otherwise=otherwise):
            yield then
            yield otherwise
        case For(var=var, start=start, body=body):
            yield (Let(var, start), *body)
        case While(body=body):
            yield body


def _with_shorter_blocks(statement: Statement) -> Iterator[Statement]:
    match statement:
        case If(then=then, otherwise=otherwise):
            for block in _shorter(then):
                yield replace(statement, then=block)
            for block in _shorter(otherwise):
                yield replace(statement, otherwise=block)
        case (
            For(body=body) | While(body=body) | Parallel(body=body) | Launch(body=body)
        ):
            for block in _shorter(body):
                yield replace(statement, body=block)


def _without_parameters(program: Program) -> Iterator[Program]:
    """Without a parameter that nothing mentions."""
    function = program.function
    used = {_name(node) for statement in function.body for node in walk(statement)}
    for at, param in enumerate(function.params):
        if param.name not in used:
            yield replace(program, function=_without(function, at))


def _without(function: Function, at: int) -> Function:
    params = (*function.params[:at], *function.params[at + 1 :])
    outputs = tuple(out - (out > at) for out in function.outputs if out != at)
    return replace(function, params=params, outputs=outputs)


def _name(node: Node) -> str:
    return node.name if isinstance(node, Var | Buffer) else ""


# ----------------------------------------------------------------- expressions


def _plainer(block: Block) -> Iterator[Block]:
    """The block with one expression made simpler."""
    for at, statement in enumerate(block):
        for plainer in _plainer_statement(statement):
            yield (*block[:at], plainer, *block[at + 1 :])


def _plainer_statement(statement: Statement) -> Iterator[Statement]:
    for name in _values(statement):
        value = getattr(statement, name)
        for simple in _plainer_expression(value):
            yield replace(statement, **{name: simple})  # type: ignore[arg-type]
    for block in blocks(statement):
        for plainer in _plainer(block):
            yield _with_block(statement, block, plainer)


def _values(statement: Statement) -> tuple[str, ...]:
    """The fields that hold values: changing them changes no position that is written."""
    match statement:
        case Store() | Let() | Fill() | Accumulate():
            return ("value",)
        case If():
            return ("condition",)
    return ()


def _with_block(statement: Statement, old: Block, new: Block) -> Statement:
    for name in ("then", "otherwise", "body"):
        if getattr(statement, name, None) is old:
            return replace(statement, **{name: new})  # type: ignore[arg-type]
    return statement


def _plainer_expression(expr: Expr) -> Iterator[Expr]:
    """A part of the same dtype, a constant, or the same with one part plainer."""
    if isinstance(expr, Const):
        return
    if not isinstance(expr, Load | Var):
        for part in children(expr):
            if isinstance(part, _EXPRESSIONS) and part.dtype == expr.dtype:
                yield part
    yield from _constants(expr)
    for part in list(children(expr)):
        if not isinstance(part, _EXPRESSIONS):
            continue
        for simple in _plainer_expression(part):
            yield _with_part(expr, part, simple)


def _with_part(expr: Expr, part: Node, new: Expr) -> Expr:
    return rebuild(expr, lambda old: new if old is part else old)


_EXPRESSIONS = (Const, Var, Apply, Select, Cast, Bitcast, Load)


def _constants(expr: Expr) -> Iterator[Const]:
    dtype = expr.dtype
    if dtype.kind == "bool":
        yield Const(True, dtype)
        yield Const(False, dtype)
    else:
        yield Const(1.0 if dtype.is_float else 1, dtype)
