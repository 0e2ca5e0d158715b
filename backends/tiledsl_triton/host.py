"""The host level of a function: workspaces, then launches, in program order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from tiledsl.analysis import evaluate as analysis
from tiledsl.analysis.fold import Number
from tiledsl.backend import Arguments, ArrayRef
from tiledsl.diagnostics import ArgumentError, InternalError
from tiledsl.ir.nodes import (
    Allocate,
    Assert,
    Block,
    Buffer,
    Expr,
    For,
    Function,
    If,
    Launch,
    Let,
    Statement,
)

ArrayT = TypeVar("ArrayT")


def evaluate(expr: Expr, values: Mapping[str, Number]) -> Number:
    """An expression over dims and scalar parameters."""
    value = analysis.evaluate(expr, values)
    if value is None:
        raise InternalError("E9002", "host-level expression is not index arithmetic")
    return value


@dataclass
class HostRun(Generic[ArrayT]):
    """One call: ``arrays`` and ``numbers`` by name of parameter, dim or workspace."""

    numbers: dict[str, Number]
    arrays: dict[str, ArrayT]
    allocate: Callable[[Buffer, tuple[int, ...]], ArrayT]
    launch: Callable[[Launch, tuple[int, ...], HostRun[ArrayT]], None]

    def block(self, block: Block) -> None:
        """Runs host-level statements."""
        for statement in block:
            self._statement(statement)

    def _statement(self, statement: Statement) -> None:
        match statement:
            case Allocate(buffer) if buffer.of is not None:
                return  # launches get the memory it is a view of
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
            case Assert():
                pass  # calls verify what the host assumes
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
