"""What becomes of each statement of thread code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.builder import Builder
from tiledsl.frontend.threads.axis import ThreadAxis
from tiledsl.frontend.threads.control import Control
from tiledsl.frontend.threads.exits import Exits, returns
from tiledsl.frontend.threads.masks import always
from tiledsl.frontend.threads.state import resolved
from tiledsl.frontend.threads.statements import Barrier, Combine, Exchange
from tiledsl.frontend.threads.structure import Lines, awaits_copies
from tiledsl.frontend.threads.tile_loops import as_loops
from tiledsl.frontend.threads.uniformity import TILE_STATEMENTS
from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    Assert,
    Block,
    Break,
    Breakpoint,
    Const,
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
    Print,
    Reduce,
    Region,
    Sort,
    Statement,
    Store,
    Wait,
    While,
)
from tiledsl.ir.spans import NO_SPAN, Span
from tiledsl.ir.visitor import rebuild, walk


class Splitting(Control):
    """Visits the statements of a launch in order."""

    def kernel(self, body: Block) -> Block:
        lines = Lines()
        for statement in body:
            if self.exits.kernel is None and returns((statement,)):
                # from here on some threads may be gone
                yes = Const(True, BOOL, span=statement.span)
                self.exits = Exits(self.flag(lines, "active", yes))
            self.run(lines, (statement,), None)
        return lines.finished()

    def run(self, lines: Lines, block: Sequence[Node], mask: Expr | None) -> None:
        for statement in block:
            self._statement(lines, statement, mask)

    def _statement(self, lines: Lines, statement: Node, mask: Expr | None) -> None:
        match statement:
            case Allocate():
                lines.done.append(statement)
            case Barrier():
                self._barrier(lines, statement, mask)
            case Exchange():
                self.exchange(lines, statement, mask)
            case Combine():
                self.combine(lines, statement, mask)
            case Break() | Continue() if self.exits.loops[-1:] == (None,):
                self.add_for_block(lines, statement)
                lines.close()
            case Let() if statement.value not in self.varying:
                self.add_for_block(lines, statement)
            case Store(buffer=buffer) if self.is_shared_scalar(buffer):
                self.add_for_block(lines, statement)
            case Store() if self.runs_once(statement):
                self.guarded(lines, statement, mask)
            case _:
                self._compound(lines, statement, mask)

    def _barrier(self, lines: Lines, barrier: Barrier, mask: Expr | None) -> None:
        """What only a run can tell, checked mode asks it (rule L78)."""
        self.check_barrier(barrier, mask)
        of_block = barrier.function == "sync_threads" and barrier.count is None
        if mask is not None and of_block and self.values(mask) is None:
            self._agree(lines, mask, barrier.span)
        if self.waits:
            self._observation(lines, Wait(span=barrier.span), mask)

    def _agree(self, lines: Lines, mask: Expr, span: Span) -> None:
        """Promises that all threads, or none, are in the mask; who returned is neither."""
        flag, reached = self.exits.flag, mask
        if flag is not None:
            returned = Apply("not", (Load(flag, ()),), span=span)
            reached = Apply("or", (returned, mask), span=span)
        some = self.of_all(lines, "or", always(self.taking_part(mask)))
        every = self.of_all(lines, "and", reached)
        agreed = Apply("or", (Apply("not", (some,)), every), span=span)
        lines.close()
        message = "a barrier that only some of its threads reach"
        lines.done.append(Assert(agreed, message, True, span=span))

    def _observation(
        self, lines: Lines, statement: Print | Breakpoint | Wait, mask: Expr | None
    ) -> None:
        """Tiles are printed once; what stands before a wait stays before it."""
        match statement:
            case Wait():
                lines.close()
                lines.done.append(statement)
            case Print(value=Region()) if statement not in self.varying:
                lines.close()
                self.guarded(lines, statement, mask)
            case Print() | Breakpoint():
                for part in self._of_thread(statement):
                    self.add_for_threads(lines, part, mask)

    def _in_reach(self, statement: Breakpoint) -> Breakpoint:
        """Without the buffers of which each thread has its own."""
        pairs = [
            (name, value)
            for name, value in zip(statement.names, statement.values, strict=True)
            if not (
                isinstance(value, Region) and value.buffer.name in self.varying.buffers
            )
        ]
        names, values = zip(*pairs, strict=True) if pairs else ((), ())
        return replace(statement, names=names, values=values)

    def _compound(self, lines: Lines, statement: Node, mask: Expr | None) -> None:
        match statement:
            case Parallel():
                _check_parallel(self, statement)
                self.guarded(lines, statement, mask)
            case Copy() | Fill() | Gemm() | Reduce() | Sort():
                self._tile(lines, statement, mask)
            case If() | For() | While() if self.splits(statement):
                self._control(lines, statement, mask)
            case Print() | Breakpoint() | Wait():
                self._observation(lines, statement, mask)
            case _:
                self.add_for_threads(lines, self._in_region(statement), mask)

    def _control(
        self, lines: Lines, statement: If | For | While, mask: Expr | None
    ) -> None:
        match statement:
            case If():
                self.branch(lines, statement, mask)
            case For():
                self.counted(lines, statement, mask)
            case While():
                self.repeated(lines, statement, mask)

    def _tile(self, lines: Lines, statement: Statement, mask: Expr | None) -> None:
        if self.varying.is_per_thread(statement):
            for part in self._loops(statement):
                self._statement(lines, part, mask)
        else:
            self.guarded(lines, statement, mask)

    def _loops(self, statement: Node) -> Block:
        made = as_loops(self.builder, statement)
        self.varying.learn(made)
        return made

    def _of_thread(self, statement: Statement) -> Block:
        """A tile statement or observation as a thread makes it by itself."""
        match statement:
            case Breakpoint():
                return (self._in_reach(statement),)
            case Print(value=Region()):
                return self._loops(statement)
        is_tile = isinstance(statement, TILE_STATEMENTS)
        return self._loops(statement) if is_tile else (statement,)

    def _in_region(self, statement: Node) -> Node:
        """The statement with what is in it as a thread makes it by itself."""

        def change(part: Node) -> Node | tuple[Node, ...]:
            if isinstance(part, (*TILE_STATEMENTS, Print, Breakpoint)):
                return self._of_thread(part)
            if isinstance(part, If | For | While):
                return rebuild(part, change)
            return part

        return (
            rebuild(statement, change)
            if isinstance(statement, If | For | While)
            else statement
        )


def _check_parallel(splitting: Splitting, loop: Parallel) -> None:
    """E0219 if the iterations of a ``T.Parallel`` ask which thread they are."""
    if loop not in splitting.varying:
        return
    place = next(
        (part for part in walk(loop) if part in splitting.varying and part.span.line),
        loop,
    )
    raise KernelError(
        "E0219",
        "a T.Parallel in thread code depends on the thread",
        span=place.span if place.span != NO_SPAN else loop.span,
        expected="iterations that mean the same in every thread",
        hint="use T.serial for a loop of each thread, or the index of the T.Parallel "
        "instead of the thread's",
    )


def lowered(builder: Builder, axis: ThreadAxis, body: Block) -> Block:
    """The body of a launch in thread code as Tile IR."""
    splitting = Splitting(builder, axis, body)
    return resolved(builder, axis, splitting.varying, splitting.kernel(body))


def without_barriers(body: Block) -> Block:
    """The body of a launch that never asks for a thread: barriers mean nothing (L15).

    Asynchronous copies, if there are any, have arrived after one (L63).
    """
    waits = awaits_copies(body)

    def change(part: Node) -> Node | tuple[Node, ...]:
        if isinstance(part, Barrier):
            return Wait(span=part.span) if waits else ()
        return rebuild(part, change)

    changed: list[Statement] = []
    for statement in body:
        result = change(statement)
        if not isinstance(result, tuple):
            changed.append(result)  # type: ignore[arg-type]  # a statement stays one
    return tuple(changed)
