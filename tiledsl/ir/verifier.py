"""Whether a function is Tile IR: everything that the node docstrings promise.

Checked: every name is declared once, before its uses, and its uses agree with the
declaration; scopes end with their blocks; dtypes and ranks; what may stand where.  Not
checked: values that are only known at run time, and claims (``proved``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tiledsl.diagnostics import InternalError
from tiledsl.ir.nodes import (
    Allocate,
    Assert,
    Atomic,
    Block,
    Break,
    Breakpoint,
    Buffer,
    Const,
    Continue,
    For,
    Function,
    If,
    Launch,
    Let,
    Parallel,
    Print,
    Statement,
    TileHint,
    Var,
    Wait,
    While,
)
from tiledsl.ir.printer import print_function, print_statement
from tiledsl.ir.verify_expressions import ExpressionChecks
from tiledsl.ir.verify_observations import check_observation
from tiledsl.ir.verify_operations import check_operation

_IN_PARALLEL = frozenset(
    (
        "Allocate",
        "Let",
        "Store",
        "Accumulate",
        "Atomic",
        "For",
        "While",
        "If",
        "Break",
        "Continue",
        "Assert",
        "Print",
        "Breakpoint",
    )
)


_AT_HOST = frozenset(
    (
        *("Launch", "Allocate", "TileHint", "Parallel", "Copy", "Fill", "Gemm"),
        *("Reduce", "Assert"),
    )
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and the nodes around it, from the function inwards."""

    message: str
    place: tuple[Function | Statement, ...]


def problems(function: Function) -> list[Problem]:
    """Everything wrong with the function; empty if it is Tile IR."""
    verifier = _Verifier(function)
    verifier.function()
    return verifier.found


def verify(function: Function) -> None:
    """Raises InternalError, with the text of the offending statement, unless valid."""
    found = problems(function)
    if not found:
        return
    first = found[0]
    inner = first.place[-1]
    notes = [problem.message for problem in found[1:10]]
    raise InternalError(
        "E9001",
        f"invalid IR in {function.name!r}: {first.message}",
        span=inner.span,
        notes=[*notes, *_text(inner).splitlines()[:40]],
    )


def _text(node: Function | Statement) -> str:
    return print_function(node) if isinstance(node, Function) else print_statement(node)


@dataclass(frozen=True, slots=True)
class _Around:
    """What encloses a statement."""

    level: str = "host"  # host, block or parallel
    in_loop: bool = False  # a For or While, inside the innermost Parallel if any
    depth: int = 1


