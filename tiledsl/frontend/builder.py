"""The state of one trace: statements, names, scopes and the place in the source."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Literal

from tiledsl.diagnostics import KernelError, TileWarning
from tiledsl.frontend.bounds_errors import check_loads
from tiledsl.frontend.pending_reads import PendingReads
from tiledsl.frontend.safe_values import with_safe_values
from tiledsl.frontend.unfinished import check_reads
from tiledsl.ir.dtypes import INDEX
from tiledsl.ir.nodes import Allocate, Buffer, Const, Expr, Let, Load, Statement, Var
from tiledsl.ir.spans import NO_SPAN, Span
from tiledsl.ir.visitor import substitute, walk

BlockKind = Literal["host", "launch", "loop", "parallel", "arm"]

_ACTIVE: ContextVar[Builder | None] = ContextVar("tiledsl_builder", default=None)


@dataclass(slots=True, eq=False)
class Collected:
    """A block being built, and what is known about it.

    ``indices`` are the loop or block index variables it binds; ``safe_values`` the
    fills that ``T.annotate_safe_value`` gives to reads inside (rule L44).
    """

    kind: BlockKind
    id: int
    facts: dict[str, object]
    open_statements: list[Statement] = field(default_factory=list)
    indices: list[Var] = field(default_factory=list)
    safe_values: dict[str, Const] = field(default_factory=dict)

    @property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(self.open_statements)


class Builder:
    """Collects the statements of one function while user code runs.

    ``span`` is the place of the user's statement being executed; every node built takes
    it.  ``ranges`` holds the static (least, greatest) values of index variables and
    ``definitions`` the values of ``Let`` variables that read no buffer, for affine
    reasoning.
    """

    def __init__(self) -> None:
        self.span: Span = NO_SPAN
        self.scopes: list[Collected] = []
        self.ranges: dict[str, tuple[int, int]] = {}
        self.definitions: dict[str, Expr] = {}
        # variables that exist only inside: indices and those of ``Let``
        self.inner_names: set[str] = set()
        self.dims: dict[str, Var] = {}
        # outputs declared by T.empty, in order
        self.outputs: list[object] = []
        # parameters that are addresses, and the tensors made of them, by their names
        self.pointers: dict[str, Var] = {}
        self.made_tensors: dict[str, Buffer] = {}
        # reducers that still collect contributions
        self.unfinished: set[str] = set()
        self.reads = PendingReads()
        self._names: dict[str, int] = {}
        self._blocks = 0

    # ------------------------------------------------------- the active builder

    @staticmethod
    def active_or_none() -> Builder | None:
        return _ACTIVE.get()

    @staticmethod
    def active() -> Builder:
        """The builder of the trace in progress.  Raises KernelError outside one."""
        builder = _ACTIVE.get()
        if builder is None or not builder.scopes:
            raise KernelError(
                "E0401",
                "this construct has a meaning only inside a kernel",
                hint="call it from a @tiledsl.jit or @T.prim_func function",
            )
        return builder

    @contextmanager
    def activate(self) -> Iterator[Builder]:
        token = _ACTIVE.set(self)
        try:
            yield self
        finally:
            _ACTIVE.reset(token)

    # -------------------------------------------------------------- statements

    def emit(self, statement: Statement) -> None:
        """Appends to the innermost open block."""
        if self.unfinished:
            check_reads(statement, self.unfinished)
        check_loads(statement, self, conditional=self.conditional)
        self.reads.settle_before(self, statement)
        self.scopes[-1].open_statements.append(statement)

    def emit_in(self, block: Collected, statement: Statement) -> None:
        """Appends to an open block, which puts it before the blocks opened in that one."""
        block.open_statements.append(statement)

    def let(self, name: str, value: Expr, block: Collected | None = None) -> Var:
        """Evaluates ``value`` at this point, once; the variable has its dtype."""
        var = Var(self.unique(name), value.dtype, span=self.span)
        self.inner_names.add(var.name)
        if not any(isinstance(part, Load) for part in walk(value)):
            self.definitions[var.name] = value
        statement = Let(var, value, span=self.span)
        check_loads(statement, self, conditional=self.conditional)
        self.emit_in(block or self.scopes[-1], statement)
        return var

    @contextmanager
    def block(self, kind: BlockKind, **facts: object) -> Iterator[Collected]:
        """Opens a block; its statements are complete when the context ends."""
        self._blocks += 1
        collected = Collected(kind, self._blocks, facts)
        self.scopes.append(collected)
        try:
            yield collected
        finally:
            self.reads.close(collected)
            self.scopes.pop()
        if collected.safe_values:
            collected.open_statements = [
                with_safe_values(statement, collected.safe_values)
                for statement in collected.open_statements
            ]

    # ------------------------------------------------------------------- scopes

    def inside(self, kind: BlockKind) -> bool:
        """Whether an open block of this kind encloses the current point."""
        return any(block.kind == kind for block in self.scopes)

    @property
    def at_host_level(self) -> bool:
        """Whether the current point is outside every launch and whole-tensor loop."""
        return all(block.kind in ("host", "arm") for block in self.scopes)

    @property
    def conditional(self) -> bool:
        """Whether the current point may not be reached: in an arm, or after a return."""
        return any(
            block.kind == "arm" or "thread_return" in block.facts
            for block in self.scopes
        )

    def innermost(self, *kinds: BlockKind) -> Collected | None:
        """The innermost open block of one of these kinds."""
        for block in reversed(self.scopes):
            if block.kind in kinds:
                return block
        return None

    def declare_index(
        self, name: str, start: Expr, stop: Expr, step: Expr | None = None
    ) -> Var:
        """A new index variable of the current block, with its bounds where static."""
        var = Var(self.unique(name), INDEX, span=self.span)
        self.scopes[-1].indices.append(var)
        self.inner_names.add(var.name)
        span = _static_range(start, stop, step)
        if span is not None:
            self.ranges[var.name] = span
        return var

    # -------------------------------------------------------------------- names

    def unique(self, name: str) -> str:
        """A readable IR name that no other variable or buffer of this trace has."""
        base = re.sub(r"\W", "_", name) or "value"
        if base not in self._names:
            self._names[base] = 0
            return base
        while True:
            self._names[base] += 1
            candidate = f"{base}_{self._names[base]}"
            if candidate not in self._names:
                self._names[candidate] = 0
                return candidate

    def rename(self, buffer: Buffer, name: str) -> Buffer:
        """Gives a buffer allocated just now, and not used yet, the user's name for it."""
        if buffer.name == name:
            return buffer
        renamed = replace(buffer, name=self.unique(name))
        statements = self.scopes[-1].open_statements
        for position in reversed(range(len(statements))):
            statement = statements[position]
            statements[position] = substitute(statement, {buffer.name: renamed})
            if isinstance(statement, Allocate) and statement.buffer == buffer:
                break
        return renamed

    def declare_dim(self, name: str) -> Var:
        """The variable of a run-time dimension; the same one for the same name."""
        if name not in self.dims:
            self._names.setdefault(name, 0)
            self.dims[name] = Var(name, INDEX, span=self.span)
        return self.dims[name]

    def warn(self, code: str, message: str) -> None:
        """A remark at the user's line; never fatal."""
        warnings.warn_explicit(
            f"{code} {message}", TileWarning, self.span.file, max(self.span.line, 1)
        )


def here() -> Span:
    """The user's place, if a trace is in progress."""
    builder = _ACTIVE.get()
    return NO_SPAN if builder is None else builder.span


def _static_range(start: Expr, stop: Expr, step: Expr | None) -> tuple[int, int] | None:
    parts = (start, stop, Const(1, INDEX) if step is None else step)
    if not all(isinstance(part, Const) for part in parts):
        return None
    values = range(*(int(part.value) for part in parts if isinstance(part, Const)))
    return (min(values[0], values[-1]), max(values[0], values[-1])) if values else None
