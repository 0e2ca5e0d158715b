"""Threads that stop early: returns, and exits from loops that the whole block runs.

A thread that leaves such a loop, or the kernel, cannot stop the others: it clears flags,
and what follows runs only for the threads whose flag is set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from tiledsl.frontend.threads.statements import ThreadReturn
from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.nodes import (
    Apply,
    Block,
    Break,
    Buffer,
    Const,
    Continue,
    Expr,
    For,
    If,
    Load,
    Node,
    Parallel,
    Statement,
    Store,
    While,
)
from tiledsl.ir.spans import Span
from tiledsl.ir.visitor import walk


@dataclass(frozen=True, slots=True)
class LoopFlags:
    """Whether this thread still takes part in the loop, and in its iteration."""

    loop: Buffer
    iteration: Buffer


@dataclass(frozen=True, slots=True)
class Exits:
    """The flags of the kernel and of the loops around, outermost first.

    A loop that all threads leave together has none.
    """

    kernel: Buffer | None = None
    loops: tuple[LoopFlags | None, ...] = ()

    @property
    def flag(self) -> Buffer | None:
        """The innermost flag, which implies those around it."""
        for flags in reversed(self.loops):
            if flags is not None:
                return flags.iteration
        return self.kernel

    def lowered(self, statement: Node) -> Block:
        """The statement of one thread, its exits as stores to flags."""
        return self._statement(statement, in_loop=False)[0]

    def _block(self, block: Sequence[Node], in_loop: bool) -> tuple[Block, bool]:
        done: list[Statement] = []
        for position, statement in enumerate(block):
            lowered, leaves = self._statement(statement, in_loop)
            done += lowered
            if not leaves:
                continue
            rest, _ = self._block(block[position + 1 :], in_loop)
            if in_loop:
                gone = Apply("not", (self._load(statement.span),))
                done.append(If(gone, (Break(span=statement.span),)))
                done += rest
            elif rest:
                done.append(If(self._load(statement.span), rest, span=statement.span))
            return tuple(done), True
        return tuple(done), False

    def _statement(self, statement: Node, in_loop: bool) -> tuple[Block, bool]:
        match statement:
            case ThreadReturn():
                flags = [self.kernel]
                for around in self.loops:
                    if around is not None:
                        flags += [around.loop, around.iteration]
                return _cleared(flags, statement.span), True
            case Break() | Continue() if not in_loop and self.loops[-1:] != (None,):
                own = self.loops[-1] if self.loops else None
                if own is None:
                    return (statement,), False
                left = [own.loop] if isinstance(statement, Break) else []
                return _cleared([*left, own.iteration], statement.span), True
            case If(condition=condition, then=then, otherwise=otherwise):
                then, first = self._block(then, in_loop)
                otherwise, second = self._block(otherwise, in_loop)
                made = If(condition, then, otherwise, span=statement.span)
                return (made,), first or second
            case For(body=body):
                body, leaves = self._block(body, True)
                kind = "serial" if statement.kind == "pipelined" else statement.kind
                bounds = (statement.var, statement.start, statement.stop)
                loop = For(*bounds, statement.step, body, kind, span=statement.span)
                return (loop,), leaves
            case While(condition=condition, body=body):
                body, leaves = self._block(body, True)
                return (While(condition, body, span=statement.span),), leaves
        return (cast("Statement", statement),), False

    def _load(self, span: Span) -> Expr:
        if self.flag is None:
            return Const(True, BOOL, span=span)
        return Load(self.flag, (), span=span)


def _cleared(flags: Sequence[Buffer | None], span: Span) -> Block:
    no = Const(False, BOOL, span=span)
    return tuple(Store(flag, (), no, span=span) for flag in flags if flag is not None)


def returns(body: Sequence[Node]) -> bool:
    """Whether some thread may return early."""
    return any(isinstance(part, ThreadReturn) for top in body for part in walk(top))


def leaves_loop(body: Sequence[Node]) -> bool:
    """Whether a break or continue of the loop with this body is in it."""
    for statement in body:
        match statement:
            case Break() | Continue():
                return True
            case If(then=then, otherwise=otherwise):
                if leaves_loop(then) or leaves_loop(otherwise):
                    return True
            case Parallel():
                continue
    return False
