"""Splitting thread code into regions, and what the block does between them.

Statements under control that all threads share take effect one after the other, for all
threads: a region ends where a statement may touch what another thread touched in it
(rule L15).  Barriers that the author wrote are therefore already there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.builder import Builder
from tiledsl.frontend.threads.axis import ThreadAxis
from tiledsl.frontend.threads.exits import Exits, leaves_loop
from tiledsl.frontend.threads.masks import (
    both,
    masked,
    merged,
    per_thread_values,
    where,
)
from tiledsl.frontend.threads.statements import (
    Barrier,
    Combine,
    Exchange,
    PerThread,
)
from tiledsl.frontend.threads.touches import Touch, Touches
from tiledsl.frontend.threads.uniformity import (
    TILE_STATEMENTS,
    Varying,
    is_pure,
)
from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Atomic,
    Block,
    Buffer,
    Copy,
    Expr,
    For,
    If,
    Let,
    Load,
    Node,
    Parallel,
    Print,
    Region,
    Statement,
    Store,
    Var,
    Wait,
    While,
)
from tiledsl.ir.visitor import walk


@dataclass(slots=True)
class Lines:
    """A block being built: finished statements, and the region that is still open."""

    done: list[Statement] = field(default_factory=list)
    region: list[Statement] = field(default_factory=list)
    touched: list[Touch] = field(default_factory=list)

    def add(self, statement: Statement) -> None:
        """Appends to the open region."""
        both = merged(self.region[-1], statement) if self.region else None
        if both is None:
            self.region.append(statement)
        else:
            self.region[-1] = both

    def close(self) -> None:
        if self.region:
            region = PerThread(tuple(self.region), span=self.region[0].span)
            self.done.append(cast("Statement", region))
        self.region, self.touched = [], []

    def finished(self) -> Block:
        self.close()
        return tuple(self.done)


def awaits_copies(body: Block) -> bool:
    """Whether there are asynchronous copies for which a barrier waits (rule L63)."""
    return any(
        isinstance(part, Copy) and part.asynchronous
        for statement in body
        for part in walk(statement)
    )


class Structure(ABC):
    """The state of one launch being split.

    ``mask`` in the methods is the condition under which threads take part, besides the
    flags of ``exits``; None: all do.
    """

    def __init__(self, builder: Builder, axis: ThreadAxis, body: Block) -> None:
        self.builder = builder
        self.axis = axis
        self.varying = Varying(body, axis.vars)
        known = (builder.ranges, builder.definitions)
        self.touches = Touches(axis, self.varying, *known)
        self.exits = Exits()
        self.waits = awaits_copies(body)

    @abstractmethod
    def run(self, lines: Lines, block: Sequence[Node], mask: Expr | None) -> None:
        """Adds the statements of a block."""

    # ----------------------------------------------------------- adding statements

    def add_for_block(self, lines: Lines, statement: Statement) -> None:
        """A statement of the whole block; before the open region if that may be."""
        if self.touches.meet(lines.touched, self.touches.of(statement)):
            lines.close()
        lines.done.append(statement)

    def add_for_threads(self, lines: Lines, statement: Node, mask: Expr | None) -> None:
        """A statement that each thread which takes part runs by itself."""
        for part in self.exits.lowered(statement):
            self.join(lines, part)
            for line in self._masked(lines, part, self.taking_part(mask)):
                lines.add(line)

    def join(self, lines: Lines, part: Node) -> None:
        """Makes sure that the open region may hold the statement."""
        touched = self.touches.of(part)
        if self.touches.meet(lines.touched, touched):
            lines.close()
        lines.touched += touched

    def _masked(
        self, lines: Lines, part: Statement, mask: Expr | None
    ) -> tuple[Statement, ...]:
        """The statement under a mask; a name that it binds stays visible."""
        if not isinstance(part, Atomic) or part.previous is None or mask is None:
            return (masked(part, mask),)
        var, span = part.previous, part.span
        kept = Buffer(self.builder.unique(var.name), (), var.dtype, "local", span=span)
        self.varying.buffers.add(kept.name)
        lines.done.append(Allocate(kept, span=span))
        inner = replace(var, name=self.builder.unique(var.name))
        arm = (replace(part, previous=inner), Store(kept, (), inner, span=span))
        value = where(mask, Load(kept, (), span=span))
        return If(mask, arm, span=span), Let(var, value, span=span)

    def taking_part(self, mask: Expr | None) -> Expr | None:
        flag = self.exits.flag
        return both(mask, None if flag is None else Load(flag, ()))

    def private(
        self, lines: Lines, name: str, value: Expr, mask: Expr | None = None
    ) -> Var:
        """A new name for a value of each thread."""
        var = Var(self.builder.unique(name), value.dtype, span=value.span)
        self.varying.vars.add(var.name)
        let = Let(var, where(self.taking_part(mask), value), span=value.span)
        if is_pure(let.value):
            self.builder.definitions[var.name] = let.value
        self.join(lines, let)
        lines.region.append(let)
        return var

    def flag(self, lines: Lines, name: str, value: Expr) -> Buffer:
        """A new private variable that holds whether the thread takes part."""
        buffer = Buffer(self.builder.unique(name), (), BOOL, "local", span=value.span)
        self.varying.buffers.add(buffer.name)
        lines.done.append(Allocate(buffer, span=value.span))
        lines.region.append(Store(buffer, (), value, span=value.span))
        lines.touched += self.touches.of(lines.region[-1])
        return buffer

    # ------------------------------------------------------------------ questions

    def splits(self, statement: Node) -> bool:
        """Whether a region cannot hold the statement as a whole."""
        inside = list(walk(statement))
        own = {part.buffer.name for part in inside if isinstance(part, Allocate)}
        if any(self._needs_block(part, own) for part in inside):
            return True
        if self.is_uniform(statement):
            leaves = isinstance(statement, If) and leaves_loop((statement,))
            if leaves and self.exits.loops[-1:] == (None,):
                return True
            return self.touches.meet_within(self.touches.of(statement))
        return False

    def is_uniform(self, statement: Node) -> bool:
        """Whether all threads go the same way through a control statement."""
        match statement:
            case If(condition=condition) | While(condition=condition):
                return condition not in self.varying
            case For():
                bounds = (statement.start, statement.stop, statement.step)
                return not self.varying.any_of(*bounds)
        return False

    def _needs_block(self, part: Node, own: set[str]) -> bool:
        match part:
            case Barrier() | Exchange() | Combine() | Parallel() | Wait():
                return True
            case Print(value=Region()):
                return True
            case Print(value=Region()):
                return part not in self.varying
            case Wait():
                return True
            case Store() if self.runs_once(part):
                return part.buffer.name not in own
            case Accumulate(buffer=buffer):
                return self.is_shared_scalar(buffer) and buffer.name not in own
        return isinstance(part, TILE_STATEMENTS) and not self.varying.is_per_thread(
            part
        )

    def is_shared_scalar(self, buffer: Buffer) -> bool:
        """Whether all threads hold the same in a local buffer, so that one copy does."""
        return buffer.scope == "local" and buffer.name not in self.varying.buffers

    def runs_once(self, store: Store) -> bool:
        """Whether a store is one of the block: all threads would do the same.

        A store to memory that threads share is left to them if each may do it again.
        """
        if self.is_shared_scalar(store.buffer):
            return True
        if self.varying.any_of(store.buffer, store.value, *store.indices):
            return False
        return any(
            isinstance(part, Load) and part.buffer.name == store.buffer.name
            for part in walk(store.value)
        )

    def values(self, expr: Expr) -> list[int] | None:
        """The value for each thread, if it is known while compiling."""
        return per_thread_values(expr, self.axis, self.builder.definitions)

    def check_barrier(self, barrier: Barrier, mask: Expr | None) -> None:
        """E0220 if the barrier provably waits for threads that never come (rule L78)."""
        values = None if mask is None else self.values(mask)
        active = self.axis.count if mask is None else None
        if values is not None:
            active = sum(map(bool, values))
        expected = barrier.count or self.axis.count
        if barrier.function == "sync_warp" or active in (None, 0, expected):
            return
        raise KernelError(
            "E0220",
            "a barrier that only some of its threads reach",
            span=barrier.span,
            expected=f"{expected} threads",
            got=f"{active} of {self.axis.count}",
            hint="move T.sync_threads() out of the `if`, or split the `if` around it",
        )
