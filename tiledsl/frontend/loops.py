"""Loops while tracing: over IR ranges, over static sequences, and ``while``."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Final

from tiledsl.diagnostics import KernelError, UnsupportedByTarget, brief
from tiledsl.frontend import python_operations as python
from tiledsl.frontend.activation import Activation
from tiledsl.frontend.atomic_updates import as_reductions
from tiledsl.frontend.buffers import BufferRef, RegionRef
from tiledsl.frontend.builder import BlockKind, here
from tiledsl.frontend.parallel_nest import check_nesting, merged
from tiledsl.frontend.snapshots import refuse_reads
from tiledsl.frontend.specs import KernelSpec, LoopAxis, LoopSpec
from tiledsl.frontend.threads.thread_index import ThreadIndex
from tiledsl.frontend.values import Value, as_condition, as_index, is_symbolic, wrap
from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.nodes import (
    Apply,
    Block,
    Break,
    Const,
    Continue,
    Expr,
    For,
    If,
    Parallel,
    Var,
    While,
)
from tiledsl.ir.spans import Span

_LOOP_FORMS: Final = "range, T.serial, T.Parallel, T.Pipelined, or a list or tuple"


class Loops(Activation):
    """``for``, ``while``, ``break`` and ``continue``."""

    def range_of(self, function: Callable[..., object]) -> Callable[..., object]:
        """``range`` as the iterable of a ``for``: an IR loop, whatever its bounds."""
        return serial_range if function is builtins.range else function

    def loop(
        self, k: int, iterable: object, names: tuple[str, ...]
    ) -> Iterator[object]:
        """Yields once for a loop of the kernel, once per item for a static sequence."""
        self.here(k)
        if isinstance(iterable, range):
            iterable = serial_range(iterable.start, iterable.stop, iterable.step)
        if isinstance(iterable, LoopSpec):
            if self.builder.at_host_level and iterable.kind != "parallel":
                return self._at_host(iterable, self.builder.span)
            return self._traced(iterable, names, self.builder.span)
        if isinstance(iterable, ThreadIndex):
            return self._unrolled((wrap(iterable.expr),), self.builder.span)
        return self._unrolled(self._items(iterable), self.builder.span)

    def _items(self, iterable: object) -> Iterable[object]:
        known = isinstance(iterable, Iterable) and not is_symbolic(iterable)
        if not known or isinstance(iterable, BufferRef | RegionRef):
            raise KernelError(
                "E0135",
                "this cannot be looped over in a kernel",
                span=self.builder.span,
                expected=_LOOP_FORMS,
                got=brief(iterable),
                hint="write `with T.Kernel(...) as ...:`"
                if isinstance(iterable, KernelSpec)
                else None,
            )
        return iterable  # type: ignore[return-value]  # an Iterable, see above

    def _unrolled(self, items: Iterable[object], span: Span) -> Iterator[object]:
        self.state.loops.append("unrolled")
        for item in python.items(items):
            self.builder.span = span
            self.state.count_unrolled()
            yield item
        self.state.loops.pop()

    def _traced(
        self, spec: LoopSpec, names: tuple[str, ...], span: Span
    ) -> Iterator[object]:
        if spec.kind == "parallel":
            check_nesting(self.builder)
            if self.builder.at_host_level:
                refuse_reads(axis.stop for axis in spec.axes)
        elif spec.kind == "pipelined" and self.builder.inside("parallel"):
            raise KernelError(
                "E0139",
                "T.Pipelined cannot stand inside T.Parallel",
                span=span,
                hint="use T.serial",
            )
        self.state.loops.append("traced")
        kind: BlockKind = "parallel" if spec.kind == "parallel" else "loop"
        stops = tuple(axis.stop for axis in spec.axes)
        with (
            self.names.region("loop", span),
            self.builder.block(kind, loop=spec.kind, extents=stops) as collected,
        ):
            indices = [
                self.builder.declare_index(name, axis.start, axis.stop, axis.step)
                for name, axis in zip(_padded(names, spec), spec.axes, strict=True)
            ]
            values = tuple(wrap(var) for var in indices)
            if spec.visit is not None:
                yield from self._visited(spec.visit, values[0], span)
            else:
                single = len(values) == 1 and not spec.always_tuple
                yield values[0] if single else values
        self.state.loops.pop()
        self.builder.span = span
        self._emit_loop(spec, indices, collected.statements, span)

    def _visited(
        self,
        visit: Callable[[Value], tuple[Expr, tuple[Value, ...]]],
        number: Value,
        span: Span,
    ) -> Iterator[object]:
        """A body that runs under a condition on the loop's index."""
        condition, values = visit(number)
        with self.builder.block("arm") as arm:
            yield values[0] if len(values) == 1 else values
        self.builder.emit(If(condition, arm.statements, span=span))

    def _at_host(self, spec: LoopSpec, span: Span) -> Iterator[object]:
        """A loop around launches: unrolled, since the host part of the IR is straight."""
        bounds = [(axis.start, axis.stop, axis.step) for axis in spec.axes]
        if not all(isinstance(part, Const) for axis in bounds for part in axis):
            raise UnsupportedByTarget(
                "E2001",
                "a loop over run-time bounds around launches is not available yet",
                span=span,
                hint="make the bounds static, or put the loop inside T.Kernel",
            )
        spaces = [
            range(*(int(part.value) for part in axis if isinstance(part, Const)))
            for axis in bounds
        ]
        self.state.loops.append("traced")
        for point in product(*spaces):
            self.builder.span = span
            self.state.count_unrolled()
            with self.names.region("loop", span):
                yield point[0] if len(point) == 1 and not spec.always_tuple else point
        self.state.loops.pop()

    def _emit_loop(
        self, spec: LoopSpec, indices: list[Var], body: Block, span: Span
    ) -> None:
        if spec.kind == "parallel":
            extents = tuple(axis.stop for axis in spec.axes)
            nest = Parallel(tuple(indices), extents, body, span=span)
            nest = merged(self.builder, nest)
            if not self.builder.inside("parallel"):
                nest = as_reductions(nest)
            self.builder.emit(nest)
            return
        for var, axis in zip(reversed(indices), reversed(spec.axes), strict=True):
            bounds = (axis.start, axis.stop, axis.step)
            loop = For(var, *bounds, body, spec.kind, spec.stages, span=span)
            body = (loop,)
        self.builder.emit(loop)

    # -------------------------------------------------------------------- while

    def loop_while(self, k: int, condition: Callable[[], object]) -> Iterator[None]:
        """Yields once for a symbolic condition, never for one that is false."""
        self.here(k)
        span = self.builder.span
        at_host = self.builder.at_host_level
        self.state.loops.append("traced")
        with (
            self.names.region("loop", span),
            self.builder.block("loop", loop="while") as collected,
        ):
            test = condition()
            self.builder.span = span
            symbolic = as_condition(test) if is_symbolic(test) else None
            if symbolic is None:
                self._static_while(python.truth(test))
            elif at_host:
                raise UnsupportedByTarget(
                    "E2001",
                    "a while loop around launches is not available yet",
                    span=span,
                    hint="put the loop inside T.Kernel",
                )
            del test  # from here on it may change
            header = collected.statements
            if symbolic is not None:
                yield
        self.state.loops.pop()
        if symbolic is not None:
            self.builder.span = span
            self.builder.emit(_while(symbolic, header, collected.statements, span))

    def _static_while(self, condition: bool) -> None:
        if not condition:
            self.builder.warn("W0102", "the condition is never true: loop skipped")
            return
        raise KernelError(
            "E0136",
            "this loop never ends",
            span=self.builder.span,
            expected="a condition that the loop changes",
            got="a condition that is true while tracing",
            hint="loop on a T.alloc_var, or on values loaded from memory",
        )

    # ---------------------------------------------------------- break, continue

    def leave(self, k: int) -> bool:
        """``break``.  True if no code of this iteration remains to be traced."""
        self.here(k)
        around = self._innermost_loop("break")
        if around == "host":
            raise KernelError(
                "E0128",
                "break in a loop around launches",
                span=self.builder.span,
                hint="give the loop the bounds it needs",
            )
        if around == "parallel":
            raise KernelError(
                "E0137",
                "break has no meaning in T.Parallel: its iterations have no order",
                span=self.builder.span,
                hint="use continue to end one iteration, or T.serial",
            )
        self.builder.emit(Break(span=self.builder.span))
        return self.builder.scopes[-1].kind != "arm"

    def skip(self, k: int) -> bool:
        """``continue``.  True if no code of this iteration remains to be traced."""
        self.here(k)
        self._innermost_loop("continue")
        if self.builder.scopes[-1].kind != "arm":
            return True
        self.builder.emit(Continue(span=self.builder.span))
        return False

    def unreachable(self, k: int) -> None:
        """Statements follow a break, continue or return in its suite."""
        self.here(k)
        self.builder.warn("W0101", "this statement is never reached: dropped")

    def _innermost_loop(self, statement: str) -> str:
        if self.state.loops[-1:] == ["unrolled"]:
            raise KernelError(
                "E0128",
                f"{statement} in an unrolled loop",
                span=self.builder.span,
                expected=f"{statement} in a loop over range, T.serial or while",
                hint="choose the items before the loop, or use if around the statements",
            )
        block = self.builder.innermost("loop", "parallel")
        return block.kind if block is not None else "host"


