"""Rewrites ``break`` and ``continue`` to flags, for a language without jumps.

for i in 0..n:                    at = 0; done = False
    if a[i] < 0: break            while at < n and not done:
    b[i] = a[i]                       i = at
                                      if a[i] < 0: done = True
                                      if not done: b[i] = a[i]
                                      at += 1
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tiledsl.ir.dtypes import BOOL, INDEX, DType
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    Block,
    Break,
    Buffer,
    Const,
    Continue,
    Expr,
    For,
    Function,
    If,
    Launch,
    Let,
    Load,
    Parallel,
    Select,
    Statement,
    Store,
    Var,
    While,
    index,
)
from tiledsl_triton.naming import Names

_FALSE, _TRUE = Const(False, BOOL), Const(True, BOOL)


@dataclass(frozen=True, slots=True)
class _Flags:
    """What ``break`` and ``continue`` set in the innermost loop."""

    left: Buffer | None = None
    skipped: Buffer | None = None


def _variable(names: Names, hint: str, dtype: DType) -> Buffer:
    return Buffer(names.fresh(hint), (), dtype, "local")


def _unset(flag: Buffer) -> Expr:
    return Apply("not", (Load(flag, ()),))


def _contains(block: Block, kind: type[Break] | type[Continue]) -> bool:
    """Whether a jump of this kind belongs to the loop around the block."""
    for statement in block:
        if isinstance(statement, kind):
            return True
        if isinstance(statement, If) and (
            _contains(statement.then, kind) or _contains(statement.otherwise, kind)
        ):
            return True
    return False


def remove_jumps(function: Function, names: Names) -> Function:
    """The function without Break and Continue."""
    return replace(function, body=_block(function.body, _Flags(), names))


def _block(block: Block, flags: _Flags, names: Names) -> Block:
    result: list[Statement] = []
    for place, statement in enumerate(block):
        if isinstance(statement, Break | Continue):
            flag = flags.left if isinstance(statement, Break) else flags.skipped
            if flag is not None:
                result.append(Store(flag, (), _TRUE, span=statement.span))
            return tuple(result)
        result += _statement(statement, flags, names)
        tests = _after(statement, flags)
        if tests and place + 1 < len(block):
            rest = _block(block[place + 1 :], flags, names)
            condition = tests[0] if len(tests) == 1 else Apply("and", tuple(tests))
            result.append(If(condition, rest, span=statement.span))
            return tuple(result)
    return tuple(result)


def _after(statement: Statement, flags: _Flags) -> list[Expr]:
    """What must hold after a statement for its block to go on."""
    if not isinstance(statement, If):
        return []
    arms = (*statement.then, *statement.otherwise)
    tests = []
    if flags.left is not None and _contains(arms, Break):
        tests.append(_unset(flags.left))
    if flags.skipped is not None and _contains(arms, Continue):
        tests.append(_unset(flags.skipped))
    return tests


def _statement(
    statement: Statement, flags: _Flags, names: Names
) -> tuple[Statement, ...]:
    if isinstance(statement, If):
        then = _block(statement.then, flags, names)
        otherwise = _block(statement.otherwise, flags, names)
        return (replace(statement, then=then, otherwise=otherwise),)
    if isinstance(statement, Parallel | Launch):
        body = _loop_body(statement.body, None, names)
        return (replace(statement, body=body),)
    if isinstance(statement, While):
        return _while(statement, names)
    if isinstance(statement, For):
        if _contains(statement.body, Break):
            return _while_for(statement, names)
        return (replace(statement, body=_loop_body(statement.body, None, names)),)
    return (statement,)


def _loop_body(body: Block, left: Buffer | None, names: Names) -> Block:
    if not _contains(body, Continue):
        return _block(body, _Flags(left), names)
    skipped = _variable(names, "skipped", BOOL)
    rest = _block(body, _Flags(left, skipped), names)
    return (Allocate(skipped), Store(skipped, (), _FALSE), *rest)


def _while(loop: While, names: Names) -> tuple[Statement, ...]:
    if not _contains(loop.body, Break):
        return (replace(loop, body=_loop_body(loop.body, None, names)),)
    left = _variable(names, "left", BOOL)
    condition = Apply("and", (loop.condition, _unset(left)))
    body = _loop_body(loop.body, left, names)
    return (
        Allocate(left),
        Store(left, (), _FALSE),
        replace(loop, condition=condition, body=body),
    )


def _while_for(loop: For, names: Names) -> tuple[Statement, ...]:
    left, at = _variable(names, "left", BOOL), _variable(names, "at", INDEX)
    stop = Var(names.fresh("stop"), INDEX)
    step = Var(names.fresh("step"), INDEX)
    zero, here = index(0), Load(at, ())
    upward: Expr = Apply("lt", (here, stop))
    downward = Apply("and", (Apply("lt", (step, zero)), Apply("gt", (here, stop))))
    upward = Select(Apply("gt", (step, zero)), upward, downward)
    condition = Apply("and", (upward, _unset(left)))
    body = (
        Let(loop.var, here, span=loop.span),
        *_loop_body(loop.body, left, names),
        Store(at, (), Apply("add", (here, step))),
    )
    return (
        Let(stop, loop.stop, span=loop.span),
        Let(step, loop.step, span=loop.span),
        Allocate(left),
        Allocate(at),
        Store(left, (), _FALSE),
        Store(at, (), loop.start),
        While(condition, body, span=loop.span),
    )