class _Verifier:
    def __init__(self, function: Function) -> None:
        self._function = function
        self._place: list[Function | Statement] = [function]
        self.found: list[Problem] = []
        self._checks = ExpressionChecks(self.report)

    def report(self, message: str) -> None:
        self.found.append(Problem(message, tuple(self._place)))

    def function(self) -> None:
        function, checks = self._function, self._checks
        for dim in function.dims:
            checks.declare_index(dim)
        for param in function.params:
            if isinstance(param, Var):
                checks.declare(param)
        for param in function.params:
            if isinstance(param, Buffer):
                self._declare_buffer(param, "global")
        outputs = function.outputs
        if len(set(outputs)) < len(outputs) or not all(
            0 <= at < len(function.params) and isinstance(function.params[at], Buffer)
            for at in outputs
        ):
            self.report("outputs are positions of buffer parameters, each once")
        pointers = function.pointers
        if len({*outputs, *pointers}) < len(outputs) + len(pointers) or not all(
            0 <= at < len(function.params) and isinstance(function.params[at], Buffer)
            for at in pointers
        ):
            self.report("pointers are positions of buffer parameters, none an output")
        self._block(function.body, _Around())

    def _block(self, block: Block, around: _Around) -> None:
        with self._checks.scope():
            for statement in block:
                self._place.append(statement)
                self._statement(statement, around)
                self._place.pop()

    def _statement(self, statement: Statement, around: _Around) -> None:
        self._checks.depth = around.depth
        self._checks.loads_allowed = around.level != "host"
        name = type(statement).__name__
        allowed = {
            "host": name in _AT_HOST,
            "block": name not in ("Launch", "TileHint", "Accumulate"),
            "parallel": name in _IN_PARALLEL,
        }[around.level]
        if not allowed:
            self.report(f"{name} cannot stand at {around.level} level")
        match statement:
            case Allocate(buffer=buffer):
                self._allocate(buffer, around)
            case Let(var=var, value=value):
                self._checks.expect(value, var.dtype, f"the value of {var.name!r}")
                self._checks.declare(var)
            case Break() | Continue():
                self._jump(statement, around)
            case For() | While() | If() | Parallel() | Launch() | TileHint():
                self._control(statement, around)
            case Assert() | Print() | Breakpoint() | Wait():
                check_observation(statement, around.level, self._checks)
            case _:
                check_operation(statement, self._checks)
                if isinstance(statement, Atomic) and statement.previous is not None:
                    self._checks.declare(statement.previous)

    def _jump(self, statement: Break | Continue, around: _Around) -> None:
        ends_iteration = isinstance(statement, Continue) and around.level == "parallel"
        if not around.in_loop and not ends_iteration:
            self.report(f"{type(statement).__name__} outside a loop")

    def _control(
        self,
        statement: For | While | If | Parallel | Launch | TileHint,
        around: _Around,
    ) -> None:
        depth = around.depth + 1
        match statement:
            case If(condition=condition, then=then, otherwise=otherwise):
                self._checks.condition(condition)
                inside = _Around(around.level, around.in_loop, depth)
                self._block(then, inside)
                self._block(otherwise, inside)
            case While(condition=condition, body=body):
                self._checks.condition(condition)
                self._block(body, _Around(around.level, True, depth))
            case For(var=var, body=body):
                self._for_header(statement)
                with self._checks.scope():
                    self._checks.declare_index(var)
                    self._block(body, _Around(around.level, True, depth))
            case Parallel(vars=names, extents=extents, body=body):
                self._axes(names, extents, "Parallel")
                for extent in extents:
                    self._checks.index(extent, "an extent of Parallel")
                self._with_vars(names, body, _Around("parallel", False, depth))
            case Launch(vars=names, grid=grid, body=body):
                self._axes(names, grid, "Launch")
                self._launch_header(statement)
                self._with_vars(names, body, _Around("block", False, depth))
            case TileHint(body=body):
                self._hint(statement)
                self._block(body, _Around("host", False, depth))

    def _with_vars(self, names: Sequence[Var], body: Block, around: _Around) -> None:
        with self._checks.scope():
            for var in names:
                self._checks.declare_index(var)
            self._block(body, around)

    def _for_header(self, loop: For) -> None:
        for bound in (loop.start, loop.stop, loop.step):
            self._checks.index(bound, "a loop bound")
        if loop.kind not in ("serial", "unroll", "pipelined", "vectorized"):
            self.report(f"unknown kind of loop {loop.kind!r}")
        if loop.stages < 0:
            self.report("a loop has a negative number of stages")

    def _axes(self, names: Sequence[Var], extents: Sequence[object], what: str) -> None:
        if not names or len(names) != len(extents):
            self.report(f"{what} needs one variable for each extent")

    def _hint(self, hint: TileHint) -> None:
        if any(size < 0 for size in (*hint.sizes, hint.reduce, hint.stages)):
            self.report("a size of a tile_hint is negative")

    def _launch_header(self, launch: Launch) -> None:
        if len(launch.grid) > 3:
            self.report("Launch has one to three extents")
        for extent in launch.grid:
            self._checks.host_index(extent, "a grid extent")
        threads = launch.threads
        if not 1 <= len(threads) <= 3 or any(number < 1 for number in threads):
            self.report("Launch needs one to three positive numbers of threads")

    def _allocate(self, buffer: Buffer, around: _Around) -> None:
        host = around.level == "host"
        if host != (buffer.scope == "global"):
            self.report(f"a {buffer.scope} buffer is allocated at {around.level} level")
        if around.level == "parallel" and buffer.scope != "local":
            self.report("inside Parallel only local buffers are allocated")
        if buffer.of is not None:
            self._view(buffer, around)
        self._declare_buffer(buffer, buffer.scope)

    def _view(self, view: Buffer, around: _Around) -> None:
        """The rules of ``Buffer.of``; sizes that are not static are the frontend's."""
        memory = self._checks.visible(view.root)
        if not isinstance(memory, Buffer) or memory.of is not None:
            self.report(f"{view.name!r} is a view of something that is no buffer")
            return
        if memory.scope != view.scope or view.scope == "local":
            self.report(f"{view.name!r} cannot be a view of {memory.name!r}")
        if around.level == "parallel":
            self.report("inside Parallel there are no views")
        if memory.strides is not None or view.strides is not None:
            self.report(f"{view.name!r} and {memory.name!r} must be row-major")
        bools = {"bool"} & {view.dtype, memory.dtype}
        if bools and view.dtype != memory.dtype:
            self.report(f"{memory.dtype} has not the bits of {view.dtype}")
        if view.dtype != memory.dtype and (
            view.dtype.is_packed or memory.dtype.is_packed
        ):
            self.report(f"{view.name!r} is a view of packed elements")
        sizes = [_static_bits(buffer) for buffer in (view, memory)]
        if None not in sizes and sizes[0] != sizes[1]:
            self.report(f"{view.name!r} and {memory.name!r} have different sizes")

    def _declare_buffer(self, buffer: Buffer, scope: str) -> None:
        if buffer.scope != scope:
            self.report(f"parameter {buffer.name!r} must have scope global")
        if buffer.scope == "global":
            for extent in (*buffer.shape, *(buffer.strides or ())):
                self._checks.host_index(extent, f"a dimension of {buffer.name!r}")
            if buffer.strides is not None and len(buffer.strides) != buffer.rank:
                self.report(f"{buffer.name!r} needs one stride for each dimension")
        elif buffer.strides is not None:
            self.report(f"{buffer.name!r} is local to a block and must be row-major")
        least = 0 if buffer.scope == "global" else 1
        for extent in buffer.shape:
            if isinstance(extent, Const) and int(extent.value) < least:
                self.report(f"a dimension of {buffer.name!r} is below {least}")
            elif least and not isinstance(extent, Const):
                self.report(f"block-local {buffer.name!r} needs a static shape")
        self._checks.declare(buffer)


def _static_bits(buffer: Buffer) -> int | None:
    """The size of a buffer of static shape."""
    bits = buffer.dtype.bits
    for extent in buffer.shape:
        if not isinstance(extent, Const):
            return None
        bits *= int(extent.value)
    return bits
