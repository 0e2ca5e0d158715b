"""Visiting the statements of a function with what is known at each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tiledsl.analysis.conditions import assuming, entry, in_axes, in_loop
from tiledsl.analysis.ranges import Ranges, holds_load
from tiledsl.ir.nodes import (
    Assert,
    Atomic,
    Block,
    Expr,
    For,
    Function,
    If,
    Launch,
    Let,
    Parallel,
    Statement,
    Var,
    While,
)
from tiledsl.ir.visitor import walk

Change = Callable[[Statement, Ranges], Statement | Block]


def rewrite_with_ranges(function: Function, change: Change) -> Function:
    """The function with ``change`` applied to every statement, the outer ones first.

    ``change`` gets a statement and the ranges before it, and returns what takes its
    place; bodies of the result are visited next.

    Inside ``Parallel`` a condition is not assumed, nor that a loop whose bounds differ
    between iterations has not ended: backends evaluate these under a mask.
    """
    body = _Walk(change, frozenset(), False, True).block(function.body, entry(function))
    return function if body is function.body else replace(function, body=body)


@dataclass(frozen=True)
class _Walk:
    change: Change
    varying: frozenset[str]  # what differs between iterations of a Parallel around
    masked: bool
    at_host: bool  # where calls verify what is assumed

    def block(self, block: Block, ranges: Ranges) -> Block:
        result: list[Statement] = []
        for statement in block:
            changed = self.change(statement, ranges)
            parts = changed if isinstance(changed, tuple) else (changed,)
            result += [self.inside(part, ranges) for part in parts]
            for part in parts:
                if isinstance(part, Let):
                    ranges = ranges.with_let(part.var, part.value)
                elif isinstance(part, Assert) and part.assumed and self.at_host:
                    ranges = assuming(ranges, part.condition)
        same = len(result) == len(block) and all(
            new is old for new, old in zip(result, block, strict=True)
        )
        return block if same else tuple(result)

    def inside(self, statement: Statement, ranges: Ranges) -> Statement:
        match statement:
            case If(condition=condition, then=then, otherwise=otherwise):
                yes = no = ranges
                if not self.masked:
                    yes = assuming(ranges, condition)
                    no = assuming(ranges, condition, holds=False)
                then = self.block(then, yes)
                otherwise = self.block(otherwise, no)
                if then is statement.then and otherwise is statement.otherwise:
                    return statement
                return replace(statement, then=then, otherwise=otherwise)
            case For():
                inner = in_loop(ranges, statement) if self._known(statement) else ranges
                return self._with_body(statement, inner)
            case While(condition=condition):
                inner = ranges if self.masked else assuming(ranges, condition)
                return self._with_body(statement, inner)
            case Launch(vars=names, grid=extents):
                inner = in_axes(ranges, names, extents)
                return replace(self, at_host=False)._with_body(statement, inner)
            case Parallel(vars=names, extents=extents, body=body):
                inner = in_axes(ranges, names, extents)
                own = declared_names(body) | {var.name for var in names}
                masked = replace(self, varying=frozenset(own), masked=True)
                return masked._with_body(statement, inner)
        return statement

    def _known(self, loop: For) -> bool:
        return not self.masked or not any(
            self._varies(bound) for bound in (loop.start, loop.stop, loop.step)
        )

    def _varies(self, expr: Expr) -> bool:
        return holds_load(expr) or any(
            isinstance(part, Var) and part.name in self.varying for part in walk(expr)
        )

    def _with_body(
        self, statement: For | While | Launch | Parallel, ranges: Ranges
    ) -> Statement:
        body = self.block(statement.body, ranges)
        return statement if body is statement.body else replace(statement, body=body)


def declared_names(block: Block) -> set[str]:
    """The variables that statements of a block declare, at any depth."""
    found: set[str] = set()
    for statement in block:
        for part in walk(statement):
            if isinstance(part, Let | For):
                found.add(part.var.name)
            elif isinstance(part, Parallel | Launch):
                found.update(var.name for var in part.vars)
            elif isinstance(part, Atomic) and part.previous is not None:
                found.add(part.previous.name)
    return found