def serial_range(*bounds: object) -> LoopSpec:
    """``range(stop)``, ``range(start, stop[, step])`` as a loop of the kernel."""
    if not 1 <= len(bounds) <= 3 or (len(bounds) == 3 and _is_zero(bounds[2])):
        raise KernelError(
            "E0129",
            "range needs one to three bounds and a step other than 0",
            span=here(),
            got=f"range({', '.join(map(brief, bounds))})",
        )
    padded = (0, *bounds) if len(bounds) == 1 else bounds
    start, stop, step = (*padded, 1)[:3]
    axis = LoopAxis(as_index(start), as_index(stop), as_index(step))
    return LoopSpec("serial", (axis,))


def _is_zero(step: object) -> bool:
    return isinstance(step, int) and step == 0


def _while(condition: Expr, header: Block, body: Block, span: Span) -> While:
    """``header``: statements that the condition itself made; they run each time."""
    if not header:
        return While(condition, body, span=span)
    negated = Apply("not", (condition,), span=span)
    stop = If(negated, (Break(span=span),), span=span)
    endless = Const(True, BOOL, span=span)
    return While(endless, (*header, stop, *body[len(header) :]), span=span)


def _padded(names: tuple[str, ...], spec: LoopSpec) -> tuple[str, ...]:
    """A name for each axis; targets may be fewer, as in ``for point in T.grid(a, b)``."""
    return (*names, *("i" for _ in spec.axes))[: len(spec.axes)]
