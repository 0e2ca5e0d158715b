"""Branches and loops that threads do not run by themselves.

One whose way all threads share stays around the regions.  In one whose way depends on the
thread, the block goes every way that some thread goes, and a mask says which threads take
part.
"""

from __future__ import annotations

from collections.abc import Sequence

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.threads.collectives import Collectives
from tiledsl.frontend.threads.exits import Exits, LoopFlags, returns
from tiledsl.frontend.threads.masks import always, both, negated, where
from tiledsl.frontend.threads.statements import Barrier
from tiledsl.frontend.threads.structure import Lines
from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.nodes import (
    Apply,
    Block,
    Break,
    Const,
    Expr,
    For,
    If,
    Let,
    Load,
    Node,
    Select,
    Var,
    While,
    index,
)
from tiledsl.ir.spans import Span
from tiledsl.ir.visitor import walk


class Control(Collectives):
    """``if``, ``for`` and ``while`` with exchanges among threads in them."""

    def branch(self, lines: Lines, branch: If, mask: Expr | None) -> None:
        condition, span = branch.condition, branch.span
        if self.is_uniform(branch):
            arms = [self._arm(arm, mask) for arm in (branch.then, branch.otherwise)]
            lines.close()
            lines.done.append(If(condition, *arms, span=span))
            return
        taken = self.private(lines, "taken", condition, mask)
        other: Expr | None = None
        if branch.otherwise:
            other = self.private(lines, "other", negated(taken), mask)
        self.run(lines, branch.then, taken)
        if other is not None:
            self.run(lines, branch.otherwise, other)

    def _arm(self, arm: Block, mask: Expr | None) -> Block:
        lines = Lines()
        self.run(lines, arm, mask)
        return lines.finished()

    # -------------------------------------------------------------------- loops

    def counted(self, lines: Lines, loop: For, mask: Expr | None) -> None:
        apart = self.varying.leaves_apart(loop.body)
        if self.is_uniform(loop):
            body = self._body(lines, (), loop.body, mask, apart, loop.span)
            lines.close()
            bounds = (loop.start, loop.stop, loop.step)
            hints = (loop.kind, loop.stages)
            lines.done.append(For(loop.var, *bounds, body, *hints, span=loop.span))
            return
        trips = _trips(loop)
        self._check_trips(loop, trips)
        count = self.private(lines, "trips", trips, mask)
        most = self.of_all(lines, "max", count)
        k = Var(self.builder.unique("trip"), loop.var.dtype, span=loop.span)
        step = Apply("mul", (k, loop.step))
        at = Let(loop.var, Apply("add", (loop.start, step)), span=loop.span)
        running = Apply("lt", (k, count), span=loop.span)
        body = self._body(lines, (at,), loop.body, running, apart, loop.span)
        lines.close()
        zero, one = index(0), index(1)
        lines.done.append(For(k, zero, most, one, body, span=loop.span))

    def _body(
        self,
        lines: Lines,
        first: Sequence[Node],
        body: Sequence[Node],
        mask: Expr | None,
        apart: bool,
        span: Span,
    ) -> Block:
        """A loop's body; with flags if threads leave it at different places."""
        around = self.exits
        inside = Lines()
        if apart:
            yes = Const(True, BOOL, span=span)
            loop = self.flag(lines, "in_loop", yes)
            taking_part = always(self.taking_part(mask))
            still = where(taking_part, Load(loop, (), span=span))
            flags = LoopFlags(loop, self.flag(inside, "in_iteration", still))
            self.exits = Exits(around.kernel, (*around.loops, flags))
            mask = None
        else:
            self.exits = Exits(around.kernel, (*around.loops, None))
        self.run(inside, [*first, *body], mask)
        self.exits = around
        return inside.finished()

    def repeated(self, lines: Lines, loop: While, mask: Expr | None) -> None:
        """A ``while``: all threads test together, until none goes on."""
        span = loop.span
        apart = self.varying.leaves_apart(loop.body)
        together = self.is_uniform(loop) and not apart
        if together and self.taking_part(mask) is None and not returns((loop,)):
            body = self._body(lines, (), loop.body, mask, False, span)
            lines.close()
            lines.done.append(While(loop.condition, body, span=span))
            return
        around = self.exits
        inside = Lines()
        flags = None
        if apart:
            left = self.flag(lines, "in_loop", Const(True, BOOL, span=span))
            mask = both(mask, Load(left, (), span=span))
            test = where(self.taking_part(mask), loop.condition)
            flags = LoopFlags(left, self.flag(inside, "in_iteration", test))
            going: Expr = Load(flags.iteration, (), span=span)
        else:
            going = self.private(inside, "going", loop.condition, mask)
        anyone = self.of_all(inside, "or", going)
        inside.close()
        inside.done.append(If(negated(anyone), (Break(span=span),), span=span))
        self.exits = Exits(around.kernel, (*around.loops, flags))
        self.run(inside, loop.body, None if apart else going)
        self.exits = around
        lines.close()
        endless = Const(True, BOOL, span=span)
        lines.done.append(While(endless, inside.finished(), span=span))

    def _check_trips(self, loop: For, trips: Expr) -> None:
        """E0220 if a barrier in the loop is provably reached by some threads only."""
        barriers = [part for part in walk(loop) if isinstance(part, Barrier)]
        values = self.values(trips)
        for barrier in barriers:
            if barrier.function == "sync_warp" or values is None:
                continue
            if len(set(values)) > 1:
                raise KernelError(
                    "E0220",
                    "a barrier in a loop that threads leave at different times",
                    span=barrier.span,
                    got=f"{min(values)} to {max(values)} iterations",
                    hint="give the loop the same bounds in every thread, and mask its "
                    "statements with `if`",
                )


def _trips(loop: For) -> Expr:
    """How often the loop runs."""
    length = Apply("sub", (loop.stop, loop.start))
    if isinstance(loop.step, Const) and loop.step.value > 0:
        count: Expr = Apply("ceildiv", (length, loop.step))
    else:
        up = Apply("ceildiv", (length, loop.step))
        # ceildiv rounds up whatever the signs are; a step of 0 gives 0
        count = Select(Apply("ne", (loop.step, index(0))), up, index(0))
    return Apply("max", (count, index(0)), span=loop.span)
