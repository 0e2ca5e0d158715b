"""The host level of a function: workspaces, then launches, in program order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from tiledsl.backend import Arguments, ArrayRef
from tiledsl.diagnostics import ArgumentError, InternalError
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    Block,
    Buffer,
    Cast,
    Const,
    Expr,
    For,
    Function,
    If,
    Launch,
    Let,
    Select,
    Statement,
    Var,
)

Number = int | float | bool
ArrayT = TypeVar("ArrayT")


def _floor_divide(a: int, b: int) -> int:
    return a // b if b else 0


_INDEX_OPERATIONS: Final[dict[str, Callable[..., Number]]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
    "abs": abs,
    "min": min,
    "max": max,
    "floordiv": _floor_divide,
    "floormod": lambda a, b: a - _floor_divide(a, b) * b,
    "truncdiv": lambda a, b: (abs(a) // abs(b)) * (1 if a * b >= 0 else -1) if b else 0,
    "truncmod": lambda a, b: (
        a - (abs(a) // abs(b)) * (1 if a * b >= 0 else -1) * b if b else a
    ),
    "ceildiv": lambda a, b: -((-a) // b) if b else 0,
    "shl": lambda a, b: a << b if 0 <= b < 64 else 0,
    "shr": lambda a, b: a >> min(b, 63) if b >= 0 else (-1 if a < 0 else 0),
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


def evaluate(expr: Expr, values: dict[str, Number]) -> Number:
    """An expression over dims and scalar parameters."""
    if isinstance(expr, Const):
        return expr.value
    if isinstance(expr, Var):
        return values[expr.name]
    if isinstance(expr, Cast):
        value = evaluate(expr.value, values)
        return int(value) if expr.dtype.is_integer else value
    if isinstance(expr, Select):
        chosen = expr.then if evaluate(expr.condition, values) else expr.otherwise
        return evaluate(chosen, values)
    if isinstance(expr, Apply):
        args = [evaluate(arg, values) for arg in expr.args]
        if expr.op == "not":
            return not args[0] if isinstance(args[0], bool) else ~int(args[0])
        if expr.op in _INDEX_OPERATIONS:
            return _INDEX_OPERATIONS[expr.op](*args)
    raise InternalError("E9002", "host-level expression is not index arithmetic")


@dataclass
class HostRun(Generic[ArrayT]):
    """One call: ``arrays`` and ``numbers`` by name of parameter, dim or workspace."""

    numbers: dict[str, Number]
    arrays: dict[str, ArrayT]
    allocate: Callable[[Buffer, tuple[int, ...]], ArrayT]
    launch: Callable[[Launch, tuple[int, ...], HostRun[ArrayT]], None]
    launched: list[Launch] = field(default_factory=list)

    def block(self, block: Block) -> None:
        """Runs host-level statements."""
        for statement in block:
            self._statement(statement)

    def _statement(self, statement: Statement) -> None:
        match statement:
            case Allocate(buffer):
                shape = tuple(int(evaluate(e, self.numbers)) for e in buffer.shape)
                self.arrays[buffer.name] = self.allocate(buffer, shape)
            case Launch():
                grid = tuple(int(evaluate(e, self.numbers)) for e in statement.grid)
                _check_grid(statement, grid)
                if 0 not in grid:
                    self.launch(statement, grid, self)
            case Let():
                self.numbers[statement.var.name] = evaluate(
                    statement.value, self.numbers
                )
            case If():
                chosen = evaluate(statement.condition, self.numbers)
                self.block(statement.then if chosen else statement.otherwise)
            case For():
                self._for(statement)
            case _:
                kind = type(statement).__name__
                raise InternalError(
                    "E9002", f"{kind} at host level", span=statement.span
                )

    def _for(self, loop: For) -> None:
        start, stop, step = (
            int(evaluate(e, self.numbers)) for e in (loop.start, loop.stop, loop.step)
        )
        for value in range(start, stop, step) if step else ():
            self.numbers[loop.var.name] = value
            self.block(loop.body)


def _check_grid(launch: Launch, grid: tuple[int, ...]) -> None:
    if any(extent < 0 for extent in grid):
        raise ArgumentError(
            "E1022",
            "a grid extent of this launch is negative",
            span=launch.span,
            expected="extents of 0 or more",
            got=str(grid),
        )


def named_arguments(
    function: Function, arguments: Arguments
) -> tuple[dict[str, Number], dict[str, ArrayRef]]:
    """Numbers and arrays of a call by name."""
    numbers: dict[str, Number] = {
        dim.name: value
        for dim, value in zip(function.dims, arguments.dims, strict=True)
    }
    arrays: dict[str, ArrayRef] = {}
    for parameter, value in zip(function.params, arguments.values, strict=True):
        if isinstance(value, ArrayRef):
            arrays[parameter.name] = value
        else:
            numbers[parameter.name] = value
    return numbers, arrays
