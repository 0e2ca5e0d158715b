"""What differs between the threads of a block, and what all of them agree on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tiledsl.analysis.effects import written
from tiledsl.frontend.threads.statements import Combine, Exchange
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Break,
    Buffer,
    Continue,
    Copy,
    Expr,
    Fill,
    For,
    Gemm,
    If,
    Let,
    Load,
    Node,
    Parallel,
    Reduce,
    Region,
    Sort,
    Store,
    Var,
    While,
)
from tiledsl.ir.visitor import children, walk

TILE_STATEMENTS = (Copy, Fill, Gemm, Reduce, Sort)


class Varying:
    """The variables and local buffers whose values depend on the thread.

    Elements of other buffers do if their subscripts do: threads that exchange values
    through them without an order between have a race.
    """

    def __init__(self, body: Sequence[Node], thread_vars: Iterable[Var]) -> None:
        self.vars = {var.name for var in thread_vars}
        self.buffers: set[str] = set()
        size = -1
        while size != len(self.vars) + len(self.buffers):
            size = len(self.vars) + len(self.buffers)
            self._block(body, False)

    def __contains__(self, node: Node) -> bool:
        """Whether an expression, region or buffer depends on the thread."""
        for part in walk(node):
            if isinstance(part, Var) and part.name in self.vars:
                return True
            if isinstance(part, Buffer) and part.name in self.buffers:
                return True
        return False

    def any_of(self, *nodes: Node) -> bool:
        return any(node in self for node in nodes)

    def is_per_thread(self, statement: Node) -> bool:
        """Whether a tile statement runs once per thread (rule L79)."""
        return any(part in self for part in children(statement))

    def learn(self, made: Sequence[Node]) -> None:
        """Notes statements that were made for each thread."""
        for statement in made:
            for part in walk(statement):
                if isinstance(part, Allocate):
                    self.buffers.add(part.buffer.name)
        self._block(made, False)

    def leaves_apart(self, body: Sequence[Node], divergent: bool = False) -> bool:
        """Whether threads may leave an iteration of the loop at different places."""
        for part in body:
            match part:
                case Break() | Continue():
                    if divergent:
                        return True
                case If(condition=condition, then=then, otherwise=otherwise):
                    inside = divergent or condition in self
                    if any(self.leaves_apart(arm, inside) for arm in (then, otherwise)):
                        return True
        return False

    def _block(self, block: Sequence[Node], divergent: bool) -> None:
        for statement in block:
            self._statement(statement, divergent)

    def _statement(self, statement: Node, divergent: bool) -> None:
        match statement:
            case Let(var=var, value=value):
                if value in self:
                    self.vars.add(var.name)
            case Exchange(var=var) | Combine(var=var):
                self.vars.add(var.name)
            case If(condition=condition, then=then, otherwise=otherwise):
                inside = divergent or condition in self
                self._block(then, inside)
                self._block(otherwise, inside)
            case For():
                varies = self.any_of(statement.start, statement.stop, statement.step)
                if varies:
                    self.vars.add(statement.var.name)
                apart = varies or self.leaves_apart(statement.body)
                self._block(statement.body, divergent or apart)
            case While(condition=condition, body=body):
                apart = condition in self or self.leaves_apart(body)
                self._block(body, divergent or apart)
            case Parallel():
                return
            case _:
                self._write(statement, divergent)

    def _write(self, statement: Node, divergent: bool) -> None:
        """A statement without blocks: what it writes to local buffers."""
        previous = getattr(statement, "previous", None)
        if isinstance(previous, Var):
            self.vars.add(previous.name)
        target = _local_target(statement)
        if target is not None and (divergent or self.is_per_thread(statement)):
            self.buffers.add(target)


def _local_target(statement: Node) -> str | None:
    """The local buffer that a statement writes."""
    match statement:
        case Store(buffer=buffer) | Accumulate(buffer=buffer):
            return buffer.name if buffer.scope == "local" else None
    names = written([statement])
    for part in children(statement):
        held = part.buffer if isinstance(part, Region) else part
        if isinstance(held, Buffer) and held.scope == "local" and held.name in names:
            return held.name
    return None


def is_pure(value: Expr) -> bool:
    """Whether an expression gives the same value wherever it is evaluated."""
    return not any(isinstance(part, Load) for part in walk(value))
